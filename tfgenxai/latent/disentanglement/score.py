"""What a metric of disentanglement gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Score:
    """One measurement of a metric.

    Attributes:
        values: name -> score in [0, 1], the higher the better.
        chance: name -> what codes that know nothing of the factors get, where that is known
            beforehand; the floor of the others is measured, by codes of a network with random
            weights.
        matrix: (F, D), what the metric found each latent to tell about each factor; None for
            metrics that do not look at single latents.
    """

    values: Mapping[str, float]
    chance: Mapping[str, float] = field(default_factory=dict)
    matrix: np.ndarray | None = None


def gaps(matrix: np.ndarray) -> np.ndarray:
    """(F,): by how much the best latent of each factor is ahead of the second best.

    Args:
        matrix: (F, D); with a single latent, the second best counts as 0.
    """
    ordered = np.sort(matrix, axis=1)[:, ::-1]
    return ordered[:, 0] - (ordered[:, 1] if ordered.shape[1] > 1 else 0.0)
