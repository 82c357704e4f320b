"""Which classes a generator draws, by the votes of a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Coverage:
    """Votes of a classifier on generated images.

    Attributes:
        shares: (K,) fraction of the images in each class; sums to 1.
        covered: number of classes with at least `floor` of the images.
        confidence: mean probability of the winning class, in [0, 1].
        floor: the share from which a class counts as covered.
    """

    shares: np.ndarray
    covered: int
    confidence: float
    floor: float


def mode_coverage(probabilities: np.ndarray, floor: float = 0.01) -> Coverage:
    """Coverage of the classes in `probabilities` (N, K), a classifier's verdict on N images."""
    winners = probabilities.argmax(axis=1)
    shares = np.bincount(winners, minlength=probabilities.shape[1]) / len(probabilities)
    confidence = float(probabilities.max(axis=1).mean())
    return Coverage(shares, int(np.sum(shares >= floor)), confidence, floor)
