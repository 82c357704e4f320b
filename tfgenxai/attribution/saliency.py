"""Saliency: how much the target moves when an input element does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod
from tfgenxai.attribution.structure import dependants, row_size
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class Saliency(CompiledMethod):
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

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as the gradients of all targets together leave room for."""
        between = dependants(self.graph.inputs[self.wrt], explained.fetches).values()
        largest = max(map(row_size, between), default=1)
        return MEMORY // (4 * largest * len(explained.names))

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """Gradient of one scalar, or one vectorised pass for a family."""
        zero = tf.UnconnectedGradients.ZERO

        def saliency(feeds: Feeds) -> tf.Tensor:
            x = feeds.inputs[self.wrt]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x)
                scores = explained.scores(feeds)
            if len(explained.names) == 1:
                slopes = tape.gradient(scores, x, unconnected_gradients=zero)[:, None]
            else:
                slopes = tape.batch_jacobian(scores, x, unconnected_gradients=zero)
            return slopes if self.signed else tf.abs(slopes)

        return saliency
