"""A graph for some inputs only: one is held at a value, or sizes that were free become known.

A network that takes images or words of any size asks for the size of what it got, computes other
sizes of it and reshapes. Once the size is known, so are these: they become constants, and every
tensor has a shape that is known but for the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.graph import refs
from tfgenxai.graph.bindings import INT32
from tfgenxai.graph.sources import Source

_SIZES = ("Shape", "ShapeN", "Size", "Rank")
_BATCHES = (2, 3)


def specialised(
    source: Source,
    tensors: Mapping[str, Any],
    held: Mapping[str, Any],
    sizes: Mapping[str, Sequence[int]],
) -> Source:
    """`source` with inputs `held` at a value, and others of known `sizes`.

    Args:
        tensors: name of an input -> its symbolic tensor.
        held: name of an input -> its value for one sample, without the batch.
        sizes: name of an input -> its shape without the batch.

    Raises:
        LayerNotFoundError: there is no such input.
        UsageError: no input would be left to tell the batch.
        InvalidInputError: a value or a size does not fit the input.
    """
    for name in (*held, *sizes):
        if name not in tensors:
            known = ", ".join(map(repr, tensors))
            raise LayerNotFoundError(
                f"The graph {source.name!r} has no input {name!r}; it has {known}."
            )
    left = {name: node for name, node in source.inputs.items() if name not in held}
    if not left:
        raise UsageError(
            f"All inputs of {source.name!r} would be held; at least one has to be left."
        )
    graph = _imported(source, tensors, left, held, sizes)
    graph_def = graph.as_graph_def()
    if not source.captured:
        feeds = {
            node: np.zeros((1, *graph.get_tensor_by_name(f"{node}:0").shape[1:]))
            for node in left.values()
            if None not in graph.get_tensor_by_name(f"{node}:0").shape[1:]
        }
        if len(feeds) == len(left):
            _fold(graph, graph_def, feeds)
    wanted = [refs.parse(output) for output in source.frozen.outputs]
    nodes = {node.name: node for node in graph_def.node}
    keep = {*refs.needed(nodes, wanted, stop=()), *left.values()}
    pruned = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    pruned.node.extend(node for node in graph_def.node if node.name in keep)
    variables = {c: v for c, v in source.frozen.variables.items() if c in keep}
    frozen = replace(source.frozen, graph_def=pruned, variables=variables)
    return replace(source, frozen=frozen, inputs=left)


def _imported(
    source: Source,
    tensors: Mapping[str, Any],
    left: Mapping[str, str],
    held: Mapping[str, Any],
    sizes: Mapping[str, Sequence[int]],
) -> Any:
    """A tf.Graph of the same nodes, its inputs replaced; TensorFlow infers the shapes anew."""
    import tensorflow as tf

    graph_def = type(source.frozen.graph_def)()
    graph_def.CopyFrom(source.frozen.graph_def)
    inputs = set(source.inputs.values())
    kept = [node for node in graph_def.node if node.name not in inputs]
    for node in kept:
        node.attr.pop("_output_shapes", None)
    rest = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    rest.node.extend(kept)
    with tf.Graph().as_default() as graph:
        new = {}
        for name, node in left.items():
            shape = _shape(name, tensors[name], sizes.get(name))
            new[name] = tf.compat.v1.placeholder(tensors[name].dtype, shape, name=node)
        batch = tf.shape(next(iter(new.values())))[:1]
        for name, value in held.items():
            constant = _value(name, tensors[name], value)
            whole = tf.concat([batch, tf.constant(constant.shape, tf.int32)], axis=0)
            new[name] = tf.broadcast_to(tf.constant(constant[np.newaxis]), whole)
        used = {refs.full(source.inputs[name]): tensor for name, tensor in new.items()}
        asked = {refs.full(ref) for node in kept for ref in node.input}
        tf.graph_util.import_graph_def(
            rest, input_map={k: v for k, v in used.items() if k in asked}, name=""
        )
    return graph


def _shape(name: str, tensor: Any, sizes: Sequence[int] | None) -> Any:
    """The shape of an input, with `sizes` where they are given."""
    if sizes is None:
        return tensor.shape
    shape = (None, *sizes)
    if not tensor.shape.is_compatible_with(shape):
        raise InvalidInputError(
            f"The input {name!r} is {tensor.shape}, which {shape} does not fit."
        )
    return shape


def _value(name: str, tensor: Any, value: Any) -> np.ndarray:
    """A held value as an array of the input's type."""
    constant = np.asarray(value, tensor.dtype.as_numpy_dtype)
    if not tensor.shape[1:].is_compatible_with(constant.shape):
        raise InvalidInputError(
            f"The input {name!r} takes {tensor.shape[1:]} a sample; it was given {constant.shape}."
        )
    return constant


