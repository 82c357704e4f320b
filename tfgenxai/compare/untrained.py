"""A control for what a network learned: the same network before it learned anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai.metrics.randomisation import randomised

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def untrained(graph: Graph, seed: int = 0) -> Graph:
    """The same network with the weights of all layers drawn anew; see `randomised`."""
    return randomised(graph, [layer.name for layer in graph.layers if layer.variables], seed)
