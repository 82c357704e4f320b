"""Images that a model draws, whichever kind of generator it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.metrics.batches import batched

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_SIGNATURES = ("generate", "decode")


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


def generator(model: Mapping[str, Graph]) -> Graph | None:
    """The graph that makes an image of a code `z`, and perhaps a `label`; None if there is none.

    A GAN's `generate`, or a VAE's `decode`: what the prior is decoded to is drawn as well.
    """
    for name in _SIGNATURES:
        if name in model:
            graph = model[name]
            if "image" in graph.outputs and set(graph.inputs) in ({"z"}, {"z", "label"}):
                return graph
    return None


def draw(model: Mapping[str, Graph], count: int, *, classes: int = 10, seed: int = 0) -> Draws:
    """`count` images of codes of the prior; a conditional model draws all classes in turn.

    The prior is standard normal, unless a signature `prior` makes codes `z` of such draws `eps`.

    Raises:
        ModelNotFoundError: no signature makes images of codes.
    """
    graph = generator(model)
    if graph is None:
        raise ModelNotFoundError(
            "The model draws nothing: it has no signature 'generate' or 'decode' from z, or z and "
            "label, to image."
        )
    size = graph.inputs["z"].shape[1]
    codes = np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)
    if "prior" in model:
        codes = batched(model["prior"].function("eps", "z"), codes)
    if "label" not in graph.inputs:
        return Draws(batched(graph.function("z", "image"), codes), codes, None)
    labels = np.arange(count) % classes
    conditional = graph.function(["z", "label"], "image")
    kind = graph.inputs["label"].dtype
    both = np.concatenate([codes, labels[:, None].astype(np.float32)], axis=1)

    def decoded(batch: tf.Tensor) -> tf.Tensor:
        return conditional(batch[:, :-1], tf.cast(batch[:, -1], kind))

    return Draws(batched(decoded, both), codes, labels)
