"""Tiny live Keras models, and the frozen graphs made of them."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.graph import Graph

SIDE, LATENTS, CLASSES = 8, 3, 4


@dataclass(frozen=True)
class Tiny:
    """A live model and its graph."""

    model: keras.Model
    graph: Graph


def freeze(function, *specs):
    return Graph.from_function(
        tf.function(function, input_signature=list(specs)).get_concrete_function()
    )


def image_spec():
    return tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="image")


def code_spec(size=LATENTS):
    return tf.TensorSpec((None, size), tf.float32, name="z")


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(7).random((12, SIDE, SIDE, 1), dtype=np.float32)


@pytest.fixture(scope="session")
def labels():
    return np.arange(12) % CLASSES


@pytest.fixture(scope="session")
def codes():
    return np.random.default_rng(8).standard_normal((12, LATENTS)).astype(np.float32)


@pytest.fixture(scope="session")
def classifier():
    keras.utils.set_random_seed(3)
    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Conv2D(5, 3, activation="relu", name="conv_0")(x)
    y = keras.layers.Conv2D(4, 3, activation="relu", name="conv_1")(y)
    y = keras.layers.Flatten(name="flat")(y)
    y = keras.layers.Dense(6, activation="relu", name="features")(y)
    model = keras.Model(x, keras.layers.Dense(CLASSES, name="scores")(y))

    def classify(image):
        logits = model(image)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    return Tiny(model, freeze(classify, image_spec()))


@pytest.fixture(scope="session")
def decoder():
    keras.utils.set_random_seed(2)
    z = keras.Input((LATENTS,))
    y = keras.layers.Dense(2 * 2 * 4, activation="relu", name="dense")(z)
    y = keras.layers.Reshape((2, 2, 4), name="maps")(y)
    y = keras.layers.Conv2DTranspose(4, 3, 2, "same", activation="relu", name="up_0")(y)
    y = keras.layers.Conv2DTranspose(1, 3, 2, "same", name="up_1")(y)
    model = keras.Model(z, y)

    def decode(z):
        logits = model(z)
        return {"logits": logits, "image": tf.sigmoid(logits)}

    return Tiny(model, freeze(decode, code_spec()))


@pytest.fixture(scope="session")
def encoder():
    keras.utils.set_random_seed(1)
    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Conv2D(4, 3, 2, "same", activation="relu", name="conv_0")(x)
    y = keras.layers.Flatten(name="flat")(y)
    model = keras.Model(x, keras.layers.Dense(LATENTS, name="mu")(y))

    def encode(image):
        mean = model(image)
        return {"mean": mean, "z": mean + tf.random.normal(tf.shape(mean))}

    return Tiny(model, freeze(encode, image_spec()))
