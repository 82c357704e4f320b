"""The same attribution methods on both encoders, and the same measures of what they give."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attribution import LatentGradCAM
from tfgenxai.compare.panel import built
from tfgenxai.compare.vae_gan_heatmaps import one_of_each
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.latent.effects import eta_squared
from tfgenxai.metrics.complexity import gini
from tfgenxai.metrics.faithfulness import faithfulness_correlation, insertion
from tfgenxai.metrics.intervals import Interval, interval
from tfgenxai.metrics.localisation import auroc
from tfgenxai.metrics.randomisation import against_random
from tfgenxai.targets import Latent

if TYPE_CHECKING:
    from tfgenxai.attribution import Method
    from tfgenxai.compare.bigan import TwoEncoders

METHODS = ("saliency", "integrated_gradients", "lrp")
#: Images, and dimensions of each code, that are explained.
_EXPLAINED, _DIMENSIONS = 12, 2
#: Of the metrics.
_STEPS, _RUNS = 14, 30
_SHOWN = 5


def add_maps(comparison: TwoEncoders) -> None:
    """Which pixels the most telling dimensions of both codes hang on, by every method."""
    comparison.section(
        "Explanations of both encoders",
        f"For each model the {_DIMENSIONS} dimensions that tell most of the digit are explained "
        f"on {_EXPLAINED} images, by the same methods with the same settings. "
        f"{_where_grad_cam_runs(comparison)}",
    )
    rows, chosen = [], {}
    for model in comparison.models:
        eta = eta_squared(comparison.codes[model], comparison.labels)
        chosen[model] = [int(place) for place in np.argsort(-eta, kind="stable")[:_DIMENSIONS]]
        methods = {
            name: built(name, comparison.models[model]["encode"], comparison.seed)
            for name in METHODS
        }
        rows += [_measured(comparison, model, each, chosen[model]) for each in methods.values()]
        _add_pictures(comparison, model, methods, chosen[model][0])
    comparison.results["maps"] = {
        "rows": rows,
        "methods": list(METHODS),
        "dimensions": chosen,
        "images": _EXPLAINED,
    }
    comparison.table(
        "maps",
        rows,
        f"Means over {_EXPLAINED} images and {_DIMENSIONS} dimensions. Insertion gain: how much "
        "faster the explained number grows when pixels are put in by their relevance than in "
        "random order, in its standard deviations over the test images (0: no better than chance). "
        "Faithfulness: correlation of the relevance of random subsets with what their removal "
        "does. Gini: 1 is all relevance in one pixel. Strokes: how likely a pixel of the strokes "
        "has more relevance, signs left out, than another (chance 0.5). Alike when random: rank "
        "correlation with the map of the same network with random weights. The file "
        "tables/maps.csv has the intervals.",
        columns=[
            "model",
            "method",
            "insertion_gain",
            "faithfulness",
            "gini",
            "strokes",
            "alike_when_random",
            "ms_per_map",
        ],
    )
    for measure, what in (
        ("insertion_gain", "Insertion gain, in standard deviations of the explained number"),
        ("faithfulness", "Faithfulness correlation"),
    ):
        comparison.finding(f"{what}: {_listed(rows, measure)}.")
    worst = max(rows, key=lambda row: row["alike_when_random"])
    comparison.finding(
        f"With all weights drawn anew, maps stay alike by {worst['alike_when_random']:.2f} at "
        f"most ({worst['method']}, {worst['model']}): a rank correlation, 1 for the same map."
    )


def _where_grad_cam_runs(comparison: TwoEncoders) -> str:
    """Which of the encoders latent Grad-CAM can explain, and why not the others."""
    said = []
    for name, model in comparison.models.items():
        try:
            layer = LatentGradCAM(model["encode"]).layer_name
        except LayerNotFoundError:
            said.append(f"on the {name} it does not apply, whose encoder has no convolution")
        else:
            said.append(f"on the {name} it would run at `{layer}`")
    return (
        "Latent Grad-CAM needs feature maps, that is a layer with places in the image: "
        f"{'; '.join(said)}. It is left out here, where both are asked the same."
    )


def _measured(
    comparison: TwoEncoders, model: str, method: Method, dimensions: list[int]
) -> dict[str, Any]:
    """A row of the table: means over images and dimensions."""
    images, seed = comparison.images[model][:_EXPLAINED], comparison.seed
    spread = comparison.codes[model].std(axis=0)
    strokes = images[..., 0] > 0.5
    family = Latent(tuple(dimensions))
    method(images, family, progress=False)  # compiles
    started = time.perf_counter()
    maps = method(images, family, progress=False)
    seconds = time.perf_counter() - started
    values: dict[str, list[np.ndarray]] = {}
    for place, dimension in enumerate(dimensions):
        asked = (method.graph, images, Latent(dimension), maps.target(place))
        gain = insertion(*asked, steps=_STEPS, controls=1, seed=seed).gain
        found = {
            "insertion_gain": gain / max(float(spread[dimension]), np.finfo(float).tiny),
            "faithfulness": faithfulness_correlation(*asked, runs=_RUNS, seed=seed),
            "gini": gini(maps.target(place)),
            "strokes": auroc(np.abs(maps.target(place).values[..., 0]), strokes),
        }
        for name, each in found.items():
            values.setdefault(name, []).append(each)
    random, _ = against_random(
        lambda graph: method if graph is method.graph else built(method.name, graph, seed),
        method.graph,
        images,
        Latent(dimensions[0]),
        seed=seed,
    )
    row: dict[str, Any] = {"model": model, "method": method.name, "samples": len(images)}
    for name, parts in values.items():
        row |= _mean(np.stack(parts)).row(name)
    return row | {
        "alike_when_random": random["similarity"],
        "ms_per_map": 1e3 * seconds / (len(images) * len(dimensions)),
    }


def _mean(values: np.ndarray) -> Interval:
    """The mean of values (dimensions, images) over images, NaN where none is known.

    An image's dimensions are no independent samples: their mean is one.
    """
    known = [each[np.isfinite(each)] for each in values.T]
    means = [each.mean() for each in known if len(each)]
    return interval(means) if means else Interval(np.nan, np.nan, np.nan, 0)


def _add_pictures(
    comparison: TwoEncoders, model: str, methods: dict[str, Method], dimension: int
) -> None:
    """The maps of all methods for a few digits."""
    shown = one_of_each(comparison.labels)[:_SHOWN]
    images = comparison.images[model][shown]
    maps = [m(images, Latent(dimension), progress=False).values for m in methods.values()]
    comparison.figure(
        f"maps-{model.lower()}",
        plots.overlay(
            np.stack([np.abs(each) for each in maps], axis=1),
            images,
            target_names=list(methods),
            title=f"{model}: size of the relevance for z{dimension}",
            over=False,
        ),
        f"Which pixels z{dimension} of the {model} hangs on, signs left out, each map on its own "
        "scale.",
    )


def _listed(rows: list[dict[str, Any]], measure: str) -> str:
    return "; ".join(
        f"{name} "
        + ", ".join(
            f"{row['model']} {row[measure]:.2f} [{row[f'{measure}_low']:.2f}, "
            f"{row[f'{measure}_high']:.2f}]"
            for row in rows
            if row["method"] == name and np.isfinite(row[measure])
        )
        for name in METHODS
    )
