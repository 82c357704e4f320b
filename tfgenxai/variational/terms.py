"""The terms of the objective of variational clusters, each by itself, one number an image.

What is minimised, for images x, posteriors N(m, s²) of the cluster means, cluster probabilities
φ and a classifier f that says y*:

    ½ Σ φ [(x - m)² + s²]                    expected_square
  + ½ Σ [(m - μ)² + s² - 1 - log s²]         gaussian_kl
  + Σ φ log(K φ)                             categorical_kl
  - λ log f_y*(x̂)                            confidence

which is -ELBO of a mixture of K normal densities of variance 1 under the prior N(μ, 1) of every
mean (Blei, Kucukelbir and McAuliffe 2017, eq. 21, and its constants left out), and a term that
asks for the class. Where a decoder draws the image, `negative_log_likelihood` is the first term.

Arrays are (N, ..., K) with the clusters last, or broadcast to that. `form="notes"` is what the
course notes wrote, where that can be computed at all; docs/corrections.md derives the right form
of each.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import tensorflow as tf

Form = Literal["right", "notes"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def expected_square(
    x: tf.Tensor,
    mean: tf.Tensor,
    log_var: tf.Tensor,
    probabilities: tf.Tensor,
    *,
    form: Form = "right",
) -> tf.Tensor:
    """½ Σ φ E[(x - μ)²] under μ ~ N(mean, exp(log_var)), (N,): ½ Σ φ [(x - m)² + s²].

    Args:
        x: (N, ...).
        mean, log_var, probabilities: (N, ..., K).
        form: "notes" leaves out s², as if the mean were known.
    """
    square = tf.square(x[..., tf.newaxis] - mean)
    if form == "right":
        square += tf.exp(log_var)
    return 0.5 * sum_of_each(probabilities * square)


def negative_log_likelihood(
    x: tf.Tensor,
    drawn: tf.Tensor,
    probabilities: tf.Tensor,
    *,
    noise: float = 1.0,
    form: Form = "right",
) -> tf.Tensor:
    """-E log N(x; drawn, noise²) under the clusters' probabilities, (N,) in nats.

    Args:
        x: (N, ...).
        drawn: what each cluster draws, (N, ..., K).
        probabilities: (N, ..., K), of sum 1 over K.
        noise: standard deviation of a pixel about what is drawn.
        form: "notes" is the mean of φ (x - drawn)² over pixels and clusters, hundreds of times
            smaller than the sum that the other terms are.
    """
    square = probabilities * tf.square(x[..., tf.newaxis] - drawn)
    if form == "notes":
        return tf.reduce_mean(square, axis=range(1, square.shape.rank))
    constant = _HALF_LOG_2PI + math.log(noise)
    return sum_of_each(0.5 / noise**2 * square + constant * probabilities)


def gaussian_kl(
    mean: tf.Tensor,
    log_var: tf.Tensor,
    prior_mean: tf.Tensor | float = 0.0,
    *,
    form: Form = "right",
) -> tf.Tensor:
    """KL(N(mean, exp(log_var)) || N(prior_mean, 1)), (N,): ½ Σ [(m - μ)² + s² - 1 - log s²].

    Args:
        mean, log_var: (N, ...).
        prior_mean: broadcasts to them.
        form: "notes" has exp(log_var) in the place of log_var, so that s² drops out.
    """
    variance = tf.exp(log_var)
    log = log_var if form == "right" else variance
    return 0.5 * sum_of_each(tf.square(mean - prior_mean) + variance - 1.0 - log)


def categorical_kl(probabilities: tf.Tensor, *, form: Form = "right") -> tf.Tensor:
    """KL of cluster probabilities (N, ..., K) to the uniform ones, (N,): Σ φ log(K φ).

    Args:
        form: "notes" takes -Σ log φ for the entropy. What is left is Σ (log φ + log K / K), which
            falls without bound as any φ goes to 0.
    """
    probabilities = tf.convert_to_tensor(probabilities)
    tiny = np.finfo(probabilities.dtype.as_numpy_dtype).tiny
    log = tf.math.log(tf.maximum(probabilities, tiny))  # 0 log 0 is 0, and so is its slope's share
    log_count = math.log(probabilities.shape[-1])
    if form == "notes":
        return sum_of_each(log + log_count / probabilities.shape[-1])
    return sum_of_each(probabilities * (log + log_count))


def confidence(
    log_probability: tf.Tensor, weight: float = 1.0, *, form: Form = "right"
) -> tf.Tensor:
    """-weight · log f_y*(x̂), (N,): minimising it makes the classifier sure of y*.

    Args:
        log_probability: (N,), of the class that is explained.
        weight: λ_y.
        form: "notes" has the other sign, since there -log f was maximised: that lowers f.
    """
    return (-weight if form == "right" else weight) * log_probability


def draw(
    mean: tf.Tensor, log_var: tf.Tensor, noise: tf.Tensor, *, form: Form = "right"
) -> tf.Tensor:
    """A draw from N(mean, exp(log_var)) made of standard normal `noise`: m + s ε.

    Args:
        form: "notes" takes log_var for the standard deviation.
    """
    return mean + (tf.exp(0.5 * log_var) if form == "right" else log_var) * noise


def sum_of_each(values: tf.Tensor) -> tf.Tensor:
    """Sums of (N, ...) over all but the first axis, (N,)."""
    return tf.reduce_sum(values, axis=range(1, values.shape.rank))
