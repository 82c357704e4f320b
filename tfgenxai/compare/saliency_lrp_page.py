"""The page of saliency against LRP: findings, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.claims import (
    FEWEST,
    Measures,
    claim_rows,
    judge,
    measure_rows,
    summed_up,
)
from tfgenxai.compare.saliency_lrp_cases import METHODS, SALIENCY
from tfgenxai.compare.saliency_lrp_measures import CHANCE, LABELS, Study, relevance
from tfgenxai.compare.saliency_lrp_words import CLAIMS, rows, sane
from tfgenxai.metrics.agreement import agreement, agreement_matrix
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    import pandas

    from tfgenxai.compare.comparison import Comparison

_SHOWN = 3
#: Section -> its title, and the measures of its table.
_SECTIONS = {
    "cost": ("Computation cost", ("milliseconds",)),
    "noise": ("Sensitivity to noise", ("off_stroke", "total_variation", "speckle", "noise")),
    "meaning": (
        "Interpretability: sensitivity, contribution, and other classes",
        ("slope", "contribution", "other", "random", "mass"),
    ),
    "faithfulness": (
        "Interpretability: faithfulness to the model",
        ("deletion_gain", "insertion_gain", "flipping_gain"),
    ),
    "sums": ("Conservation: what adds up", ("sum_error", "bias", "account")),
}
_READING = """\
Saliency is the size of the gradient, SmoothGrad the size of its mean over 25 noisy copies of the \
image. LRP is taken with the package's default composite, z-plus in convolutions and epsilon in \
dense layers, and with the epsilon rule everywhere. All images are ones that raise the explained \
number above 0 and above its value for a black image, so that relevance speaks for it and taking \
away what is relevant should lower it."""
_CLAIMS = f"""\
Each claim is held against the paired difference of the two on the same images: it holds where \
the 95 % interval is above 0, and it is the other way round where it is below; with fewer than \
{FEWEST} images nothing is settled."""
_CAPTIONS = {
    "cost": "Milliseconds of processor time for a map, when all images are explained together, "
    "over 6 rounds after the method is compiled.",
    "sums": "The account is what is open when the biases' and the stabiliser's shares are added.",
}


def add_page(
    found: Comparison, studies: Sequence[Study], sanity: Mapping[str, pandas.DataFrame]
) -> None:
    """Everything that is measured, as findings, tables and figures."""
    measures = {study.case.name: study.measures for study in studies}
    judged = [judge(claim, measures) for claim in CLAIMS]
    found.headline = f"Saliency against LRP: {summed_up(judged)}"
    for each in judged:
        found.finding(each.sentence(LABELS[each.claim.measure]))
    if sanity:
        found.finding(sane(measures, sanity))
    found.section("What is explained", _READING)
    found.table(
        "cases",
        [
            {
                "network": study.case.name,
                "what is explained": study.case.about,
                "images": len(study.case.inputs),
                "share of strokes": float(study.case.strokes.mean()),
            }
            for study in studies
        ],
        "The networks.",
    )
    found.section("The rows of such tables, with numbers")
    found.table(
        "rows",
        rows(measures),
        "What is commonly said of the two, in words, and what was measured here (means).",
    )
    found.table("claims", claim_rows(judged, LABELS), _CLAIMS)
    found.section("What the maps look like")
    for study in studies:
        _add_maps(found, study)
    for name, (title, names) in _SECTIONS.items():
        found.section(title)
        found.table(
            name,
            measure_rows(measures, LABELS, names),
            _CAPTIONS.get(name, "Means over the images, with 95 % intervals."),
            columns=["measure", "case", "samples", *METHODS]
            + ([CHANCE] if name in ("noise", "meaning") else []),
        )
        if name == "faithfulness":
            for study in studies:
                _add_curves(found, study)
    _add_agreement(found, studies)
    if sanity:
        _add_sanity(found, measures, sanity)
    found.results |= {
        "measures": {
            case: {
                method: {name: interval(v).row("mean") for name, v in values.items()}
                for method, values in by_method.items()
            }
            for case, by_method in measures.items()
        },
        "claims": {each.claim.text: each.outcomes for each in judged},
    }


