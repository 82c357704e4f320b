"""SeFa: directions read off the weights of a generator's first layers, without any training."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.first_layer import FirstLayer, first_layer
from tfgenxai.latent.directions.learn import COUNT
from tfgenxai.latent.directions.matrices import check_room
from tfgenxai.latent.directions.style_layers import is_cut, style_layers
from tfgenxai.latent.generator import Generator


def sefa(generator: Generator, count: int = COUNT) -> Directions:
    """The `count` directions that move the first layer most, at right angles, the strongest first.

    Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs", 2021, eq. 5: the first
    layer is A z + b, and a step n of length 1 moves it by |A n|, the most along the right singular
    vectors of A. Where a Keras layer holds A as its transpose, these are the left ones. Signs are
    such that the largest element is positive. `about` holds the singular values.

    A code that is cut into parts, as a ScrabbleGAN's, has first layers for each: see `_of_parts`.

    Raises:
        UsageError: the generator does not begin with one matrix, or it has fewer singular vectors.
    """
    if is_cut(generator.graph) and (layers := style_layers(generator.graph)):
        return _of_parts(layers, count)
    found = first_layer(generator.graph)
    vectors, values, _ = np.linalg.svd(found.weights.astype(np.float64), full_matrices=False)
    check_room(count, len(values), "singular vectors of the first layer")
    about = {"layer": found.name, "singular values": values[:count].tolist()}
    return Directions(signed(vectors.T[:count]), "sefa", about=about)


def _of_parts(layers: list[FirstLayer], count: int) -> Directions:
    """The `count` directions that change most of the feature maps that the first layers write.

    The first layer, A, makes feature maps: a step n changes |A n|^2 / |A|^2 of what they vary by,
    for standard normal codes. The others are gains and biases, B with m outputs, of maps that batch
    normalisation gave variance 1: of that they change |B n|^2 / m. The directions are eigenvectors
    of A A^T / |A|^2 + sum of B B^T / m, the largest eigenvalue first, so that no layer counts for
    its size. Parts that no layer sees together share no direction.
    """
    width = len(layers[0].weights)
    check_room(count, width, "directions of the first layers")
    made, *conditions = [layer.weights for layer in layers]
    change = made @ made.T / max(np.square(made).sum(), np.finfo(float).tiny)
    for weights in conditions:
        change += weights @ weights.T / weights.shape[1]
    values, vectors = np.linalg.eigh(change)
    about = {
        "layers": [layer.name for layer in layers],
        "changes": values[::-1][:count].tolist(),
    }
    return Directions(signed(vectors.T[::-1][:count]), "sefa", about=about)


def signed(vectors: np.ndarray) -> np.ndarray:
    """Rows (K, d), each with the sign that makes its element of largest size positive."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return vectors * np.where(largest < 0, -1.0, 1.0)
