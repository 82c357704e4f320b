"""Codes whose disentanglement is known."""

import numpy as np
import pytest

from tfgenxai.latent.disentanglement import Simulator

SIZES = {"a": 5, "b": 5, "c": 5, "d": 5}
#: All entries of the same size: every latent depends on every factor alike.
MIXED = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


@pytest.fixture
def factors():
    """The factors themselves, as the values of a simulator."""
    return Simulator(SIZES, lambda drawn: drawn.astype(float))


@pytest.fixture
def perfect(factors):
    """One latent a factor: in another order, scaled, and some turned round."""
    return factors.map(lambda values: values[:, [2, 0, 3, 1]] * [1.5, -0.7, 1.0, -2.0])


@pytest.fixture
def mixed(factors):
    """The worst rotation of them."""
    return factors.map(lambda values: (values - 2) @ MIXED)


@pytest.fixture
def noise(factors):
    """Codes that know nothing."""
    rng = np.random.default_rng(7)
    return factors.map(lambda values: rng.normal(size=(len(values), 4)))
