"""Universal: one perturbation that misleads a classifier on most images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attacks.balls import Norm, check_ball, drawn_back, inside
from tfgenxai.attacks.base import Attack, Batch, checked_images
from tfgenxai.attacks.deepfool import DeepFool
from tfgenxai.attribution.gradients import check_count
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class Universal(Attack):
    """Algorithm 1 of Moosavi-Dezfooli et al. 2017.

    The images are gone through one by one, in random order. Where x + v is still seen as x is,
    DeepFool finds the least change of x + v that ends this; it is added to v, and v drawn back into
    the ball. This is repeated until v misleads enough of the images.

    With a mask v lives on the pixels that any image's mask allows, and each image takes of it what
    its own allows.

    Args:
        graph, seed: see `Attack`; the seed is that of the order.
        eps: radius of the ball in the norm, above 0.
        norm: "linf" or "l2".
        training: (M, H, W, C), the images that v is learned from; by default those attacked.
        passes: times that the images are gone through, at most.
        fooling: share of the images that is enough.
        steps: of DeepFool, for each image.

    Attributes:
        perturbation: v of the last call, (H, W, C).

    Raises:
        UsageError: an option is out of range.
    """

    name = "universal"

    def __init__(
        self,
        graph: Graph,
        *,
        eps: float = 0.2,
        norm: Norm = "linf",
        training: np.ndarray | None = None,
        passes: int = 5,
        fooling: float = 0.8,
        steps: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, seed=seed)
        check_ball(eps, norm)
        if not 0.0 < fooling <= 1.0:
            raise UsageError(
                f"fooling= is a share of the images, above 0 and at most 1: {fooling}."
            )
        self.eps, self.norm, self.fooling = eps, norm, fooling
        check_count("passes", passes, 1)
        self.passes = passes
        self.finder = DeepFool(graph, steps=steps)
        self.training = training
        self.perturbation: np.ndarray | None = None

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {
            **super().settings(),
            "eps": self.eps,
            "norm": self.norm,
            "training": None if self.training is None else len(self.training),
            "passes": self.passes,
            "fooling": self.fooling,
            "steps": self.finder.steps,
        }

    def prepare(self, images: np.ndarray, allowed: np.ndarray) -> None:
        """Learns v."""
        x = images
        if self.training is not None:
            x = checked_images(self.training, self.victim.graph, self.victim.input)
        union = np.logical_or.reduce(allowed, axis=0, keepdims=True)
        seen = self.victim.votes(x)
        v = np.zeros((1, *x.shape[1:]), np.float32)
        rng = np.random.default_rng(self.seed)
        for _ in range(self.passes):
            for n in rng.permutation(len(x)):
                v = self._improved(v, x[n : n + 1], seen[n : n + 1], union)
            if np.mean(self.victim.votes(x + inside(x, v)) != seen) >= self.fooling:
                break
        self.perturbation = v[0]

    def _improved(
        self, v: np.ndarray, image: np.ndarray, seen: np.ndarray, allowed: np.ndarray
    ) -> np.ndarray:
        """v after one image; as it was where the verdict has fallen already."""
        moved = image + inside(image, v)
        if self.victim.votes(moved) != seen:
            return v
        more = self.finder.perturb(Batch(moved, seen, None, allowed, 0))
        return drawn_back(v + more, self.eps, self.norm)

    def perturb(self, batch: Batch) -> np.ndarray:
        """v, where it is allowed, cut off where pixels would leave [0, 1]."""
        assert self.perturbation is not None  # of `prepare`
        return inside(batch.images, np.where(batch.allowed, self.perturbation, 0.0)).astype(
            np.float32
        )