def _add_maps(found: Comparison, study: Study) -> None:
    """All methods on the first images."""
    case = study.case
    maps = [relevance(study.maps[name])[:_SHOWN].sum(axis=-1) for name in METHODS]
    found.figure(
        f"maps-{case.slug}",
        plots.overlay(
            np.stack(maps, axis=1),
            case.inputs[:_SHOWN],
            target_names=[*METHODS],
            over=False,
            title=f"{case.name}: {case.about}",
        ),
        "Each map on its own scale; red speaks for a larger value, blue against it. Slopes are "
        "drawn by their size, which has no sign.",
    )


def _add_curves(found: Comparison, study: Study) -> None:
    """Deletion to black, and flipping, by every method and in random order."""
    case = study.case
    every = {name: study.curves[name] for name in METHODS}
    for kind, title, caption in (
        (
            "deletion",
            "ink taken away",
            "The most relevant pixels go black first: the sooner the curve falls, the better.",
        ),
        (
            "flipping",
            "black and white exchanged",
            "The explained number when the least relevant pixels are flipped first, less when the "
            "most relevant are: a larger gap is better. Black pixels count as much as white ones.",
        ),
    ):
        curves = {name: by_kind[f"{kind}_gain"] for name, by_kind in every.items()}
        control = curves[SALIENCY].control
        found.figure(
            f"{kind}-{case.slug}",
            plots.curves(
                list(100 * curves[SALIENCY].fractions),
                {**{n: curve.scores for n, curve in curves.items()}, "random order": control},
                title=f"{case.name}: {title}",
                xlabel="pixels changed, %",
                ylabel="explained number" if kind == "deletion" else "gap, least less most first",
                control="random order",
            ),
            f"{caption} Mean over {len(control)} images with 95 % bands.",
        )


def _add_agreement(found: Comparison, studies: Sequence[Study]) -> None:
    """How alike the methods are, on each network."""
    found.section("Do they agree?")
    for study in studies:
        frame = agreement({n: relevance(a) for n, a in study.maps.items()}, absolute=True)
        found.figure(
            f"agreement-{study.case.slug}",
            plots.matrix(
                agreement_matrix(frame).to_numpy(),
                [*METHODS],
                [*METHODS],
                title=f"{study.case.name}: rank correlation of two maps",
                label="mean rank correlation",
                limits=(-1, 1),
            ),
            "By size, over the pixels that either gives a value; mean over the images.",
        )
        found.table(
            f"agreement-{study.case.slug}",
            frame,
            f"The same with 95 % intervals, structural similarity, and the overlap (IoU) of the "
            f"most relevant tenth; by chance {frame['iou_chance'].iloc[0]:.3f}.",
            columns=["first", "second", "spearman", "spearman_low", "spearman_high", "ssim", "iou"],
        )


def _add_sanity(
    found: Comparison, measures: Measures, sanity: Mapping[str, pandas.DataFrame]
) -> None:
    """Maps of the classifier as its weights are drawn anew."""
    import pandas

    table = pandas.concat(
        [frame.assign(method=name) for name, frame in sanity.items()], ignore_index=True
    )
    steps = list(next(iter(sanity.values()))["layer"])
    found.section("Sanity: does the map notice that the weights are gone?", sane(measures, sanity))
    found.figure(
        "randomisation",
        plots.matrix(
            np.stack([frame["similarity"] for frame in sanity.values()]),
            [*sanity],
            [*(f"... {layer}" for layer in steps[:-1]), steps[-1]],
            title="Weights drawn anew, from the output down to ...",
            label="rank correlation",
            limits=(-1, 1),
        ),
        "Likeness to the trained network's map (Adebayo et al. 2018): one that stays alike shows "
        "the image, not what was learned. Last, the likeness of two random networks' maps. Pixels "
        "where the network drawn anew gives 0 do not count: it has no biases, and so it is dead "
        "where an image is black.",
    )
    found.table(
        "randomisation",
        table,
        "The same in numbers; the last row of a method is the likeness of two random networks.",
        columns=["method", "layer", "similarity", "standard_error", "samples"],
    )
