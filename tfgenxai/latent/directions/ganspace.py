"""GANSpace: principal components of early activations, carried back to the code."""

from __future__ import annotations

import numpy as np

from tfgenxai.attribution.structure import row_size
from tfgenxai.errors import UsageError
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.first_layer import first_activation
from tfgenxai.latent.directions.learn import COUNT
from tfgenxai.latent.directions.matrices import check_room
from tfgenxai.latent.directions.sefa import signed
from tfgenxai.latent.generator import Generator

SAMPLES = 5_000
_MOST = 2**26  # numbers in memory
_ROUNDING = 1e-6  # of the largest variance: less may be the rounding of float32


def ganspace(
    generator: Generator,
    count: int = COUNT,
    *,
    layer: str | None = None,
    samples: int | None = None,
    seed: int = 0,
) -> Directions:
    """The `count` directions of the code that go with a layer's principal components.

    Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls", 2020, section 2.2: with
    activations y of `samples` codes z and the coordinates x of y along its first components, the
    directions u_k are those of the linear regression z = U x, here of length 1. A conditional
    generator's activations are taken less the mean of their label, so that no component is the
    label, which no direction can change. `about` holds each component's share of the variance.

    Args:
        layer: whose activations; by default the first activation function that all of the code
            reaches, or the image, where there is none. Before any, all is linear, and SeFa says
            the same.
        samples: codes drawn from the prior with `seed`; activations of all are held in memory. By
            default 5,000, or as many as make 67 million activations.

    Raises:
        UsageError: the layer varies along fewer components, or does not depend on the code.
        LayerNotFoundError: there is no such layer.
    """
    from sklearn.decomposition import PCA

    graph = generator.graph
    layer = layer or first_activation(graph) or "image"
    samples = samples or min(SAMPLES, _MOST // row_size(graph[layer]))
    random = np.random.default_rng(seed)
    codes, labels = generator.codes(samples, random), generator.labels(samples)
    values = decoded(graph, codes, extra=generator.extra(labels), fetch=layer).reshape(samples, -1)
    for label in range(generator.classes):
        values[labels == label] -= values[labels == label].mean(axis=0)
    check_room(count, min(generator.width, *values.shape), f"components of {layer}")
    pca = PCA(count, random_state=seed)
    coordinates = pca.fit_transform(values)
    spread = pca.explained_variance_
    varied = int(np.sum(spread > _ROUNDING * spread[0]))
    if varied < count:
        raise UsageError(
            f"{layer} varies along {varied} components only; ask for no more directions, or for "
            "another layer."
        )
    regression, *_ = np.linalg.lstsq(coordinates, codes - codes.mean(axis=0), rcond=None)
    vectors = regression / np.linalg.norm(regression, axis=1, keepdims=True)
    about = {
        "layer": layer,
        "samples": samples,
        "seed": seed,
        "shares of variance": pca.explained_variance_ratio_.tolist(),
    }
    return Directions(signed(vectors), "ganspace", about=about)
