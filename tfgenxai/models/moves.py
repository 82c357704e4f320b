"""Images turned, shifted and stretched a little, each in its own way."""

from __future__ import annotations

import math

import tensorflow as tf

#: One standard deviation: degrees turned, share of the size stretched, pixels shifted.
TURN, STRETCH, SHIFT = 5.0, 0.04, 0.7


def moved(images: tf.Tensor, normal: tf.Tensor) -> tf.Tensor:
    """Images (N, H, W, C) moved about their middle by `normal` (N, 5), bilinear, black outside.

    `normal` is standard normal, cut at twice its deviation: a turn, a stretch across and one
    down, a shift across and one down.
    """
    turn, wide, high, right, down = tf.unstack(tf.clip_by_value(normal, -2.0, 2.0), axis=1)
    angle = turn * (TURN * math.pi / 180)
    wide, high = 1 + STRETCH * wide, 1 + STRETCH * high
    height, width = images.shape[1:3]
    row, column = (height - 1) / 2, (width - 1) / 2
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Where each pixel of the moved image comes from: (x, y) -> (a x + b y + c, d x + e y + f).
    a, b, d, e = wide * cos, -high * sin, wide * sin, high * cos
    c = column - a * column - b * row + SHIFT * right
    f = row - d * column - e * row + SHIFT * down
    nothing = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, nothing, nothing], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
