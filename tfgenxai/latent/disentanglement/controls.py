"""Encoders that scores of disentanglement are to be compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.images import ImageData
from tfgenxai.metrics.randomisation import randomised

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def random_weights(graph: Graph, image: str, output: str, seed: int = 0) -> Callable[[Any], Any]:
    """The same network with all weights drawn anew: what its architecture alone brings about."""
    names = [layer.name for layer in graph.layers if layer.variables]
    return randomised(graph, names, seed).function(image, output)


def pixel_components(data: ImageData, width: int, seed: int = 0) -> Callable[[Any], Any]:
    """The first `width` principal components of the pixels of `data`: what needs no network.

    At most as many as there are images or pixels.
    """
    from sklearn.decomposition import PCA

    pixels = data.images.reshape(len(data), -1)
    components = PCA(min(width, *pixels.shape), svd_solver="randomized", random_state=seed)
    components.fit(pixels)
    return lambda images: components.transform(np.asarray(images).reshape(len(images), -1))
