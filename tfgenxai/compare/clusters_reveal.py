"""Whether the sites of highest posterior variance are those that a prediction rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.clusters_orders import (
    CELL,
    COUNTS,
    GRADIENT,
    HIGHEST,
    INK,
    LOWEST,
    NOTES,
    PIXELS,
    RANDOM,
    UNITS,
    gaps,
    order_maps,
    predicted,
    probability_of,
    ranks,
    revealed,
)
from tfgenxai.metrics.faithfulness import insertion
from tfgenxai.metrics.intervals import interval, proportion

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison
    from tfgenxai.graph import Graph

_SHOWN = 4


def reveal_part(
    page: Comparison,
    graph: Graph,
    images: np.ndarray,
    *,
    steps: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Adds the top-n experiment to a page; gives back its numbers, also under `results["reveal"]`.

    All of an image is black but n sites, the first of an order; what is measured is the probability
    of the class that the whole image has. Orders: posterior variance from the highest and from the
    lowest, of both variants of `ClusterVI`; the controls are random, the gradient's size, and the
    image's own brightness, which knows nothing of any network. Equal values go in random order.

    Args:
        graph: a classifier with outputs `logits` and `probabilities`.
        images: (N, H, W, C) in [0, 1], H and W even, bright on black.
        steps: of `ClusterVI`; its own by default.
        seed: of the method and of all random orders.
    """
    classes = predicted(graph, images)
    maps = order_maps(graph, images, classes, steps=steps, seed=seed)
    found = revealed(graph, images, classes, maps, seed=seed)
    areas = {
        name: insertion(graph, images, probability_of(classes), values, controls=1, seed=seed).area
        for name, values in maps.items()
    }
    digits = {digit: np.flatnonzero(classes == digit) for digit in {d for *_, d in NOTES.values()}}
    page.section("The top n sites", _ABOUT)
    for unit in UNITS:
        rows = _rows(found, unit)
        page.table(
            f"reveal-{UNITS.index(unit)}", rows, _caption(unit, len(images)), columns=_shown(rows)
        )
    page.table("reveal-notes", _beside(found, digits), _NOTES_CAPTION)
    page.table(
        "reveal-insertion",
        [{"order": name} | interval(area).row("area") for name, area in areas.items()],
        "Area under the insertion curve of the probability, from black to the whole image; means "
        "and 95 % intervals.",
    )
    page.figure(
        "reveal",
        plots.reveal_curves(
            COUNTS,
            {unit: {n: found[n, unit] for n in maps} for unit in UNITS},
            {n: pair[:2] for n, pair in NOTES.items()},
            control=RANDOM,
        ),
        f"The probability of the class when n sites are shown, {len(images)} digits, mean with 95 "
        "% interval. Crosses: the notes.",
    )
    page.figure("reveal-sites", _sheet(images, maps, seed), _SITES_CAPTION)
    numbers = {
        "digits": len(images),
        "units": {unit: _rows(found, unit) for unit in UNITS},
        "insertion": {name: interval(area).row("area") for name, area in areas.items()},
        "gaps": gaps(found),
    }
    page.results["reveal"] = numbers
    for sentence in words(numbers):
        page.finding(sentence)
    return numbers


def words(numbers: Mapping[str, Any]) -> list[str]:
    """What the numbers of `reveal_part` say of the claim, in sentences."""
    sentences = []
    for suffix, model in (("", "convolutional"), (PIXELS, "pixel")):
        verdicts = []
        for other in (RANDOM, GRADIENT, INK, LOWEST + suffix):
            rows = [
                row
                for row in numbers["gaps"]
                if row["order"] == HIGHEST + suffix and row["against"] == other
            ]
            above = sum(row["gap_low"] > 0 for row in rows)
            below = sum(row["gap_high"] < 0 for row in rows)
            verdicts.append((other.removesuffix(suffix), above, below, len(rows)))
        holds = all(above == total for _, above, _, total in verdicts)
        said = "; ".join(
            f"{other}: above in {above}, below in {below} of {total}"
            for other, above, below, total in verdicts
        )
        sentences.append(
            f"Top-n variance, {model} model, {numbers['digits']} digits: the claim that the sites "
            f"of highest variance carry the prediction {'holds' if holds else 'does not hold'}. "
            "Against other orders, over all n and units, by intervals of paired differences: "
            f"{said}."
        )
    best = max(numbers["insertion"], key=lambda name: numbers["insertion"][name]["area"])
    listed = ", ".join(f"{name} {row['area']:.3f}" for name, row in numbers["insertion"].items())
    sentences.append(f"Insertion areas of the probability: {listed}; best is {best}.")
    return sentences


def _rows(found: Mapping[tuple[str, str], np.ndarray], unit: str) -> list[dict[str, Any]]:
    """A row for each n: means with intervals, and the share of images whose class is sure."""
    rows = []
    for place, n in enumerate(COUNTS):
        row: dict[str, Any] = {"n": n}
        for (name, of), values in found.items():
            if of == unit:
                row |= interval(values[:, place]).row(name)
                sure = proportion(int((values[:, place] > 0.5).sum()), len(values))
                row |= sure.row(f"{name}, above 0.5")
        rows.append(row)
    return rows


def _shown(rows: list[dict[str, Any]]) -> list[str]:
    return [key for key in rows[0] if not key.endswith(("_low", "_high", "above 0.5"))]


def _beside(
    found: Mapping[tuple[str, str], np.ndarray], digits: Mapping[int, np.ndarray]
) -> list[dict[str, Any]]:
    """The notes' table, and what the highest variance of the convolutional model gives here."""
    rows = []
    for place, (n, (first, second, digit)) in enumerate(NOTES.items()):
        row: dict[str, Any] = {"n": n, "digit": digit, "notes": f"{first:.3f} / {second:.3f}"}
        own = digits[digit]
        row["digits here"] = len(own)
        for unit in UNITS:
            for name in (HIGHEST, RANDOM):
                values = found[name, unit][own, place]
                row[f"{name}, {unit}"] = str(interval(values)) if len(own) else "-"
        rows.append(row)
    return rows


def _sheet(images: np.ndarray, maps: Mapping[str, np.ndarray], seed: int) -> Any:
    """What is shown of a few images, by every order, in cells."""
    some, counts = images[:_SHOWN], np.asarray(COUNTS)
    blocks = {}
    for name, values in maps.items():
        shown = ranks(values[:_SHOWN], seed, CELL).reshape(some.shape[:3])
        kept = shown[:, None] < counts[:, None, None]
        blocks[name] = np.concatenate([some[:, None], kept[..., None] * some[:, None]], axis=1)
    return plots.image_blocks(blocks, ["all", *COUNTS], title="The first n cells of every order")


def _caption(unit: str, count: int) -> str:
    return (
        f"n counts {unit}. The probability of the class of the whole image, mean over {count} "
        "digits; the file has 95 % intervals, and how often the probability is above 0.5."
    )


_ABOUT = """\
The notes reveal the n sites of highest posterior variance, and take a classifier that is sure of \
its class again for a sign that these sites carry the class. They do not say what n counts, nor \
what other sites would do. Here the same is done in three units, with the lowest variance, random \
sites, the size of the gradient and the brightness of the image beside it."""
_NOTES_CAPTION = (
    "The notes' two probabilities for one image each, beside the mean over all images here of the "
    "same digit, with 95 % intervals: highest variance of the convolutional model, and random "
    "sites."
)
_SITES_CAPTION = "What the classifier gets to see: the first n cells of 2 x 2 pixels by each order."
