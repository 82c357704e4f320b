"""How nodes name each other's outputs, in a GraphDef and in a FunctionDef.

A GraphDef says ``node``, ``node:1`` or ``^node``; a function body says ``argument``,
``node:output_name:1`` or ``^node``. Both are read here into (node, output index).
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Mapping
from typing import Any

from tfgenxai.errors import TfgenxaiError

Ref = tuple[str, int]


def parse(ref: str) -> Ref:
    """The (node, output index) of a GraphDef reference such as ``node`` or ``node:1``."""
    name, _, index = ref.partition(":")
    return name, int(index or 0)


def text(ref: Ref) -> str:
    """The GraphDef spelling of a reference; output 0 is the bare node name."""
    name, index = ref
    return f"{name}:{index}" if index else name


def is_control(ref: str) -> bool:
    """Whether a node input is a control edge, which carries no value."""
    return ref.startswith("^")


def output_slots(node: Any, library: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The (first index, count) of each named output of a node, in order.

    ``library`` maps function names to FunctionDefs, for nodes that call one by name.

    Raises:
        TfgenxaiError: the operation is not known to this TensorFlow.
    """
    from tensorflow.python.framework import op_def_registry

    known = library.get(node.op)
    op_def = known.signature if known is not None else op_def_registry.get(node.op)
    if op_def is None:
        raise TfgenxaiError(
            f"The operation {node.op!r} (node {node.name!r}) is not part of this TensorFlow. "
            "Load the library that registers it before the model."
        )
    slots, start = {}, 0
    for output in op_def.output_arg:
        if output.number_attr:
            count = node.attr[output.number_attr].i
        elif output.type_list_attr:
            count = len(node.attr[output.type_list_attr].list.type)
        else:
            count = 1
        slots[output.name] = (start, count)
        start += count
    return slots


def needed(
    nodes: Mapping[str, Any],
    wanted: Iterable[Ref],
    stop: Container[str] = (),
) -> set[str]:
    """Names of the nodes that the wanted outputs depend on.

    The walk includes the names in ``stop`` but does not pass them, ends at names that are
    not among ``nodes`` (arguments of a function), and does not follow control edges.
    """
    found: set[str] = set()
    stack = [name for name, _ in wanted]
    while stack:
        name = stack.pop()
        if name in found or name not in nodes:
            continue
        found.add(name)
        if name not in stop:
            stack += [parse(ref)[0] for ref in nodes[name].input if not is_control(ref)]
    return found


def in_order(nodes: Mapping[str, Any]) -> list[str]:
    """Node names so that each follows the nodes that it reads, otherwise as given."""
    place = {name: i for i, name in enumerate(nodes)}
    waiting = {
        name: {r.partition(":")[0] for r in node.input if not is_control(r)} & nodes.keys()
        for name, node in nodes.items()
    }
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, sources in waiting.items():
        for source in sources:
            readers[source].append(name)
    ready = [(place[name], name) for name, sources in waiting.items() if not sources]
    order: list[str] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(name)
        for reader in readers[name]:
            waiting[reader].discard(name)
            if not waiting[reader]:
                heapq.heappush(ready, (place[reader], reader))
    return order


def flat_body(
    function: Any, library: Mapping[str, Any]
) -> tuple[list[str], dict[str, Any], list[Ref]]:
    """A function's argument names, its nodes with GraphDef references, and what it returns."""
    arguments = [argument.name for argument in function.signature.input_arg]
    slots = {node.name: output_slots(node, library) for node in function.node_def}

    def flat(ref: str) -> Ref:
        name, _, rest = ref.partition(":")
        if name not in slots:
            return (name, 0)
        output, _, offset = rest.partition(":")
        return (name, slots[name][output][0] + int(offset or 0))

    nodes = {}
    for node in function.node_def:
        copy = type(node)()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(r if is_control(r) else text(flat(r)) for r in node.input)
        nodes[node.name] = copy
    return arguments, nodes, [flat(function.ret[o.name]) for o in function.signature.output_arg]


def full(ref: str) -> str:
    """A GraphDef reference as TensorFlow names tensors: always with the output index."""
    return ref if ":" in ref else ref + ":0"
