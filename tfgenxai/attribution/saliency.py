"""Saliency: how much the target moves when an input element does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfgenxai.attribution.gradients import GradientMethod
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class Saliency(GradientMethod):
    """|df/dx|, of the shape of x (Simonyan, Vedaldi and Zisserman 2014, section 3).

    The target makes the kind: `ReconstructionError()` of an autoencoder, `Latent(i)` of an
    encoder, `Output("probabilities", k)` of a classifier, and for a decoder, whose input is z,
    `NegativeElbo(images, mean, logvar)`, which gives |dELBO/dz|.

    Args:
        graph, wrt, seed: see `Method`.
        signed: give df/dx itself.
    """

    name = "saliency"

    def __init__(
        self, graph: Graph, *, signed: bool = False, wrt: str | None = None, seed: int = 0
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self.signed = signed

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "signed": self.signed}

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The derivative, or its absolute value."""

        def saliency(feeds: Feeds) -> tf.Tensor:
            slopes = self.slopes(explained, feeds)
            return slopes if self.signed else tf.abs(slopes)

        return saliency
