"""Tiny live Keras models, and the frozen graphs made of them."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.graph import Graph

SIDE, LATENTS, CLASSES = 12, 5, 4


@dataclass(frozen=True)
class Tiny:
    """A live model and its graph."""

    model: keras.Model
    graph: Graph


def freeze(function, *specs):
    return Graph.from_function(
        tf.function(function, input_signature=list(specs)).get_concrete_function()
    )


def image_spec(channels=1):
    return tf.TensorSpec((None, SIDE, SIDE, channels), tf.float32, name="image")


def code_spec():
    return tf.TensorSpec((None, LATENTS), tf.float32, name="z")


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(7).random((7, SIDE, SIDE, 1), dtype=np.float32)


@pytest.fixture(scope="session")
def codes():
    return np.random.default_rng(8).standard_normal((7, LATENTS)).astype(np.float32)


@pytest.fixture(scope="session")
def encoder():
    keras.utils.set_random_seed(1)
    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Conv2D(4, 3, 2, "same", name="conv_0")(x)
    y = keras.layers.LeakyReLU(name="act_0")(y)
    y = keras.layers.Conv2D(6, 3, 2, "same", name="conv_1")(y)
    y = keras.layers.LeakyReLU(name="act_1")(y)
    y = keras.layers.Flatten(name="flat")(y)
    mean = keras.layers.Dense(LATENTS, name="mu")(y)
    logvar = keras.layers.Dense(LATENTS, name="log_var")(y)
    model = keras.Model(x, [mean, logvar])

    def encode(image):
        mean, logvar = model(image)
        noise = tf.random.normal(tf.shape(mean))
        return {"mean": mean, "logvar": logvar, "z": mean + tf.exp(0.5 * logvar) * noise}

    return Tiny(model, freeze(encode, image_spec()))


@pytest.fixture(scope="session")
def decoder():
    keras.utils.set_random_seed(2)
    z = keras.Input((LATENTS,))
    y = keras.layers.Dense(3 * 3 * 4, activation="relu", name="dense")(z)
    y = keras.layers.Reshape((3, 3, 4))(y)
    y = keras.layers.Conv2DTranspose(4, 3, 2, "same", activation="relu", name="up_0")(y)
    y = keras.layers.Conv2DTranspose(1, 3, 2, "same", name="up_1")(y)
    model = keras.Model(z, y)

    def decode(z):
        logits = model(z)
        return {"logits": logits, "image": tf.sigmoid(logits)}

    return Tiny(model, freeze(decode, code_spec()))


@pytest.fixture(scope="session")
def autoencoder(encoder, decoder):
    def reconstruct(image):
        return {"image": tf.sigmoid(decoder.model(encoder.model(image)[0]))}

    model = keras.Model(
        encoder.model.inputs, decoder.model(encoder.model.outputs[0]), name="autoencoder"
    )
    return Tiny(model, freeze(reconstruct, image_spec()))


@pytest.fixture(scope="session")
def classifier():
    keras.utils.set_random_seed(3)
    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Conv2D(4, 3, activation="relu", name="conv_0")(x)
    y = keras.layers.MaxPooling2D(name="pool")(y)
    y = keras.layers.Conv2D(5, 3, activation="relu", name="conv_1")(y)
    y = keras.layers.GlobalAveragePooling2D(name="average")(y)
    model = keras.Model(x, keras.layers.Dense(CLASSES, name="scores")(y))

    def classify(image):
        logits = model(image)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    return Tiny(model, freeze(classify, image_spec()))


@pytest.fixture(scope="session")
def discriminator():
    keras.utils.set_random_seed(4)
    x = keras.Input((SIDE, SIDE, 1))
    y = keras.layers.Conv2D(4, 3, 2, activation="relu")(x)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(y)))
    return Tiny(model, freeze(lambda image: {"logits": model(image)}, image_spec()))


@pytest.fixture(scope="session")
def linear():
    """z = x W, whose gradient is W whatever x is."""
    weights = np.random.default_rng(5).standard_normal((SIDE * SIDE, LATENTS)).astype(np.float32)

    def encode(image):
        return {"mean": tf.reshape(image, (-1, SIDE * SIDE)) @ weights}

    return weights, freeze(encode, image_spec())
