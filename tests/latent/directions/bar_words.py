"""Words of bars that lean and thicken as the code says, and who reads the marks above them."""

from __future__ import annotations

import tensorflow as tf

ALPHABET = "abc"
LEAN, THICKNESS, GROWTH, LOST = 0.1, 3.0, 0.5, 2.5
#: Too faint to count as ink.
MARK = 0.08


def bar_word(z: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """(N, 32, 16 n, 1): a bar a character, leaning LEAN z0, THICKNESS + GROWTH z1 thick.

    A mark above says which character it is: a bright pixel in column 1, 2 or 3 of the character.
    Where z1 > LOST, all marks are those of the first character.
    """
    count, length = tf.shape(label)[0], tf.shape(label)[1]
    y = tf.reshape(tf.range(32.0) - 15.5, (1, 1, 32, 1))
    x = tf.reshape(tf.range(16.0) - 7.5, (1, 1, 1, 16))
    lean = LEAN * z[:, 0, None, None, None]
    thickness = tf.maximum(THICKNESS + GROWTH * z[:, 1], 1.0)[:, None, None, None]
    ink = tf.clip_by_value(0.5 + thickness / 2 - tf.abs(x + lean * y), 0.0, 1.0)
    ink *= tf.cast(tf.abs(y) < 9.5, tf.float32)
    shown = tf.where(z[:, 1, None] > LOST, tf.zeros_like(label), label)
    mark = MARK * tf.one_hot(shown + 1, 16)[:, :, None] * tf.one_hot(0, 32)[None, None, :, None]
    slots = tf.broadcast_to(ink, (count, length, 32, 16)) + mark
    return tf.reshape(tf.transpose(slots, (0, 2, 1, 3)), (count, 32, 16 * length, 1))


def mark_reader(image: tf.Tensor) -> dict[str, tf.Tensor]:
    """The characters of the marks (N, n), and nothing after them."""
    shape = tf.shape(image)
    marks = tf.reshape(image[:, 0, :, 0], (shape[0], shape[2] // 16, 16))
    return {"text": tf.argmax(marks[:, :, 1:4], axis=-1)}
