import numpy as np
import pytest

from tfgenxai.data import ImageData


@pytest.fixture(scope="session")
def digits():
    """Makes ImageData of so many random images with labels."""

    def make(count: int, shape=(28, 28, 1)) -> ImageData:
        rng = np.random.default_rng(11)
        return ImageData(
            name="mnist",
            split="train",
            pixels=rng.integers(0, 256, (count, *shape), dtype=np.uint8),
            labels=rng.integers(0, 10, count),
            source="mlxtend",
            source_detail="random numbers",
        )

    return make
