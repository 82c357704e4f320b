"""Gradient ascent of many inputs at once, within limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds

# Adam's, as published: Kingma and Ba 2015, algorithm 1.
_MOMENTUM, _SQUARES, _SMALL = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Limits:
    """Where inputs may go: each element in [low, high], the Euclidean norm at most `radius`.

    Both ends are one number, or one for each element.
    """

    low: float | np.ndarray
    high: float | np.ndarray
    radius: float | None = None

    @classmethod
    def of(cls, bound: float | tuple[Any, Any], radius: float | None) -> Limits:
        """Limits from a symmetric bound or a pair.

        Raises:
            UsageError: there is nothing within.
        """
        low, high = (-bound, bound) if isinstance(bound, int | float) else bound
        if not np.less(low, high).all():
            raise UsageError(f"bound= is a positive number or a pair (low, high), not {bound!r}.")
        if radius is not None and not radius > 0:
            raise UsageError(f"radius= must be positive, not {radius!r}.")
        low, high = (end if isinstance(end, np.ndarray) else float(end) for end in (low, high))
        return cls(low, high, None if radius is None else float(radius))

    def clipped(self, rows: Any) -> tf.Tensor:
        """The nearest rows (n, ...) in the box, then scaled down to the radius."""
        rows = tf.clip_by_value(tf.cast(rows, tf.float32), self.low, self.high)
        if self.radius is None:
            return rows
        return tf.clip_by_norm(rows, self.radius, axes=list(range(1, rows.shape.rank)))


class Climb:
    """Adam on the input `name` of a graph: each row climbs one of the target's scalars.

    Args:
        explained: the scalars.
        name: the input.
        fixed: values of the graph's other inputs, one for all rows.
        limits: what rows are clipped to after each step.
        decay: c of the penalty c ||x||^2 / 2.
        jitter: largest shift of the image in pixels.
        seed: of the shifts.
    """

    def __init__(
        self,
        explained: Explained,
        name: str,
        fixed: Mapping[str, np.ndarray],
        limits: Limits,
        decay: float,
        jitter: int,
        seed: int,
    ) -> None:
        self._explained, self._name, self._fixed = explained, name, fixed
        self._limits, self._decay, self._jitter, self._seed = limits, decay, jitter, seed
        rows = tf.TensorSpec((None, *explained.graph.inputs[name].shape[1:]), tf.float32)
        one, each = tf.TensorSpec((), tf.float32), tf.TensorSpec((None,), tf.float32)
        own, shift = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((2,), tf.int32)
        state = (rows, rows, rows, rows, each)
        # Concrete at once: TensorFlow warns of retracing where many functions share their code.
        self._step = tf.function(
            self._climbed, input_signature=[state, own, one, one, shift], autograph=False
        ).get_concrete_function()

    def feeds(self, x: Any) -> Feeds:
        """What the graph is fed for inputs (n, ...)."""
        tensor = self._explained.graph.inputs[self._name]
        count = tf.shape(x)[:1]
        fixed = {
            name: tf.broadcast_to(value, tf.concat([count, tf.shape(value)], 0))
            for name, value in self._fixed.items()
        }
        return Feeds({self._name: tf.cast(x, tensor.dtype), **fixed}, self._explained.shared)

    def scores(self, x: Any) -> tf.Tensor:
        """The scalars (n, T) of inputs (n, ...)."""
        return self._explained.scores(self.feeds(x))

    def run(
        self,
        starts: np.ndarray,
        own: np.ndarray,
        steps: int,
        rate: float,
        done: Callable[[int], object],
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best inputs (n, ...) on the way from the starts, and the history (steps + 1, n).

        Args:
            starts: (n, ...).
            own: (n,) which of the T scalars a row climbs.
            rate: of the first step; it falls to 0 along half a cosine.
            done: called after each step.
        """
        x = tf.constant(starts, tf.float32)
        state = (x, tf.zeros_like(x), tf.zeros_like(x), x, tf.fill([len(own)], -np.inf))
        shifts = np.random.default_rng([self._seed, 1]).integers(
            -self._jitter, self._jitter + 1, (steps + 1, 2)
        )
        history = []
        for step in range(steps + 1):
            size = rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
            t, size, shift = np.float32(step + 1), np.float32(size), shifts[step].astype(np.int32)
            state, scores = self._step(state, tf.constant(own), *map(tf.constant, (t, size, shift)))
            history.append(scores.numpy())
            done(1)
        return state[3].numpy(), np.stack(history)

    def _climbed(self, state: Any, own: Any, t: Any, rate: Any, shift: Any) -> Any:
        """One step from x, and the scores at x; keeps the best x so far."""
        x, mean, square, best, highest = state
        axes = list(range(1, x.shape.rank))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            seen = tf.roll(x, shift, [1, 2]) if self._jitter else x
            scores = tf.gather(self.scores(seen), own, axis=1, batch_dims=1)
            objective = scores - 0.5 * self._decay * tf.reduce_sum(x * x, axis=axes)
        slope = tape.gradient(objective, x)
        better = objective > highest
        best = tf.where(tf.reshape(better, (-1, *[1] * len(axes))), x, best)
        mean = _MOMENTUM * mean + (1 - _MOMENTUM) * slope
        power = slope**2
        if self._limits.radius is not None:
            # On a sphere, steps scaled element by element end elsewhere than the slope points.
            power = tf.reduce_mean(power, axis=axes, keepdims=True)
        square = _SQUARES * square + (1 - _SQUARES) * power
        size = rate * tf.sqrt(1 - _SQUARES**t) / (1 - _MOMENTUM**t)
        x = self._limits.clipped(x + size * mean / (tf.sqrt(square) + _SMALL))
        return (x, mean, square, best, tf.where(better, objective, highest)), scores
