"""Gradient x input: what each input element adds, as far as the target is linear."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgenxai.attribution.gradients import GradientMethod
from tfgenxai.explained import Explained, Feeds


class GradientInput(GradientMethod):
    """x * df/dx, of the shape of x (Shrikumar et al., "Not Just a Black Box", 2016).

    The values add up to f(x) where f is piecewise linear without biases, and to nothing in
    particular elsewhere, so that there is no convergence delta.

    Args:
        graph, wrt, seed: see `Method`.
    """

    name = "gradient_input"

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The product."""

        def gradient_input(feeds: Feeds) -> tf.Tensor:
            x = tf.cast(feeds.inputs[self.wrt], tf.float32)
            return x[:, None] * self.slopes(explained, feeds)

        return gradient_input
