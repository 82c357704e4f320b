"""Generators of which the right directions are known."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgenxai.graph import Graph
from tfgenxai.latent.generator import Generator

#: Two coordinates of the code place and widen a bar; all the others do nothing.
WIDTH, PLACE, THICKNESS = 24, 5, 17


def as_graph(function, *specs) -> Graph:
    return Graph.from_function(
        tf.function(function, input_signature=specs, autograph=False).get_concrete_function()
    )


def bar(z):
    x = tf.range(28.0)[None] - 13.5 - z[:, PLACE, None]
    half = tf.maximum(3.0 + 0.4 * z[:, THICKNESS, None], 0.5)
    row = tf.sigmoid(2.0 * (half - tf.abs(x)))
    return {"image": tf.tile(row[:, None, :, None], (1, 28, 1, 1))}


def bar_generator() -> Generator:
    return Generator(as_graph(bar, tf.TensorSpec((None, WIDTH), tf.float32, "z")))


def dense_generator(weights: np.ndarray, *, hidden: bool = False, labels: int = 0) -> Generator:
    """Images 4 x m/4 that are z W + b, or a sum of relu(z W + b) if `hidden`.

    With `labels`, each adds a large constant of its own to the hidden layer.
    """
    width, pixels = weights.shape
    z = tf.TensorSpec((None, width), tf.float32, "z")
    random = np.random.default_rng(1)
    bias = random.normal(size=pixels).astype(np.float32)
    offsets = 50 * random.normal(size=(max(labels, 1), pixels)).astype(np.float32)

    def image(z, offset=0.0):
        values = z @ weights.astype(np.float32) + bias + offset
        if hidden:
            values = tf.nn.relu(values) @ np.ones((pixels, pixels), np.float32)
        return {"image": tf.reshape(values, (-1, 4, pixels // 4, 1))}

    if not labels:
        return Generator(as_graph(image, z))
    label = tf.TensorSpec((None,), tf.int64, "label")
    graph = as_graph(lambda z, label: image(z, tf.gather(offsets, label)), z, label)
    return Generator(graph, classes=labels)
