"""VarGrad: where the gradient changes most when the input does."""

from __future__ import annotations

import tensorflow as tf

from tfgenxai.attribution.noise import NoisyGradient, State


class VarGrad(NoisyGradient):
    """The variance of df/dx over noisy inputs, of the shape of x (Adebayo et al. 2018).

    Divided by `samples` - 1, so that its expectation does not depend on `samples`.

    Args:
        graph, samples, noise, sigma, wrt, seed: see `NoisyGradient`.
    """

    name = "var_grad"
    least = 2

    def first(self, zeros: tf.Tensor) -> State:
        """Mean, and sum of squared deviations from it."""
        return zeros, zeros

    def update(self, numbers: tf.Tensor, slopes: tf.Tensor, state: State) -> State:
        """Both for the draws before and the new ones together (Chan, Golub and LeVeque 1983)."""
        mean, squares = state
        before = tf.cast(numbers[0], tf.float32)
        new = tf.cast(tf.size(numbers), tf.float32)
        mean_of_new = tf.reduce_mean(slopes, axis=0)
        squares_of_new = tf.reduce_sum(tf.math.squared_difference(slopes, mean_of_new), axis=0)
        apart = mean_of_new - mean
        share = new / (before + new)
        return mean + share * apart, squares + squares_of_new + before * share * apart**2

    def result(self, state: State) -> tf.Tensor:
        """The variance."""
        return state[1] / (self.samples - 1)
