"""The layers of a frozen graph, read from the graph alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfgenxai.graph import kinds, refs
from tfgenxai.graph.scopes import Group, Scopes, short_names

_MEASURES = frozenset({"Shape", "ShapeN", "Size", "Rank"})


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: what ``graph[name]`` takes.
        kind: ``Conv2D``, ``Dense``, ``LeakyReLU``, ...; for a layer that Keras has no word for,
            the operation that it ends with.
        output_shape: sizes, None where free; None if TensorFlow cannot tell it.
        parameters: number of weights, trained or not.
        node: the tensor that leaves the layer, as ``node`` or ``node:1``: after the bias, and
            after an activation that is part of the layer.
        path: the layer's place in the model, as ``encoder/encoder_conv_0``.
        nodes: names of all its operations.
        variables: names of the constants that hold its weights; see ``Graph.value``.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...] | None
    parameters: int
    node: str
    path: str = field(repr=False)
    nodes: tuple[str, ...] = field(repr=False)
    variables: tuple[str, ...] = field(repr=False)


class LayerTable(tuple[Layer, ...]):
    """The layers in the order of execution; ``str`` gives a table, ``table["name"]`` one layer."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for layer in self:
                if layer.name == key:
                    return layer
            raise KeyError(key)
        return super().__getitem__(key)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers."""
        return tuple(layer.name for layer in self)

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Name, kind, output shape and number of parameters of each layer, as text."""
        for layer in self:
            shape = "?" if layer.output_shape is None else str(layer.output_shape)
            yield layer.name, layer.kind, shape, f"{layer.parameters:,}"

    def __str__(self) -> str:
        rows = [("name", "kind", "output shape", "parameters"), *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in rows
        ]
        return "\n".join(lines)


def read(
    graph: Any, graph_def: Any, outputs: list[str], variables: Mapping[str, str]
) -> LayerTable:
    """The layers of a frozen graph.

    Args:
        graph: the ``tf.Graph``, which knows the shapes.
        graph_def: the same graph as a protocol buffer, in the order of execution.
        outputs: references to the graph's outputs.
        variables: name of a constant -> name of the variable that it was.
    """
    nodes = {node.name: node for node in graph_def.node}
    data = _data_nodes(nodes)
    groups = Scopes(nodes, data, variables).groups()
    readers: dict[str, set[str]] = {name: set() for name in nodes}
    for name, node in nodes.items():
        for ref in node.input:
            readers[refs.parse(ref)[0]].add(name)
    for ref in outputs:
        readers[refs.parse(ref)[0]].add("")
    layers = []
    for group, name in zip(groups, short_names(groups), strict=True):
        layer = _layer(graph, nodes, data, readers, group, name)
        layers.append((list(nodes).index(refs.parse(layer.node)[0]), layer))
    return LayerTable(layer for _, layer in sorted(layers, key=lambda pair: pair[0]))


def _data_nodes(nodes: Mapping[str, Any]) -> dict[str, None]:
    """The nodes through which values of inputs or random numbers flow, not only their shapes."""
    found: dict[str, None] = {}
    inputs: set[str] = set()
    for name, node in nodes.items():
        if node.op == "Placeholder":
            inputs.add(name)
        elif node.op not in _MEASURES:
            sources = {r.partition(":")[0] for r in node.input}
            if kinds.is_random(node.op) or not (found.keys() | inputs).isdisjoint(sources):
                found[name] = None
    return found


def _layer(
    graph: Any,
    nodes: Mapping[str, Any],
    data: Mapping[str, None],
    readers: Mapping[str, set[str]],
    group: Group,
    name: str,
) -> Layer:
    inside = set(group.nodes)
    through = [n for n in group.nodes if n in data]
    leaving = [n for n in through if readers[n] - inside] or through
    output = graph.get_operation_by_name(leaving[-1]).outputs[0]
    entering = [
        graph.get_tensor_by_name(refs.full(ref))
        for n in through
        for ref in nodes[n].input
        if ref.partition(":")[0] not in inside and nodes[ref.partition(":")[0]].op != "Const"
    ]
    shape = None if output.shape.rank is None else tuple(output.shape.as_list())
    weights = tuple(constant for constant in group.variables if _is_float(nodes[constant]))
    sizes = {group.variables[weight]: math.prod(_dims(nodes[weight])) for weight in weights}
    kind = kinds.of(
        [nodes[n].op for n in through],
        {variable.rpartition("/")[2] for variable in group.variables.values()},
        entering[0].shape.rank if entering else None,
        output.shape.rank,
    )
    node = output.name.removesuffix(":0")
    count = sum(sizes.values())
    return Layer(name, kind, shape, count, node, group.path, tuple(group.nodes), weights)


def _dims(constant: Any) -> list[int]:
    return [dim.size for dim in constant.attr["value"].tensor.tensor_shape.dim]


def _is_float(constant: Any) -> bool:
    import tensorflow as tf

    return tf.as_dtype(constant.attr["dtype"].type).is_floating
