"""Where a code that is cut into parts enters a generator: the first layers of every part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError
from tfgenxai.latent.decoding import code_input, code_width
from tfgenxai.latent.directions.first_layer import FirstLayer, readers

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_SLICES = frozenset({"StridedSlice", "Slice", "Split", "SplitV"})
_TOLERANCE = 1e-3


def is_cut(graph: Graph) -> bool:
    """Whether the code is cut into parts, and nothing else is done with it as a whole."""
    return all(op.type in _SLICES for op in readers(graph, graph.inputs[code_input(graph)]))


def style_layers(graph: Graph) -> list[FirstLayer]:
    """The layers with weights that the code reaches before any other, each as a matrix (d, m).

    There is none where no layer has weights.
    Of a ScrabbleGAN for one word these are its characters' filters, and the gains and biases of the
    conditional batch normalisations. Read by feeding the code's axes, so that it does not matter
    how a layer writes its product.

    Raises:
        UsageError: the code does not go through one of them linearly.
    """
    z = graph.inputs[name := code_input(graph)]
    width = code_width(graph)
    axes = np.concatenate([np.zeros((1, width)), np.eye(width)]).astype(np.float32)
    probe = np.random.default_rng(0).standard_normal((1, width)).astype(np.float32)
    found = []
    for layer in _first_weighted(graph, z):
        function = graph.function(name, layer)
        values = function(axes).numpy().reshape(width + 1, -1).astype(np.float64)
        weights, bias = values[1:] - values[0], values[0]
        seen = function(probe).numpy().reshape(-1)
        if not np.allclose(seen, probe[0] @ weights + bias, atol=_TOLERANCE * np.abs(seen).max()):
            raise UsageError(
                f"SeFa needs first layers that are linear in the code, and {layer!r} of "
                f"{graph.name!r} is not. GANSpace does without."
            )
        found.append(FirstLayer(weights, layer))
    return found


def _first_weighted(graph: Graph, z: Any) -> list[str]:
    """Names of the layers with weights that some way from the code meets before any other."""
    between = dependants(z, [graph.outputs["image"]])
    owner = {node: layer.name for layer in graph.layers if layer.variables for node in layer.nodes}
    met: dict[str, None] = {}
    seen, waiting = {z.ref()}, [z]
    while waiting:
        for op in waiting.pop(0).consumers():
            for output in op.outputs:
                if output.ref() not in between or output.ref() in seen:
                    continue
                seen.add(output.ref())
                if op.name in owner:
                    met[owner[op.name]] = None
                else:
                    waiting.append(output)
    return [layer.name for layer in graph.layers if layer.name in met]
