"""A generator of words of one block, made as the ScrabbleGAN is, and a recogniser."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfgenxai.graph import Graph
from tfgenxai.models.layers import self_attention
from tfgenxai.models.reading import read
from tfgenxai.models.scrabble_layers import (
    CharacterCodes,
    Columns,
    Modulate,
    SideBySide,
    Slice,
    SumOverPlaces,
)

CHARACTERS, CODE = 3, 4
IMAGE = tf.TensorSpec((None, 32, None, 1), tf.float32, name="image")


def fill(model: keras.Model, seed: int) -> keras.Model:
    """Weights, biases and statistics of the size that trained ones have."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.path.rpartition("/")[2], tuple(weight.shape)
        if name == "kernel":
            weight.assign(rng.normal(0, 1.4 / np.sqrt(np.prod(shape[:-1])), shape))
        elif name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, shape))
        else:
            weight.assign(rng.normal(0, 0.2, shape) + (name == "gain"))
    return model


def generator(
    modulate: type = Modulate,
    *,
    attention: bool = True,
    characters: int = CHARACTERS,
    seed: int = 1,
) -> keras.Model:
    """Codes (N, 4) and characters (N, n) to logits of words (N, 32, 16 n, 1).

    The first half of a code draws patches of 4 x 4 places, the second conditions their norm.
    """
    z = keras.Input((CODE,), name="z")
    label = keras.Input((None,), dtype="int64", name="label")
    chunks = [Slice(2 * i, 2 * i + 2, name=f"chunk_{i}")(z) for i in range(2)]
    x = CharacterCodes(characters, name="generator_characters")([chunks[0], label])
    x = layers.Dense(4 * 4 * 8, use_bias=False, name="generator_filters")(x)
    x = SideBySide(4, name="generator_patches")(x)
    gain, bias = (
        layers.Dense(8, use_bias=False, name=f"up_{part}")(chunks[1]) for part in ("gain", "bias")
    )
    x = layers.BatchNormalization(center=False, scale=False, name="up_bn")(x)
    x = modulate(name="up_modulate")([x, gain, bias])
    x = layers.ReLU(name="up_relu")(x)
    x = layers.UpSampling2D((4, 2), name="up")(x)
    x = layers.Conv2D(8, 3, padding="same", name="up_conv")(x)
    if attention:
        x = self_attention(x, "attention", pool_keys=True)
    x = layers.ReLU(name="relu")(x)
    x = layers.UpSampling2D((2, 2), name="twice")(x)
    x = layers.Conv2D(1, 3, padding="same", name="generator_conv")(x)
    return fill(keras.Model([z, label], x, name="generator"), seed)


def graph_of(model: keras.Model, dtype: Any = tf.float32) -> Graph:
    """`generate(z, label) -> image` of a live generator."""
    specs = [
        tf.TensorSpec((None, CODE), dtype, name="z"),
        tf.TensorSpec((None, None), tf.int64, name="label"),
    ]

    @tf.function(input_signature=specs)
    def generate(z: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": (tf.tanh(model([z, label])) + 1) / 2}

    return Graph.from_function(generate.get_concrete_function())


def recogniser(characters: int = CHARACTERS, seed: int = 2) -> keras.Model:
    """Words (N, 32, 16 n, 1) to logits (N, 4 n - 1, characters + 1): each step sees 8 columns."""
    image = keras.Input((32, None, 1), name="image")
    x = layers.AveragePooling2D((16, 4), name="pool")(image)
    x = layers.Conv2D(6, 2, name="conv")(x)
    x = layers.ReLU(name="relu")(x)
    x = Columns(name="columns")(x)
    x = layers.Dense(characters + 1, name="logits")(x)
    return fill(keras.Model(image, x, name="recogniser"), seed)


def reader_of(model: keras.Model) -> Graph:
    """`recognise(image) -> log_probabilities, text` of a live recogniser."""

    @tf.function(input_signature=[IMAGE])
    def recognise(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = model(image)
        return {"log_probabilities": tf.nn.log_softmax(logits), "text": read(logits)}

    return Graph.from_function(recognise.get_concrete_function())


def discriminator(seed: int = 3) -> Graph:
    """`discriminate(image) -> logits`, with attention at a quarter of the size."""
    image = keras.Input((32, None, 1), name="image")
    x = layers.AveragePooling2D(4, name="pool")(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv")(x)
    x = SumOverPlaces(name="sum")(self_attention(x, "attention", pool_keys=True))
    model = fill(keras.Model(image, layers.Dense(1, name="logit")(x)), seed)
    frozen = tf.function(lambda image: {"logits": model(image)}, input_signature=[IMAGE])
    return Graph.from_function(frozen.get_concrete_function())
