"""Who looks at moved images, and what they see beside the unmoved ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.metrics.features import Readings, read
from tfgenxai.metrics.strokes import stroke_measures
from tfgenxai.metrics.word_shapes import word_measures

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.latent.reader import Reader


@dataclass(frozen=True)
class Seen:
    """Images (n, H, W, C), and what is measured on them."""

    images: np.ndarray
    measures: dict[str, np.ndarray]
    readings: Readings | None
    errors: np.ndarray | None


@dataclass(frozen=True)
class Seeing:
    """Who looks at images, and what should be written in them."""

    classifier: Graph | None
    word: str | None
    reader: Reader | None

    def __call__(self, images: np.ndarray) -> Seen:
        """What is measured, seen and read in images (n, H, W, C) in [0, 1]."""
        measures = {}
        if self.word is not None:
            measures = word_measures(np.clip(images, 0, 1))
            if len(self.word) == 1:
                del measures["cursivity"]  # a character has no neighbour
        elif images.shape[-1] == 1:
            measures = stroke_measures(images)
        classes = None if self.classifier is None else read(self.classifier, images)
        errors = None
        if self.reader is not None and self.word is not None:
            errors = self.reader.errors(images, self.word)
        return Seen(images, measures, classes, errors)


def compared(start: Seen, moved: Seen, middle: int) -> dict[str, np.ndarray]:
    """What changes along one direction, (N, S) each, the unmoved images put into the middle.

    Args:
        start: of N unmoved images.
        moved: of N (S - 1) images, the sizes of each code side by side.
        middle: the place of the unmoved ones.
    """
    count = len(start.images)

    def whole(values: np.ndarray, unmoved: Any) -> np.ndarray:
        return np.insert(values.reshape(count, -1), middle, unmoved, axis=1)

    def beside(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, len(moved.images) // count, axis=0)

    squares = np.square(moved.images - beside(start.images)).mean(axis=(1, 2, 3), dtype=np.float64)
    row = {"distances": whole(squares, 0.0)}
    for name, values in moved.measures.items():
        row[name] = whole(values, start.measures[name])
    if start.readings is not None and moved.readings is not None:
        own, probabilities = start.readings.votes, moved.readings.probabilities
        left = probabilities[np.arange(len(probabilities)), beside(own)]
        row["classes"] = whole(moved.readings.votes, own)
        row["kept"] = whole(left, start.readings.probabilities.max(axis=1))
        apart = moved.readings.features - beside(start.readings.features)
        row["feature_distances"] = whole(np.linalg.norm(apart, axis=1), 0.0)
    if start.errors is not None and moved.errors is not None:
        row["errors"] = whole(moved.errors, start.errors)
    return row
