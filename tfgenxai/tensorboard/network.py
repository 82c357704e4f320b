"""A model's signatures as one graph for TensorBoard's Graphs page, without the weights' values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgenxai.graph import Graph

# Elements of a constant whose values are kept: shapes, axes and factors.
_SMALL = 16


def network(graphs: Mapping[str, Graph]) -> tf.Graph:
    """Every graph beneath a scope of its name.

    The page shows a constant's shape, not its values; with them, a log would be as large as the
    model and the page slow to open.
    """
    import tensorflow as tf

    whole = tf.Graph()
    with whole.as_default():
        for name, graph in graphs.items():
            tf.graph_util.import_graph_def(_without_values(graph.graph_def), name=name)
    return whole


def _without_values(graph_def: Any) -> Any:
    """The same nodes; large constants keep type and shape, and read as zeros."""
    import tensorflow as tf

    light = type(graph_def)()
    light.CopyFrom(graph_def)
    for node in light.node:
        if node.op != "Const":
            continue
        tensor = node.attr["value"].tensor
        shape = tf.TensorShape(tensor.tensor_shape)
        if shape.num_elements() > _SMALL and tensor.dtype != tf.string.as_datatype_enum:
            kept = type(tensor)(dtype=tensor.dtype, tensor_shape=tensor.tensor_shape)
            tensor.CopyFrom(kept)
    return light