def _fold(graph: Any, graph_def: Any, feeds: Mapping[str, np.ndarray]) -> None:
    """Makes constants of all sizes that are the same for batches of any size.

    They are computed for batches of two sizes. What differs is the batch's; where it is one number
    of a shape to reshape to, -1 stands for it.
    """
    import tensorflow as tf

    nodes = {node.name: node for node in graph_def.node}
    computed = _computed_sizes(graph, nodes)
    reshapes = [
        name
        for name, node in nodes.items()
        if node.op == "Reshape" and nodes[refs.parse(node.input[1])[0]].op != "Const"
    ]
    with graph.as_default():
        shapes = [tf.shape(graph.get_tensor_by_name(f"{name}:0")) for name in reshapes]
    asked = [*(refs.full(refs.text(ref)) for ref in computed), *shapes]
    found = []
    with tf.compat.v1.Session(graph=graph) as session:
        for batch in _BATCHES:
            fed = {f"{node}:0": np.repeat(value, batch, axis=0) for node, value in feeds.items()}
            found.append(session.run(asked, fed))
    both = list(zip(*found, strict=True))
    known = {
        ref: one
        for ref, (one, other) in zip(computed, both, strict=False)
        if np.array_equal(one, other)
    }
    constants = {f"{_name(ref)}/known": value for ref, value in known.items()}
    for node in nodes.values():
        for i, text in enumerate(node.input):
            if not refs.is_control(text) and refs.parse(text) in known:
                node.input[i] = f"{_name(refs.parse(text))}/known"
    for name, (one, other) in zip(reshapes, both[len(computed) :], strict=True):
        if np.sum(one != other) <= 1:
            constants[f"{name}/known_shape"] = np.where(one == other, one, -1).astype(np.int32)
            nodes[name].input[1] = f"{name}/known_shape"
            nodes[name].attr["Tshape"].type = INT32
    _prepend(graph_def, constants)


def _name(ref: refs.Ref) -> str:
    """A reference as part of a node's name."""
    return refs.text(ref).replace(":", "_")


def _prepend(graph_def: Any, constants: Mapping[str, np.ndarray]) -> None:
    """Adds constants before all nodes, which are in the order of execution."""
    import tensorflow as tf

    nodes = list(graph_def.node)
    added = type(graph_def)()
    for name, value in constants.items():
        tensor = tf.make_tensor_proto(value)
        node = added.node.add(name=name, op="Const")
        node.attr["dtype"].type = tensor.dtype
        node.attr["value"].tensor.CopyFrom(tensor)
    added.node.extend(nodes)
    del graph_def.node[:]
    graph_def.node.extend(added.node)


def _computed_sizes(graph: Any, nodes: Mapping[str, Any]) -> list[refs.Ref]:
    """Integers that depend on sizes and constants alone, in the order of execution."""
    of_sizes: dict[str, bool] = {}
    for name, node in nodes.items():
        sources = [refs.parse(ref)[0] for ref in node.input]
        if node.op in _SIZES:
            of_sizes[name] = True
        elif node.op == "Const":
            continue
        else:
            inner = [source for source in sources if nodes[source].op != "Const"]
            of_sizes[name] = bool(inner) and all(of_sizes.get(source, False) for source in inner)
    return [
        refs.parse(tensor.name)
        for name, computed in of_sizes.items()
        if computed
        for tensor in graph.get_operation_by_name(name).outputs
        if tensor.dtype.is_integer and tensor.shape.rank in (0, 1)
    ]
