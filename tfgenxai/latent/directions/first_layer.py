"""Where a code enters a generator, read from its frozen graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError
from tfgenxai.graph.kinds import ACTIVATIONS
from tfgenxai.latent.decoding import code_input

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

# What leaves a code as it is.
_PASSING = frozenset({"Identity", "Cast", "EnsureShape", "StopGradient"})


class FirstLayer(NamedTuple):
    """The matrix that a code is multiplied with: z W.

    Attributes:
        weights: W, (d, m).
        name: of the operation.
    """

    weights: np.ndarray
    name: str


def first_layer(graph: Graph) -> FirstLayer:
    """The one constant matrix that the code is multiplied with before anything else.

    Raises:
        UsageError: the code enters several operations, or one that is no product with a matrix,
            such as a convolution.
    """
    import tensorflow as tf

    z = graph.inputs[code_input(graph)]
    found = readers(graph, z)
    if len(found) != 1:
        named = ", ".join(op.name for op in found) or "none"
        raise UsageError(
            f"SeFa needs one first layer; the code of {graph.name!r} enters {len(found)}: "
            f"{named}. GANSpace does without."
        )
    (op,) = found
    if op.type != "MatMul" or op.get_attr("transpose_a"):
        raise UsageError(
            f"SeFa needs a code that is first multiplied with a matrix; that of {graph.name!r} "
            f"enters {op.name}, of kind {op.type}. GANSpace does without."
        )
    held = op.inputs[1]
    while held.op.type == "Identity":
        held = held.op.inputs[0]
    if held.op.type != "Const":
        raise UsageError(
            f"SeFa needs a first layer of fixed weights; those of {op.name} in {graph.name!r} are "
            "computed. GANSpace does without."
        )
    weights = tf.make_ndarray(held.op.get_attr("value"))
    return FirstLayer(weights.T if op.get_attr("transpose_b") else weights, op.name)


def first_activation(graph: Graph) -> str | None:
    """The first activation function (ReLU, tanh, ...) that all of the code reaches, or None.

    First in the order of execution; a generator without hidden layers has none but for the image.
    Of a code whose parts enter one by one, the first that depends on every part.
    """
    image = graph.outputs["image"]
    parts = [x for op in readers(graph, graph.inputs[code_input(graph)]) for x in op.outputs]
    found = [{tensor.op.name for tensor in dependants(part, [image]).values()} for part in parts]
    reached = set.intersection(*found) if found else set()
    for node in graph.graph_def.node:
        if node.op in ACTIVATIONS and node.name in reached and node.name != image.op.name:
            return node.name
    return None


def readers(graph: Graph, z: Any) -> list[Any]:
    """Operations that compute with the code itself, on the way to the image."""
    between = dependants(z, [graph.outputs["image"]])
    found, waiting = [], [z]
    while waiting:
        for op in waiting.pop().consumers():
            if not any(output.ref() in between for output in op.outputs):
                continue
            if op.type in _PASSING:
                waiting.append(op.outputs[0])
            else:
                found.append(op)
    return found
