"""DeepFool: the way to the nearest class, in steps that would end there if logits were linear."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attacks.balls import check_ball, drawn_back, inside, lengths
from tfgenxai.attacks.base import Attack, Batch, check_count
from tfgenxai.attacks.victim import Victim
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


#: (images, classes seen) -> gaps, slopes, fallen; see `planes`.
Planes = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


class DeepFool(Attack):
    """Algorithm 2 of Moosavi-Dezfooli, Fawzi and Frossard 2016: a perturbation of small l2 norm.

    In each step the logits are taken for linear, and the image moves at right angles onto the
    nearest plane where another class draws level with the one seen. The sum of all steps is
    stretched by 1 + `overshoot`, to get past it. On affine logits one step is exact.

    The paper knows no bounds of the pixels. Here values that stand at 0 or 1 and would leave are
    left out of a step, as are those that a mask forbids: what remains is the nearest point of the
    plane among those that can be reached.

    Args:
        graph, seed: see `Attack`; nothing is drawn.
        steps: at most.
        overshoot: 0 or more.
        classes: the other classes that are looked at, those of the largest logits.
        eps: l2 norm beyond which it gives up; none by default.

    Raises:
        UsageError: an option is out of range.
    """

    name = "deepfool"

    def __init__(
        self,
        graph: Graph,
        *,
        steps: int = 50,
        overshoot: float = 0.02,
        classes: int = 9,
        eps: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, seed=seed)
        if not 0.0 <= overshoot < np.inf:
            raise UsageError(f"overshoot= is 0 or more, not {overshoot}.")
        if eps is not None:
            check_ball(eps, "l2")
        self.steps = check_count("steps", steps)
        self.overshoot, self.eps = overshoot, eps
        self.classes = min(check_count("classes", classes), self.victim.classes - 1)
        self._planes = planes(self.victim, self.classes)

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {
            **super().settings(),
            "steps": self.steps,
            "overshoot": self.overshoot,
            "classes": self.classes,
            "eps": self.eps,
        }

    def perturb(self, batch: Batch) -> np.ndarray:
        """Steps until the verdict falls, for the images where it has not."""
        deltas = np.zeros_like(batch.images)
        walking = np.arange(len(deltas))
        for _ in range(self.steps):
            x, seen, now = batch.images[walking], batch.seen[walking], deltas[walking]
            gaps, slopes, fallen = self._planes(x + now, seen)
            step = nearest(x + now, gaps, slopes, batch.allowed[walking])
            going = ~fallen & (np.abs(step).max(axis=(1, 2, 3)) > 0)
            if self.eps is not None:
                going &= lengths(now).ravel() < self.eps
            walking, x, now, step = walking[going], x[going], now[going], step[going]
            if not len(walking):
                break
            # Of `now`, what was stretched before is taken back first.
            total = now / (1.0 + self.overshoot) + step
            total = inside(x, (1.0 + self.overshoot) * total)
            if self.eps is not None:
                total = drawn_back(total, self.eps, "l2")
            deltas[walking] = total
        return deltas


def planes(victim: Victim, classes: int) -> Planes:
    """A function from images and the classes seen to the planes between them and other classes.

    It gives the other logits less the own one (n, classes), the slopes of these differences
    (n, classes, H, W, C), and whether another class is ahead (n,).
    """
    shape = victim.graph.inputs[victim.input].shape

    def differences(images: tf.Tensor, seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(images)
            logits = victim.function(images)
            own = tf.gather(logits, seen, batch_dims=1)
            others = tf.where(
                tf.one_hot(seen, victim.classes, on_value=True, off_value=False),
                logits.dtype.min,
                logits,
            )
            chosen = tf.math.top_k(others, classes).indices
            gaps = tf.gather(logits, chosen, batch_dims=1) - own[:, None]
            columns = tf.unstack(gaps, classes, axis=1)
        return gaps, tf.stack([tape.gradient(column, images) for column in columns], axis=1)

    compiled = tf.function(
        differences,
        input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec([shape[0]], tf.int32)],
        autograph=False,
    )

    def at(images: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gaps, slopes = (found.numpy() for found in compiled(images, seen.astype(np.int32)))
        return gaps, slopes, gaps.max(axis=1) > 0

    return at


def nearest(
    images: np.ndarray, gaps: np.ndarray, slopes: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    """The step (n, H, W, C) onto the nearest plane; 0 where none can be reached.

    Args:
        images: (n, H, W, C).
        gaps: (n, K), other logits less the own one.
        slopes: (n, K, H, W, C), of the gaps.
        allowed: bool (n, H, W, C).
    """
    x = images[:, None]
    stuck = ((x <= 0.0) & (slopes < 0.0)) | ((x >= 1.0) & (slopes > 0.0))
    w = np.where(allowed[:, None] & ~stuck, slopes, 0.0)
    squares = np.sum(w.astype(np.float64) ** 2, axis=(2, 3, 4))
    far = np.abs(gaps) / np.sqrt(np.where(squares > 0, squares, np.nan))
    far = np.where(np.isnan(far), np.inf, far)
    rows, best = np.arange(len(far)), far.argmin(axis=1)
    size = squares[rows, best]
    scale = np.abs(gaps[rows, best]) / np.where(size > 0, size, np.inf)
    return (scale[:, None, None, None] * w[rows, best]).astype(np.float32)
