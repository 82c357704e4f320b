"""Classifiers and VAEs small enough to be attacked on paper."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.attacks.oracles import (
    CLASSES,
    LATENTS,
    PLACES,
    SHAPE,
    Linear,
    freeze,
    linear_classifier,
)
from tfgenxai.graph import Graph


@pytest.fixture(scope="session")
def linear() -> Linear:
    rng = np.random.default_rng(0)
    return linear_classifier(rng.standard_normal((PLACES, CLASSES)), rng.standard_normal(CLASSES))


@pytest.fixture(scope="session")
def two() -> Linear:
    """Two classes, so that there is one plane."""
    rng = np.random.default_rng(1)
    return linear_classifier(rng.standard_normal((PLACES, 2)), np.array([0.1, -0.2]))


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Far from black and white, so that small steps stay inside."""
    return np.random.default_rng(2).uniform(0.4, 0.6, (6, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="session")
def bent() -> Graph:
    """A small network with rectifiers, and images with black and white pixels for it."""
    keras.utils.set_random_seed(3)
    x = keras.Input(SHAPE)
    y = keras.layers.Conv2D(6, 3, activation="relu", padding="same")(x)
    y = keras.layers.Dense(CLASSES)(keras.layers.Flatten()(y))
    model = keras.Model(x, 8 * y)
    return freeze(lambda image: {"logits": model(image)})


@pytest.fixture(scope="session")
def stark() -> np.ndarray:
    """Images of which many pixels are black or white."""
    grey = np.random.default_rng(4).uniform(-0.5, 1.5, (9, *SHAPE))
    return np.clip(grey, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class LinearVae:
    """mean = x A, image = mean B + c."""

    down: np.ndarray
    up: np.ndarray
    graphs: dict[str, Graph]


@pytest.fixture(scope="session")
def vae() -> LinearVae:
    rng = np.random.default_rng(5)
    down = rng.standard_normal((PLACES, LATENTS)).astype(np.float32)
    up = (0.05 * rng.standard_normal((LATENTS, PLACES))).astype(np.float32)

    def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"mean": tf.reshape(image, (-1, PLACES)) @ down}

    def reconstruct(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": tf.reshape(encode(image)["mean"] @ up + 0.5, (-1, *SHAPE))}

    return LinearVae(down, up, {"encode": freeze(encode), "reconstruct": freeze(reconstruct)})
