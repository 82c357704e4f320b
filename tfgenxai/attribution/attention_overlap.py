"""How much two attention maps look at the same places."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def attention_overlap(first: Any, second: Any) -> tf.Tensor:
    """2 sum min(A1, A2) / sum (A1 + A2) of two maps, (n,), from 0 (apart) to 1 (the same).

    The attention disentanglement loss of Liu et al. 2020, which they add to the loss of a
    VAE for the maps of two latents. It can be differentiated, through maps such as those of
    `LatentGradCAM` too. Two maps without any attention overlap by 0.

    Args:
        first, second: maps of 0 and above, (n, ...).
    """
    first, second = tf.convert_to_tensor(first), tf.convert_to_tensor(second)
    axes = tuple(range(1, first.shape.rank))
    shared = 2.0 * tf.reduce_sum(tf.minimum(first, second), axis=axes)
    return tf.math.divide_no_nan(shared, tf.reduce_sum(first + second, axis=axes))
