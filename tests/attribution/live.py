"""Oracles on live Keras models: random architectures, and gradients computed the slow way."""

import os

import keras
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from keras import layers

EXAMPLES = settings(
    max_examples=int(os.environ.get("TFGENXAI_EXAMPLES", "3")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
RECTIFIERS = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.3),
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
}
SMOOTH = {"tanh": tf.nn.tanh, "sigmoid": tf.nn.sigmoid, "softplus": tf.nn.softplus}
ACTIVATIONS = {**RECTIFIERS, **SMOOTH}


def recipes(kinds=tuple(ACTIVATIONS)):
    """What `build` makes a model of: layers, activations and weights."""
    layer = st.tuples(
        st.sampled_from(["conv", "deconv", "depthwise", "norm", "max", "average"]),
        st.sampled_from(kinds),
        st.sampled_from([1, 2]),
        st.booleans(),
    )
    return st.fixed_dictionaries(
        {
            "spatial": st.lists(layer, min_size=1, max_size=3),
            "hidden": st.sampled_from(kinds),
            "seed": st.integers(0, 999),
        }
    )


def build(recipe, activations=ACTIVATIONS):
    """A model from images (8, 8, 2) to three scores; other activations leave the weights alone."""
    model = keras.Sequential([keras.Input((8, 8, 2), name="image")])
    for kind, activation, strides, bias in recipe["spatial"]:
        options = {"strides": strides, "use_bias": bias, "padding": "same"}
        options["activation"] = activations[activation]
        make = {
            "conv": lambda o=options: layers.Conv2D(3, 3, **o),
            "deconv": lambda o=options: layers.Conv2DTranspose(2, 3, **o),
            "depthwise": lambda o=options: layers.DepthwiseConv2D(3, **o),
            "norm": layers.BatchNormalization,
            "max": lambda: layers.MaxPooling2D(2, padding="same"),
            "average": lambda: layers.AveragePooling2D(2, padding="same"),
        }
        model.add(make[kind]())
    model.add(layers.Flatten())
    model.add(layers.Dense(5, activation=activations[recipe["hidden"]]))
    model.add(layers.Dense(3))
    rng = np.random.default_rng(recipe["seed"])
    for variable in model.variables:
        fan_in = np.prod(variable.shape[:-1]) or 1
        values = rng.normal(0, 1.5 / np.sqrt(fan_in), variable.shape)
        variable.assign(0.5 + values**2 if "variance" in variable.name else values)
    return model


def pictures(recipe, count):
    """Images (count, 8, 8, 2) that belong to a recipe."""
    return np.random.default_rng(recipe["seed"] + 1).random((count, 8, 8, 2), dtype=np.float32)


def gradient(scalar, x):
    """d(sum of scalar)/dx, where samples do not mix the gradient of every sample; float64."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(scalar(x))
    return tape.gradient(value, x).numpy().astype(np.float64)


def path_gradients(scalar, x, baseline, points):
    """df/dx at baseline + t (x - baseline) for t in points, (points, N, ...)."""
    x, baseline = np.asarray(x, np.float64), np.asarray(baseline, np.float64)
    way = np.stack([baseline + t * (x - baseline) for t in points])
    slopes = gradient(scalar, np.float32(way.reshape(-1, *x.shape[1:])))
    return slopes.reshape(way.shape)
