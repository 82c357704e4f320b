"""Integrated Gradients: what each input element adds on the way from a baseline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.gradients import GradientMethod, check_count
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds
from tfgenxai.targets import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class IntegratedGradients(GradientMethod):
    """(x - b) times the mean of df/dx over the straight way from b to x, of the shape of x.

    By the fundamental theorem of calculus the values add up to f(x) - f(b) (Sundararajan, Taly
    and Yan 2017, proposition 1); `convergence_delta` is their sum minus this difference, which is
    the error of the quadrature.

    Args:
        graph, wrt, seed: see `Method`.
        baseline: b: a number, an array of the shape of one input, or one such for each sample,
            (N, ...).
        steps: points of the quadrature, each one gradient.
        quadrature: "gauss_legendre", which is exact for gradients that are polynomials of degree
            2 * steps - 1 along the way, or "trapezoid", whose points include both ends.

    Raises:
        UsageError: too few steps, or a quadrature of another name.
        InvalidInputError: the baseline has another shape, is not finite, or no image.
    """

    name = "integrated_gradients"

    def __init__(
        self,
        graph: Graph,
        *,
        baseline: float | np.ndarray = 0.0,
        steps: int = 50,
        quadrature: Literal["gauss_legendre", "trapezoid"] = "gauss_legendre",
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self.baseline = self._checked(baseline)
        self.steps = steps
        self.quadrature = quadrature
        self.points, self.weights = _rule(quadrature, steps)

    def settings(self) -> dict[str, Any]:
        """Settings to record; of a baseline that is an array, its shape and a checksum."""
        b = self.baseline
        digest = hashlib.sha256(b.tobytes()).hexdigest()[:16]
        return {
            **super().settings(),
            "baseline": float(b) if b.ndim == 0 else {"shape": list(b.shape), "sha256": digest},
            "steps": self.steps,
            "quadrature": self.quadrature,
        }

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Runs the compiled kernel, whose last row argument is the baseline."""
        if not self._own_baselines:
            x = feeds.inputs[self.wrt]
            feeds = feeds._replace(rows=(*feeds.rows, np.broadcast_to(self.baseline, x.shape)))
        return super().explain_batch(feeds, explained, start)

    @property
    def _own_baselines(self) -> bool:
        """Whether each sample has its own."""
        return self.baseline.ndim == self.graph.inputs[self.wrt].shape.rank

    def _explained(self, target: Target | None) -> Explained:
        explained = super()._explained(target)
        if not self._own_baselines:
            return explained
        return replace(explained, rows=(*explained.rows, self.baseline))

    def kernel(self, explained: Explained) -> Callable[[Feeds], Explanation]:
        """The quadrature, and the difference that it should give."""
        points = tf.constant(self.points, tf.float32)
        weights = tf.constant(self.weights, tf.float32)

        def integrated_gradients(feeds: Feeds) -> Explanation:
            *rows, b = feeds.rows
            feeds = feeds._replace(rows=tuple(rows))
            x = tf.cast(feeds.inputs[self.wrt], tf.float32)

            def on_the_way(numbers: tf.Tensor) -> tf.Tensor:
                t = tf.reshape(tf.gather(points, numbers), (-1, *[1] * x.shape.rank))
                return b + t * (x - b)

            def weighed(
                numbers: tf.Tensor, slopes: tf.Tensor, state: tuple[tf.Tensor, ...]
            ) -> tuple[tf.Tensor, ...]:
                return (state[0] + tf.tensordot(tf.gather(weights, numbers), slopes, 1),)

            zeros = (self.zeros(explained, feeds),)
            (mean,) = self.over_variants(explained, feeds, self.steps, on_the_way, weighed, zeros)
            values = (x - b)[:, None] * mean
            at_baseline = feeds.with_input(self.wrt, tf.cast(b, feeds.inputs[self.wrt].dtype))
            change = explained.scores(feeds) - explained.scores(at_baseline)
            total = tf.reduce_sum(values, axis=tuple(range(2, values.shape.rank)))
            return Explanation(values, total - change)

        return integrated_gradients

    def _checked(self, baseline: Any) -> np.ndarray:
        try:
            array = np.asarray(baseline, np.float32)
        except (TypeError, ValueError):
            raise UsageError("The baseline must be a number or an array of numbers.") from None
        shape = self.graph.inputs[self.wrt].shape[1:]
        fits = shape.is_compatible_with(array.shape) or shape.is_compatible_with(array.shape[1:])
        if array.ndim and not fits:
            raise InvalidInputError(
                f"The baseline must be a number or have the shape of one input, {shape}, or be one "
                f"such for each sample; it has shape {array.shape}."
            )
        if not np.isfinite(array).all():
            raise InvalidInputError("The baseline holds NaN or infinite values.")
        if self.wrt == "image" and not ((array >= 0) & (array <= 1)).all():
            raise InvalidInputError("A baseline of images must lie in [0, 1], as they do.")
        return array


def _rule(quadrature: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in [0, 1], and weights of sum 1."""
    if quadrature not in ("gauss_legendre", "trapezoid"):
        raise UsageError(f"A quadrature is gauss_legendre or trapezoid, not {quadrature!r}.")
    check_count("steps", steps, 1 if quadrature == "gauss_legendre" else 2)
    if quadrature == "gauss_legendre":
        points, weights = np.polynomial.legendre.leggauss(steps)
        return (points + 1) / 2, weights / 2
    weights = np.full(steps, 1 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, steps), weights
