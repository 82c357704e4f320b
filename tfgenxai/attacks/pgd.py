"""PGD: the strongest of the simple attacks on a network whose gradient is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attacks.balls import Norm, ascend, check_ball, inside, random_point
from tfgenxai.attacks.base import Attack, Batch
from tfgenxai.attribution.gradients import check_count
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Steps together are so many times the radius, so that the ball's far side can be reached.
REACH = 2.5


class PGD(Attack):
    """Projected gradient ascent on the cross-entropy of the class seen (Madry et al. 2018).

    Each step is `steepest` in the norm, then drawn back into the ball and into [0, 1]. Of several
    restarts an image keeps the one with the largest margin of another class (with a target: of the
    target) over all others.

    Args:
        graph, seed: see `Attack`.
        eps: radius of the ball in the norm, above 0.
        norm: "linf" or "l2".
        steps: number of steps.
        step: length of one; by default `REACH` * eps / steps.
        random_start: start anywhere in the ball, as Madry et al. do, rather than at the image.
        restarts: number of random starts.

    Raises:
        UsageError: an option is out of range, or there are restarts without a random start.
    """

    name = "pgd"
    targeted = True

    def __init__(
        self,
        graph: Graph,
        *,
        eps: float = 0.1,
        norm: Norm = "linf",
        steps: int = 20,
        step: float | None = None,
        random_start: bool = True,
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, seed=seed)
        check_ball(eps, norm)
        self.eps, self.norm = eps, norm
        check_count("steps", steps, 1)
        self.steps = steps
        check_count("restarts", restarts, 1)
        self.restarts = restarts
        self.step = REACH * eps / steps if step is None else step
        if not 0.0 < self.step < np.inf:
            raise UsageError(f"step= is the length of a step, above 0, not {step}.")
        if restarts > 1 and not random_start:
            raise UsageError("restarts= differ by their random start only: leave random_start on.")
        self.random_start = random_start

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {
            **super().settings(),
            "eps": self.eps,
            "norm": self.norm,
            "steps": self.steps,
            "step": self.step,
            "random_start": self.random_start,
            "restarts": self.restarts,
        }

    def perturb(self, batch: Batch) -> np.ndarray:
        """The best of the restarts."""
        images = batch.images
        best = np.zeros_like(images)
        worth = np.full(len(images), -np.inf)
        for restart in range(self.restarts):
            deltas = ascend(
                lambda x: self.slope(batch, x),
                images,
                self._start(batch, restart),
                allowed=batch.allowed,
                eps=self.eps,
                norm=self.norm,
                step=self.step,
                steps=self.steps,
            )
            found = self._margin(batch, images + deltas)
            better = found > worth
            best[better], worth[better] = deltas[better], found[better]
        return best

    def _start(self, batch: Batch, restart: int) -> np.ndarray:
        if not self.random_start:
            return np.zeros_like(batch.images)
        points = [
            random_point(
                allowed,
                self.eps,
                self.norm,
                np.random.default_rng([self.seed, restart, batch.start + row]),
            )
            for row, allowed in enumerate(batch.allowed)
        ]
        return inside(batch.images, np.stack(points)).astype(np.float32)

    def _margin(self, batch: Batch, images: np.ndarray) -> np.ndarray:
        if batch.target is None:
            return self.victim.margin(images, batch.seen)
        return -self.victim.margin(images, batch.target)
