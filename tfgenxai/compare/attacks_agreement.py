"""Whether attacks change the pixels that explanations mark: ranks, and the first tenth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attacks.vae import others_of
from tfgenxai.metrics.agreement import iou_chance, top_places
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import rank_correlation

if TYPE_CHECKING:
    from tfgenxai.compare.attacks import Attacks

#: Share of the pixels that are a map's first.
TOP = 0.1
_SHOWN = 3


def add_agreement(comparison: Attacks) -> None:
    """Every attack against every method, beside another image's attack, and chance."""
    material = comparison.material
    other = others_of(material.labels, len(material.images))
    rows = [
        {"attack": attack, "method": method, **likeness(sizes, maps, other, comparison.seed)}
        for attack, sizes in material.sizes.items()
        for method, maps in material.maps.items()
    ]
    comparison.results["agreement"] = rows
    comparison.section("Do they mark the same pixels?", _READING)
    comparison.table("ties", ties(comparison), _TIES)
    comparison.table(
        "agreement",
        rows,
        "Means over images; the file tables/agreement.csv has all 95 % intervals.",
        columns=(
            *("attack", "method", "images", "spearman", "spearman_other", "spearman_random"),
            *("spearman_gain", "iou", "iou_other", "iou_chance"),
        ),
    )
    frame = comparison.frames["agreement"]
    for measure, label in (
        ("spearman", "rank correlation of |delta| and |relevance|"),
        ("spearman_gain", "rank correlation, less that with the attack on another digit"),
        ("iou", f"overlap of the first tenth (chance {rows[0]['iou_chance']:.2f})"),
    ):
        table = frame.pivot(index="attack", columns="method", values=measure)
        table = table.loc[list(material.sizes), list(material.maps)]
        comparison.figure(
            measure.replace("_", "-"),
            plots.matrix(
                table.to_numpy(), list(table.index), list(table.columns), title="", label=label
            ),
            f"Attacks by methods: {label}.",
        )
    _add_pictures(comparison)


def likeness(sizes: np.ndarray, maps: np.ndarray, other: np.ndarray, seed: int) -> dict[str, Any]:
    """How alike an attack and a method are on the same images.

    `spearman` over the pixels to which either gives a value, `iou` of the first tenth; `_other`
    with the attack on an image of another class, which is what any two digits have in common;
    `_gain`, the difference an image at a time; `spearman_random`, of the method with noise;
    `iou_chance`, what random sets of this size have in common on average.

    Args:
        sizes: (N, H, W), of the attack.
        maps: (n, H, W), of the method, n at most N.
        other: (N,), for each image the place of one of another class.
        seed: of the noise, and of the order of pixels that are equal.
    """
    count = len(maps)
    rows, own, others = (
        each.reshape(count, -1) for each in (maps, sizes[:count], sizes[other[:count]])
    )
    places = rows.shape[1]
    first = round(TOP * places)
    noise = np.random.default_rng(seed).random(rows.shape)
    marked = top_places(rows, first, (seed, 0))
    row: dict[str, Any] = {"images": count}
    found = {
        "spearman": [_correlations(rows, each) for each in (own, others)],
        "iou": [_overlap(marked, top_places(each, first, (seed, 1))) for each in (own, others)],
    }
    for measure, (same, control) in found.items():
        for end, values in (("", same), ("_other", control), ("_gain", same - control)):
            row |= interval(values).row(measure + end)
    row |= interval(_correlations(rows, noise)).row("spearman_random")
    return row | {"iou_chance": iou_chance(first, places)}


def ties(comparison: Attacks) -> list[dict[str, Any]]:
    """How far the sizes of an attack's changes can be ranked at all, one row an attack."""
    rows = []
    for name, found in comparison.material.found.items():
        sizes = found.sizes.reshape(len(found), -1)
        largest = sizes.max(axis=1, keepdims=True)
        moved = sizes > 0
        full = np.sum(sizes > 0.999 * largest, axis=1) / np.maximum(moved.sum(axis=1), 1)
        rows.append(
            {
                "attack": name,
                "images": len(found),
                "pixels_moved": float(moved.mean()),
                "of_these_as_far_as_any": float(full.mean()),
            }
        )
    return rows


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.array([rank_correlation(a, b) for a, b in zip(first, second, strict=True)])


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.sum(first & second, axis=1) / np.sum(first | second, axis=1)


def _add_pictures(comparison: Attacks) -> None:
    material = comparison.material
    count = min(_SHOWN, *map(len, material.maps.values()))
    stacked = {**material.sizes, **material.maps}
    comparison.figure(
        "maps",
        plots.overlay(
            np.stack([each[:count] for each in stacked.values()], axis=1),
            material.images[:count],
            target_names=list(stacked),
            over=False,
            title="What attacks change, and what explanations mark",
        ),
        "Sizes of the changes (of FGSM the gradient), then of the relevance, each map on its own "
        "scale.",
    )


_READING = f"""\
An attack adds delta to an image, an explanation gives every pixel a relevance for the class that \
the classifier sees. Both are taken by their size. **Spearman** is the rank correlation over the \
pixels to which either gives a value; **IoU** compares the {100 * TOP:.0f} % of the pixels that \
each ranks first. Digits are alike, and lie in the middle: so each method is compared with the \
attack on an image of **another** digit too, and only what is above that tells of this image."""

_TIES = """\
How far sizes can be ranked. FGSM moves every pixel by eps, unless its gradient is 0 or it would \
leave [0, 1]: nearly all sizes are equal, and a rank correlation of |delta| would be one of which \
pixels could not move. So for FGSM the gradient that it takes the sign of stands for it, which is \
near to saliency by construction: both are gradients at the image. Of the others ties count by \
their mean rank, and at the edge of the first tenth chance decides."""
