"""Batches of words of one length, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfgenxai.data import ImageData
from tfgenxai.data.images import CHARACTER_WIDTH


def buckets(words: ImageData, batch_size: int) -> dict[int, np.ndarray]:
    """Length -> the words (n,) of that length, repeated where they would not fill one batch."""
    lengths = (words.characters >= 0).sum(axis=1)
    found = {int(n): np.flatnonzero(lengths == n) for n in np.unique(lengths)}
    return {n: np.resize(at, max(len(at), batch_size)) for n, at in found.items()}


def word_steps(words: ImageData, batch_size: int) -> int:
    """Batches an epoch: all are full, and what is left of each length waits for another epoch."""
    return sum(len(at) // batch_size for at in buckets(words, batch_size).values())


def word_batches(words: ImageData, *, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    """(images (B, 32, 16 n, 1) in [0, 1], characters (B, n) int64) of all `epochs`.

    Every batch holds words of one length n; lengths come in random order.
    """
    levels = tf.constant(words.pixels)
    characters = tf.constant(words.characters)
    found = buckets(words, batch_size)

    def orders() -> Iterator[tuple[np.ndarray, int]]:
        for epoch in epochs:
            yield from epoch_order(found, batch_size, np.random.default_rng([seed, epoch]))

    def gather(at: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.gather(levels, at)[:, :, : CHARACTER_WIDTH * length]
        return tf.cast(images, tf.float32) / 255.0, tf.gather(characters, at)[:, :length]

    signature = (tf.TensorSpec((batch_size,), tf.int64), tf.TensorSpec((), tf.int64))
    return (
        tf.data.Dataset.from_generator(orders, output_signature=signature).map(gather).prefetch(2)
    )


def epoch_order(
    found: dict[int, np.ndarray], batch_size: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, int]]:
    """The words (B,) and the length of each batch of one epoch."""
    batches: list[tuple[np.ndarray, int]] = []
    for length, at in found.items():
        shuffled = random.permutation(at)
        whole = len(at) // batch_size * batch_size
        batches += [(part, length) for part in shuffled[:whole].reshape(-1, batch_size)]
    for i in random.permutation(len(batches)):
        yield batches[i]


def held_out_words(words: ImageData, *, batch_size: int) -> tf.data.Dataset:
    """All words once, as `word_batches` gives them; the last batch of a length may be smaller."""
    batches = [
        (at[i : i + batch_size], length)
        for length, at in buckets(words, 1).items()
        for i in range(0, len(at), batch_size)
    ]

    def parts() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for at, length in batches:
            pixels = words.pixels[at, :, : CHARACTER_WIDTH * length]
            yield pixels.astype(np.float32) / 255.0, words.characters[at, :length]

    height, _, channels = words.shape
    signature = (
        tf.TensorSpec((None, height, None, channels), tf.float32),
        tf.TensorSpec((None, None), tf.int64),
    )
    data = tf.data.Dataset.from_generator(parts, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)
