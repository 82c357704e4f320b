"""Images that a model draws, whichever kind of generator it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Draws:
    """N images from the prior.

    Attributes:
        images: (N, H, W, C) float32 in [0, 1]; of a VAE the decoder's means.
        codes: (N, d) float32, standard normal, or what the model's signature `prior` makes of it.
        labels: (N,) the classes asked for, of a conditional model; otherwise None.
    """

    images: np.ndarray
    codes: np.ndarray
    labels: np.ndarray | None


def draw(
    model: Mapping[str, Graph], count: int, *, classes: int | None = None, seed: int = 0
) -> Draws:
    """`count` images of codes of the prior; a conditional model draws all classes in turn.

    Args:
        classes: of a conditional model; by default as `Generator.of`.

    Raises:
        ModelNotFoundError: no signature makes images of codes.
    """
    generator = Generator.of(model, classes=classes)
    codes, labels = generator.codes(count, np.random.default_rng(seed)), generator.labels(count)
    return Draws(generator.images(codes, labels), codes, labels)
