"""Tiny networks with self-attention, one of which attends as was planned."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.graph import Graph
from tfgenxai.models.layers import self_attention

HEIGHT, WIDTH = 4, 6
COUNT = HEIGHT * WIDTH
GAIN = 0.7


def freeze(function, *specs):
    return Graph.from_function(
        tf.function(function, input_signature=list(specs)).get_concrete_function()
    )


def image_spec(channels=1):
    return tf.TensorSpec((None, HEIGHT, WIDTH, channels), tf.float32, name="image")


def mirror(index):
    """The place of the pixel mirrored left to right."""
    row, column = divmod(index, WIDTH)
    return row * WIDTH + WIDTH - 1 - column


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).random((3, HEIGHT, WIDTH, 1), dtype=np.float32)


@pytest.fixture(scope="session")
def mirrored():
    """Every query looks at its mirror pixel; no layer is called attention."""
    places = np.eye(COUNT, dtype=np.float32).reshape(1, HEIGHT, WIDTH, COUNT)
    turn = np.eye(COUNT, dtype=np.float32)[[mirror(i) for i in range(COUNT)]]

    def network(image):
        maps = places + 0.01 * image
        a = tf.reshape(
            tf.nn.conv2d(maps, 20 * np.eye(COUNT)[None, None], 1, "SAME"), (-1, COUNT, COUNT)
        )
        b = tf.reshape(tf.nn.conv2d(maps, turn[None, None], 1, "SAME"), (-1, COUNT, COUNT))
        taken = tf.nn.softmax(tf.matmul(a, b, transpose_b=True)) @ tf.reshape(image, (-1, COUNT, 1))
        return {"out": tf.reshape(taken, (-1, HEIGHT, WIDTH, 1))}

    return freeze(network, image_spec())


@pytest.fixture(scope="session")
def discriminator():
    """The package's own block on 4 x 6, keys pooled to 2 x 3, with a gain that is not 0."""
    keras.utils.set_random_seed(0)
    x = keras.Input((HEIGHT, WIDTH, 1), name="image")
    y = keras.layers.Conv2D(8, 3, padding="same", activation="tanh", name="first")(x)
    y = self_attention(y, "looks", pool_keys=True)
    y = keras.layers.Dense(1, name="logits")(keras.layers.Flatten()(y))
    model = keras.Model(x, y)
    model.get_layer("looks_gain").set_weights([np.float32(GAIN)])
    for part in ("query", "key"):  # larger than drawn, so that rows differ
        layer = model.get_layer(f"looks_{part}")
        layer.set_weights([3 * layer.get_weights()[0]])
    graph = freeze(lambda image: {"logits": model(image)}, image_spec())
    return model, graph


@pytest.fixture(scope="session")
def generator():
    """Codes and labels to images of 4 x 6, all keys."""
    keras.utils.set_random_seed(1)
    z, label = keras.Input((5,), name="z"), keras.Input((), dtype="int64", name="label")
    y = keras.layers.Concatenate()([z, keras.layers.Embedding(3, 2)(label)])
    y = keras.layers.Reshape((HEIGHT, WIDTH, 8))(keras.layers.Dense(COUNT * 8)(y))
    y = self_attention(y, "looks")
    model = keras.Model(
        [z, label], keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(y)
    )
    model.get_layer("looks_gain").set_weights([np.float32(GAIN)])
    return freeze(
        lambda z, label: {"image": model([z, label])},
        tf.TensorSpec((None, 5), tf.float32, name="z"),
        tf.TensorSpec((None,), tf.int64, name="label"),
    )


@pytest.fixture(scope="session")
def codes():
    z = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float32)
    return {"z": z, "label": np.array([0, 1, 2, 0])}
