"""FGSM: one step along the gradient, as far as is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attacks.balls import Norm, check_ball, inside, steepest
from tfgenxai.attacks.base import Attack, Batch

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class FGSM(Attack):
    """x + eps sign(dL/dx), L the cross-entropy of the class seen (Goodfellow et al. 2015, eq. 1).

    With `norm="l2"` the step is eps times the unit vector along the gradient. With a target it goes
    down the target's cross-entropy instead.

    Args:
        graph, seed: see `Attack`; nothing is drawn.
        eps: size of the step in the norm, above 0.
        norm: "linf" or "l2".

    Raises:
        UsageError: an option is out of range.
    """

    name = "fgsm"
    targeted = True

    def __init__(
        self, graph: Graph, *, eps: float = 0.1, norm: Norm = "linf", seed: int = 0
    ) -> None:
        super().__init__(graph, seed=seed)
        check_ball(eps, norm)
        self.eps, self.norm = eps, norm

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "eps": self.eps, "norm": self.norm}

    def perturb(self, batch: Batch) -> np.ndarray:
        """The step, cut off where pixels would leave [0, 1]."""
        slopes = np.where(batch.allowed, self.slope(batch, batch.images), 0.0)
        step = self.eps * steepest(slopes, self.norm)
        return inside(batch.images, step).astype(np.float32)
