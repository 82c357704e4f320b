"""Graph: frozen, differentiable, addressable by layer."""

from __future__ import annotations

from tfgenxai.graph.cut import Cut
from tfgenxai.graph.graph import Graph
from tfgenxai.graph.layers import Layer, LayerTable

__all__ = ["Cut", "Graph", "Layer", "LayerTable"]
