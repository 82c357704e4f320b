"""From standard normal draws to the codes of other priors, so that all draws have one source."""

from __future__ import annotations

import math

import tensorflow as tf


def uniform(eps: tf.Tensor) -> tf.Tensor:
    """U(-1, 1) of standard normal `eps`, each through its distribution function, shape kept."""
    return tf.math.erf(eps / math.sqrt(2.0))


def one_hot(eps: tf.Tensor) -> tf.Tensor:
    """A class drawn with equal chances, one-hot (N, K): the place of the largest of K normals."""
    return tf.one_hot(tf.argmax(eps, axis=-1), eps.shape[-1], dtype=eps.dtype)
