import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def grey(rng) -> np.ndarray:
    """Grey images (5, 28, 28, 1) in [0, 1]."""
    return rng.random((5, 28, 28, 1), dtype=np.float32)


@pytest.fixture
def binary(grey) -> np.ndarray:
    return (grey > 0.5).astype(np.float32)
