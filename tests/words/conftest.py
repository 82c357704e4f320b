"""Tiny models of words, and a few words in a few styles."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.words import tiny

LABEL = np.array([[0, 2], [1, 1], [2, 1]])


@pytest.fixture(scope="session")
def live():
    return tiny.generator()


@pytest.fixture(scope="session")
def graph(live):
    """For words of two characters."""
    return tiny.graph_of(live).with_shapes({"label": (2,)})


@pytest.fixture(scope="session")
def reader():
    return tiny.reader_of(tiny.recogniser()).with_shapes({"image": (32, 32, 1)})


@pytest.fixture(scope="session")
def given():
    codes = np.random.default_rng(3).standard_normal((3, tiny.CODE)).astype(np.float32)
    return {"z": codes, "label": LABEL}


@pytest.fixture(scope="session")
def draw(live):
    """Images of codes and characters, by the live model."""

    def drawn(z, label):
        given = [tf.constant(z), tf.constant(label, tf.int64)]
        return ((tf.tanh(live(given)) + 1) / 2).numpy()

    return drawn
