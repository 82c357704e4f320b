"""What follows a layer: the layer's output becomes an input, beside those that are still needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tfgenxai.errors import UsageError
from tfgenxai.graph import refs
from tfgenxai.graph.sources import Source


def following(source: Source, layer: str, tensor: Any) -> Source:
    """The part of `source` that makes its outputs of `tensor`, and of inputs that pass it by.

    Args:
        layer: what the new input is called.
        tensor: what the layer gives.

    Raises:
        UsageError: no output depends on the layer, or the layer is an input.
    """
    node = tensor.op.name
    nodes = {each.name: each for each in source.frozen.graph_def.node}
    wanted = [refs.parse(output) for output in source.frozen.outputs]
    keep = set(refs.needed(nodes, wanted, stop=(node,)))
    if node in source.inputs.values() or len(tensor.op.outputs) > 1 or node not in keep:
        raise UsageError(
            f"{layer!r} of {source.name!r} cannot become an input: name a layer between its inputs "
            "and outputs."
        )
    graph_def = type(source.frozen.graph_def)()
    graph_def.versions.CopyFrom(source.frozen.graph_def.versions)
    graph_def.library.CopyFrom(source.frozen.graph_def.library)
    for each in source.frozen.graph_def.node:
        if each.name not in keep:
            continue
        added = graph_def.node.add()
        if each.name != node:
            added.CopyFrom(each)
            continue
        added.name, added.op = node, "Placeholder"
        added.attr["dtype"].type = tensor.dtype.as_datatype_enum
        added.attr["shape"].shape.CopyFrom(tensor.shape.as_proto())
    left = {name: given for name, given in source.inputs.items() if given in keep}
    variables = {c: v for c, v in source.frozen.variables.items() if c in keep}
    frozen = replace(source.frozen, graph_def=graph_def, variables=variables)
    return replace(source, frozen=frozen, inputs={**left, layer: node})
