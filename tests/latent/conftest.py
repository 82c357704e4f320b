"""Small graphs whose codes and images are known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.graph import Graph

WIDTH, SIDE, CLASSES = 3, 4, 5
_RANDOM = np.random.default_rng(0)
TO_PIXELS = _RANDOM.normal(size=(WIDTH, SIDE * SIDE)).astype(np.float32)
SHIFTS = _RANDOM.normal(size=CLASSES).astype(np.float32)


def drawn(codes: np.ndarray, label: int | None = None) -> np.ndarray:
    """The images (N, 4, 4, 1) of codes (N, 3), by plain NumPy."""
    logits = np.asarray(codes, np.float64) @ TO_PIXELS
    if label is not None:
        logits = logits + SHIFTS[label]
    return (1.0 / (1.0 + np.exp(-logits))).reshape(-1, SIDE, SIDE, 1)


@pytest.fixture(scope="session")
def decode() -> Graph:
    """A decoder of three dimensions."""

    @tf.function(input_signature=[tf.TensorSpec((None, WIDTH), tf.float32, "z")])
    def function(z):
        return {"image": tf.sigmoid(tf.reshape(z @ TO_PIXELS, (-1, SIDE, SIDE, 1)))}

    return Graph.from_function(function)


@pytest.fixture(scope="session")
def conditional() -> Graph:
    """The same, given a label too."""
    specs = [
        tf.TensorSpec((None, WIDTH), tf.float32, "z"),
        tf.TensorSpec((None,), tf.int64, "label"),
    ]

    @tf.function(input_signature=specs)
    def function(z, label):
        logits = z @ TO_PIXELS + tf.gather(SHIFTS, label)[:, None]
        return {"image": tf.sigmoid(tf.reshape(logits, (-1, SIDE, SIDE, 1)))}

    return Graph.from_function(function)


@pytest.fixture(scope="session")
def prior() -> Graph:
    """Makes codes of standard normal draws: a cubed one, and a one-hot of the other two."""

    @tf.function(input_signature=[tf.TensorSpec((None, WIDTH), tf.float32, "eps")])
    def function(eps):
        category = tf.one_hot(tf.argmax(eps[:, 1:], axis=-1), WIDTH - 1)
        return {"z": tf.concat([eps[:, :1] ** 3, category], axis=-1)}

    return Graph.from_function(function)


@pytest.fixture(scope="session")
def draw_by_hand() -> Callable[..., np.ndarray]:
    """`drawn`, for tests."""
    return drawn
