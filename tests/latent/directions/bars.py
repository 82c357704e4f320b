"""A generator that draws a bar as its code says, and a classifier that reads a mark beside it."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.graph import Graph
from tfgenxai.latent.generator import Generator

WIDTH = 4
LEAN, THICKNESS, GROWTH = 0.05, 3.0, 0.25
#: Too faint to count as ink.
MARK = 0.08
CODE = tf.TensorSpec((None, WIDTH), tf.float32, "z")
LABEL = tf.TensorSpec((None,), tf.int64, "label")


def bar_image(z: tf.Tensor, mark: tf.Tensor) -> dict[str, tf.Tensor]:
    """Lean LEAN z0, thickness THICKNESS + GROWTH z1; z2 does nothing; `mark` (N,) at the corner."""
    at = tf.range(28.0) - 13.5
    y, x = at[None, :, None], at[None, None, :]
    thickness = tf.maximum(THICKNESS + GROWTH * z[:, 1], 1.0)[:, None, None]
    beyond = tf.abs(x + LEAN * z[:, 0, None, None] * y) - thickness / 2
    ink = tf.clip_by_value(0.5 - beyond, 0.0, 1.0) * tf.cast(tf.abs(y) < 9.5, tf.float32)
    corner = tf.cast((y < -10.5) & (x < -10.5), tf.float32)
    return {"image": (ink + corner * MARK * mark[:, None, None])[..., None]}


def bars() -> Generator:
    """Unconditional: the mark is there where z3 > 0."""

    @tf.function(input_signature=[CODE])
    def generate(z):
        return bar_image(z, tf.cast(z[:, 3] > 0, tf.float32))

    return Generator.of({"generate": Graph.from_function(generate)})


def labelled_bars() -> Generator:
    """Conditional, of two classes: the mark is the label, whatever the code is."""

    @tf.function(input_signature=[CODE, LABEL])
    def generate(z, label):
        return bar_image(z, tf.cast(label, tf.float32))

    return Generator.of({"generate": Graph.from_function(generate)}, classes=2)


def mark_reader() -> Graph:
    """From `image` to `probabilities` (N, 2): class 1 where the mark is; features (N, 2)."""
    image = keras.Input((28, 28, 1), name="image")
    hidden = keras.layers.Dense(2, name="hidden")
    output = keras.layers.Dense(2, activation="softmax", name="output")
    flat = keras.layers.Flatten(name="flatten")(image)
    model = keras.Model(image, {"probabilities": output(hidden(flat))})
    kernel = np.zeros((28, 28, 2), np.float32)
    kernel[:3, :3, 0] = 1 / (9 * MARK)  # 1 with the mark and 0 without
    kernel[:, :, 1] = 0.01  # all of the ink: features move, verdicts do not
    hidden.set_weights([kernel.reshape(-1, 2), np.zeros(2, np.float32)])
    output.set_weights([np.array([[-5.0, 5.0], [0.0, 0.0]]), np.array([2.5, -2.5])])
    return Graph.from_keras(model)
