"""DeepFool: the way to the nearest class, in steps that would end there if logits were linear."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attacks.balls import check_ball, drawn_back, inside, lengths
from tfgenxai.attacks.base import Attack, Batch
from tfgenxai.attacks.victim import Victim
from tfgenxai.attribution.gradients import check_count
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


#: (images, classes seen) -> gaps, slopes; see `planes`.
Planes = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class DeepFool(Attack):
    """Algorithm 2 of Moosavi-Dezfooli, Fawzi and Frossard 2016: a perturbation of small l2 norm.

    In each step the logits are taken for linear, and the image moves at right angles onto the
    nearest plane where another class draws level with the one seen. On affine logits one step is
    exact.

    To get past the plane the authors stretch the sum of all steps by 1 + `overshoot`. Here each
    step aims past it, to where the other class is ahead by `overshoot` times the gap that was to be
    closed at first: on affine logits that is the same. The paper knows no bounds of the pixels.
    Here every point that is tried is cut off at 0 and 1, so that a step falls short; steps that
    aim at the plane itself would then never get there, only ever nearer. With a mask the planes are
    those over the pixels that may change.

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
        check_count("steps", steps, 1)
        self.steps = steps
        self.overshoot, self.eps = overshoot, eps
        check_count("classes", classes, 1)
        self.classes = min(classes, self.victim.classes - 1)
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
        ways = np.zeros_like(batch.images)  # the sum of all steps, before it is cut off
        aims = np.zeros(len(deltas))
        walking = np.arange(len(deltas))
        for number in range(self.steps):
            x, now = batch.images[walking], deltas[walking]
            gaps, slopes = self._planes(x + now, batch.seen[walking])
            going = gaps.max(axis=1) <= aims[walking] / 2
            if self.eps is not None:
                going &= lengths(now).ravel() < self.eps
            walking, x, gaps, slopes = walking[going], x[going], gaps[going], slopes[going]
            if not len(walking):
                break
            slopes = np.where(batch.allowed[walking, None], slopes, 0.0)
            if number == 0:
                best = nearest(-gaps, slopes)
                aims[walking] = -self.overshoot * gaps[np.arange(len(gaps)), best]
            ways[walking] += onto(aims[walking, None] - gaps, slopes)
            total = inside(x, ways[walking])
            if self.eps is not None:
                total = drawn_back(total, self.eps, "l2")
            deltas[walking] = total
        return deltas


def planes(victim: Victim, classes: int) -> Planes:
    """A function from images and the classes seen to the planes between them and other classes.

    It gives the other logits less the own one (n, classes), the largest first, and the slopes of
    these differences (n, classes, H, W, C).
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

    def at(images: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gaps, slopes = compiled(images, seen.astype(np.int32))
        return gaps.numpy(), slopes.numpy()

    return at


def nearest(rises: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Which of K differences (n, K) rises by so much in the shortest step, (n,).

    Args:
        rises: (n, K), not negative.
        slopes: (n, K, H, W, C).
    """
    sizes = np.linalg.norm(slopes.reshape(*rises.shape, -1), axis=2)
    far = np.divide(rises, sizes, out=np.full(rises.shape, np.inf), where=sizes > 0)
    return far.argmin(axis=1)


def onto(rises: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """The shortest of these steps, (n, H, W, C); 0 where no pixel can do anything."""
    rows, best = np.arange(len(rises)), nearest(rises, slopes)
    w = slopes[rows, best].astype(np.float64)
    squares = np.sum(w**2, axis=(1, 2, 3))
    scale = rises[rows, best] / np.where(squares > 0, squares, np.inf)
    return (scale[:, None, None, None] * w).astype(np.float32)
