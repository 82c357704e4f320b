"""Orders of the sites of an image, and what a classifier says when only the first n are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.relevance import relevance_maps
from tfgenxai.metrics.removal import replaced
from tfgenxai.metrics.scores import Scores
from tfgenxai.targets import ClassLogit

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: How many sites the notes reveal, and the two probabilities that they give, of which digit.
NOTES: dict[int, tuple[float, float, int]] = {
    5: (0.666, 0.646, 3),
    10: (0.866, 0.981, 3),
    12: (0.953, 0.997, 3),
    13: (0.994, 0.995, 3),
    15: (0.998, 0.996, 3),
    20: (0.764, 0.278, 8),
    25: (0.990, 0.998, 8),
    30: (1.000, 1.000, 8),
}
COUNTS = tuple(NOTES)
#: What n may count; the notes do not say.
UNITS = ("pixels", "per cent of the pixels", "cells of 2 x 2 pixels")
HIGHEST, LOWEST, RANDOM, GRADIENT = "highest variance", "lowest variance", "random", "gradient"
INK = "brightness"
PIXELS = " (pixels)"
#: Side of a cell, in pixels.
CELL = 2


def predicted(graph: Graph, images: np.ndarray) -> np.ndarray:
    """The class (N,) that a classifier with an output `probabilities` gives each image."""
    return batched(graph.function("image", "probabilities"), images).argmax(axis=1)


def order_maps(
    graph: Graph,
    images: np.ndarray,
    classes: np.ndarray,
    *,
    steps: int | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Order -> maps (N, H, W), whose sites are shown from the highest value down."""
    from tfgenxai.attribution import create

    found: dict[str, np.ndarray] = {}
    for variant, suffix in (("convolutional", ""), ("pixels", PIXELS)):
        options = {"variant": variant, "seed": seed} | ({} if steps is None else {"steps": steps})
        variance = relevance_maps(create("cluster_vi", graph, **options)(images, progress=False))
        found[HIGHEST + suffix], found[LOWEST + suffix] = variance, -variance
    slopes = create("saliency", graph)(images, ClassLogit(classes), progress=False)
    return found | {
        GRADIENT: relevance_maps(slopes),
        INK: relevance_maps(images),
        RANDOM: np.zeros(images.shape[:3]),
    }


def revealed(
    graph: Graph,
    images: np.ndarray,
    classes: np.ndarray,
    maps: Mapping[str, np.ndarray],
    *,
    counts: tuple[int, ...] = COUNTS,
    seed: int = 0,
) -> dict[tuple[str, str], np.ndarray]:
    """(order, unit) -> the probability of each image's class with n sites shown, (N, counts)."""
    scores = Scores(graph, images, probability_of(classes))
    black = np.zeros_like(images)
    places = int(np.prod(images.shape[1:3]))
    limits = {unit: np.asarray(counts) for unit in UNITS}
    limits[UNITS[1]] = np.round(np.asarray(counts) / 100 * places).astype(int)
    found = {}
    for name, values in maps.items():
        by_pixel, by_cell = ranks(values, seed), ranks(values, seed, CELL)
        for unit in UNITS:
            chosen = by_cell if unit == UNITS[2] else by_pixel
            hidden = chosen[:, None] >= limits[unit][:, None]

            def change(
                samples: np.ndarray, variants: np.ndarray, hidden: np.ndarray = hidden
            ) -> np.ndarray:
                return replaced(scores, samples, hidden[samples, variants], black)

            found[name, unit] = scores.over(len(counts), change)
    return found


def ranks(maps: np.ndarray, seed: int, side: int = 1) -> np.ndarray:
    """The place of each pixel's site in the order of falling value, (N, H W), from 0.

    Args:
        maps: (N, H, W).
        seed: of the order of equal values; each image has its own.
        side: of a site, in pixels; its value is the mean of theirs.
    """
    count, height, width = maps.shape
    split = maps.reshape(count, height // side, side, width // side, side)
    sites = split.mean(axis=(2, 4))
    found = np.empty(sites.shape, np.int64)
    for n, values in enumerate(sites):
        ties = np.random.default_rng([seed, n]).random(values.size)
        order = np.lexsort((ties, -values.ravel()))
        found[n].ravel()[order] = np.arange(values.size)
    return found.repeat(side, axis=1).repeat(side, axis=2).reshape(count, -1)


def gaps(found: Mapping[tuple[str, str], np.ndarray]) -> list[dict[str, Any]]:
    """How much surer the class is by the highest variance than by another order, paired."""
    rows = []
    for suffix in ("", PIXELS):
        for other in (LOWEST + suffix, RANDOM, GRADIENT, INK):
            for unit in UNITS:
                apart = found[HIGHEST + suffix, unit] - found[other, unit]
                row = {"order": HIGHEST + suffix, "against": other, "unit": unit}
                rows += [
                    row | {"n": n} | interval(values).row("gap")
                    for n, values in zip(COUNTS, apart.T, strict=True)
                ]
    return rows


def probability_of(classes: np.ndarray) -> ClassLogit:
    """The probability of each image's own class."""
    return ClassLogit(classes, output="probabilities")
