"""SeFa: directions read off the weights of a generator's first layer, without any training."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.first_layer import first_layer
from tfgenxai.latent.directions.learn import COUNT
from tfgenxai.latent.directions.matrices import check_room
from tfgenxai.latent.generator import Generator


def sefa(generator: Generator, count: int = COUNT) -> Directions:
    """The `count` directions that move the first layer most, at right angles, the strongest first.

    Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs", 2021, eq. 5: the first
    layer is A z + b, and a step n of length 1 moves it by |A n|, the most along the right singular
    vectors of A. Where a Keras layer holds A as its transpose, these are the left ones. Signs are
    such that the largest element is positive. `about` holds the singular values.

    Raises:
        UsageError: the generator does not begin with one matrix, or it has fewer singular vectors.
    """
    found = first_layer(generator.graph)
    vectors, values, _ = np.linalg.svd(found.weights.astype(np.float64), full_matrices=False)
    check_room(count, len(values), "singular vectors of the first layer")
    about = {"layer": found.name, "singular values": values[:count].tolist()}
    return Directions(signed(vectors.T[:count]), "sefa", about=about)


def signed(vectors: np.ndarray) -> np.ndarray:
    """Rows (K, d), each with the sign that makes its element of largest size positive."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return vectors * np.where(largest < 0, -1.0, 1.0)
