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
    """The `count` directions that move the first layers of their part of the code most.

    Parts are coordinates that no first layer sees together with others. A layer moved by |A n| is
    moved by |A n|^2 / |A|^2 of what all axes move it by; a direction's share is the mean of that
    over its part's layers, so that neither wide layers nor parts with many layers count for more.
    The directions of a part are the eigenvectors of the mean of A A^T / |A|^2; those of all parts
    are in one order, the largest share first. Each moves one part alone.
    """
    from scipy.sparse.csgraph import connected_components

    grams = [
        weights @ weights.T / np.square(weights).sum()
        for weights in (layer.weights for layer in layers)
        if weights.any()
    ]
    width = len(layers[0].weights)
    check_room(count, width, "directions of the first layers")
    sees = np.array([np.diag(gram) > 0 for gram in grams]).reshape(len(grams), width)
    number, part_of = connected_components(sees.T.astype(int) @ sees.astype(int))
    found = []
    for part in range(number):
        places = np.flatnonzero(part_of == part)
        own = [g[np.ix_(places, places)] for g, seen in zip(grams, sees) if seen[places].any()]
        shares, vectors = np.linalg.eigh(np.mean(own, axis=0) if own else np.zeros((1, 1)))
        for share, vector in zip(shares, vectors.T, strict=True):
            whole = np.zeros(width)
            whole[places] = vector
            found.append((float(share), whole))
    found.sort(key=lambda each: -each[0])
    about = {"layers": [x.name for x in layers], "shares": [share for share, _ in found[:count]]}
    return Directions(signed(np.array([v for _, v in found[:count]])), "sefa", about=about)


def signed(vectors: np.ndarray) -> np.ndarray:
    """Rows (K, d), each with the sign that makes its element of largest size positive."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return vectors * np.where(largest < 0, -1.0, 1.0)
