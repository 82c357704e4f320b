"""The feature maps that class activation maps weigh: A_k of a layer, inside a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from tfgenxai.attribution.structure import dependants, depends, row_size
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.explained import Explained, Feeds, fetch, sample_shape

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


_CONVOLUTIONS = ("Conv2D", "Conv2DTranspose", "DepthwiseConv2D")


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """Feature maps A of a layer.

    Attributes:
        graph: where the layer is.
        layer: its name.
        tensor: symbolic (N, h, w, K).
    """

    graph: Graph
    layer: str
    tensor: tf.Tensor

    @classmethod
    def of(cls, graph: Graph, layer: str | None) -> FeatureMaps:
        """The maps of this layer; of the last convolution if none is named.

        Raises:
            LayerNotFoundError: there is no such layer.
            UsageError: the layer has no feature maps.
        """
        if layer is None:
            found = [x.name for x in graph.layers if x.kind in _CONVOLUTIONS]
            if not found:
                raise LayerNotFoundError("This graph has no convolution: name a layer with layer=.")
            layer = found[-1]
        tensor = graph[layer]
        if tensor.shape.rank != 4:
            raise UsageError(
                f"Layer {layer!r} has shape {tensor.shape}, not feature maps (N, h, w, channels): "
                f"name a convolution."
            )
        return cls(graph, layer, tensor)

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w, K)."""
        return sample_shape(self.tensor)

    def check(self, explained: Explained) -> None:
        """Raises UsageError if the target does not depend on the layer."""
        if not depends(explained.fetches, self.tensor):
            raise UsageError(
                f"{explained.names[0]} does not depend on layer {self.layer!r}: name a layer "
                f"between the input and the target."
            )

    def values(self, feeds: Feeds) -> tf.Tensor:
        """A of a batch, (n, h, w, K)."""
        return fetch(self.graph, feeds, [self.tensor])[0]

    def largest_row(self, explained: Explained) -> int:
        """Elements in a sample of the largest tensor between the layer and the target."""
        return max(map(row_size, dependants(self.tensor, explained.fetches).values()), default=1)
