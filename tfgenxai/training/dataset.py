"""Batches whose order depends on the seed and the epoch alone, so that training can resume."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Batches an epoch, the last of which may be smaller."""
    return math.ceil(count / batch_size)


def training_batches(
    pixels: np.ndarray,
    labels: np.ndarray | None,
    prepare: Callable[[tf.Tensor], tf.Tensor],
    *,
    batch_size: int,
    seed: int,
    epochs: range,
) -> tf.data.Dataset:
    """(images, labels) batches of all `epochs`, one after the other, each in its own order.

    pixels: (N, H, W, C) uint8. Images come out float32, scaled to [0, 1], through `prepare`.
    Epoch e is the permutation that `stateless_shuffle` draws from (seed, e), whatever came before.
    """
    levels = tf.constant(pixels)
    targets = None if labels is None else tf.constant(labels)

    def order(epoch: tf.Tensor) -> tf.data.Dataset:
        indices = tf.range(len(pixels), dtype=tf.int64)
        shuffled = tf.random.experimental.stateless_shuffle(indices, seed=[seed, epoch])
        return tf.data.Dataset.from_tensor_slices(shuffled).batch(batch_size)

    def gather(indices: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        images = prepare(_scaled(tf.gather(levels, indices)))
        return images if targets is None else (images, tf.gather(targets, indices))

    numbers = tf.data.Dataset.from_tensor_slices(np.asarray(epochs, np.int64))
    return numbers.flat_map(order).map(gather).prefetch(2)


def validation_batches(
    pixels: np.ndarray,
    labels: np.ndarray | None,
    prepare: Callable[[tf.Tensor], tf.Tensor],
    *,
    batch_size: int,
) -> tf.data.Dataset:
    """(images, labels) batches in their stored order."""

    def scaled(images: tf.Tensor, *rest: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return (prepare(_scaled(images)), *rest)

    arrays = (pixels,) if labels is None else (pixels, labels)
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size).map(scaled).prefetch(2)


def _scaled(levels: tf.Tensor) -> tf.Tensor:
    return tf.cast(levels, tf.float32) / 255.0
