"""Self-attention found in a frozen graph by its structure, whatever its layers are called.

A Softmax over the last axis of scores (N, Q, K), or (N, heads, Q, K), that are a product of two
tensors which both depend on the input, and whose output is multiplied by a third: softmax(QK')V
(Vaswani et al. 2017, eq. 1; Zhang et al. 2019, eq. 1 and 2).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from tfgenxai.attention.grids import Grid, grid_after, grid_before, square
from tfgenxai.attention.trace import Trace
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.graph.scopes import without_number

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

# From the mixed values to the sum with what came in: reshapes, projections, the gain.
_ON_THE_WAY = frozenset(
    {
        "Identity",
        "Cast",
        "Reshape",
        "Transpose",
        "Squeeze",
        "ExpandDims",
        "Conv2D",
        "MatMul",
        "BatchMatMulV2",
        "BatchMatMulV3",
        "Einsum",
        "BiasAdd",
        "Mul",
        "Add",
        "AddV2",
    }
)
_SUMS = frozenset({"Add", "AddV2"})


@dataclass(frozen=True)
class AttentionLayer:
    """One self-attention of a graph; tensors are names that `graph[...]` takes.

    Attributes:
        name: the layer that holds the Softmax, or else the Softmax itself.
        map: the attention map (N, Q, K), or (N, heads, Q, K); rows sum to 1.
        heads: 1 for a map without an axis of heads.
        queries, keys: the tensors whose product the scores are.
        count: Q and K.
        query_grid: (H, W) of the queries, in the order of row * W + column; None if not known.
        key_grid: (h, w) of the keys, fewer where they are pooled.
        block_input, block_output: x and x + f(x), of the block that the attention is part of; None
            where nothing is added to what came in.
        gain: constant of the learnt number that f(x) is multiplied by, or None. At 0, its value
            before training, the attention does nothing whatever its map shows.
        query_weights, key_weights: constants of the weights of queries and keys.
    """

    name: str
    map: str
    heads: int
    queries: str
    keys: str
    count: tuple[int, int]
    query_grid: Grid | None
    key_grid: Grid | None
    block_input: str | None
    block_output: str | None
    gain: str | None
    query_weights: tuple[str, ...]
    key_weights: tuple[str, ...]


def find_attention(graph: Graph) -> tuple[AttentionLayer, ...]:
    """All self-attention of a graph, in the order of execution; none is no error."""
    trace = Trace(graph)
    layers = {node: layer.name for layer in graph.layers for node in layer.nodes}
    found = []
    for op in trace.ops:
        if op.type == "Softmax" and trace.moving(op.outputs[0]):
            layer = _read(trace, op.outputs[0], layers)
            if layer is not None:
                found.append(layer)
    return tuple(found)


def attention_layer(graph: Graph, name: str | None = None) -> AttentionLayer:
    """The self-attention of that name; without a name, the last one of the graph.

    Args:
        name: the layer that holds the map, the beginning of its name, a scope around it, or the
            map's node.

    Raises:
        LayerNotFoundError: there is none, or none or several of that name.
    """
    found = find_attention(graph)
    if not found:
        raise LayerNotFoundError(
            f"The graph {graph.name!r} has no self-attention: no Softmax over the last axis of a "
            "product of two feature maps, multiplied by a third."
        )
    if name is None:
        return found[-1]
    exact = [layer for layer in found if name in (layer.name, layer.map)]
    near = exact or [
        layer for layer in found if layer.name.startswith(name) or name in _scopes(layer)
    ]
    if len(near) == 1:
        return near[0]
    known = [layer.name for layer in found]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close and not near else ""
    raise LayerNotFoundError(
        f"{name!r} is {'several' if near else 'no'} self-attention of the graph {graph.name!r}; "
        f"there are {', '.join(map(repr, known))}.{hint}"
    )


def _read(trace: Trace, weights: tf.Tensor, layers: dict[str, str]) -> AttentionLayer | None:
    """The layer whose map is `weights`, if it is self-attention of fixed sizes."""
    shape = weights.shape
    if shape.rank not in (3, 4) or None in shape[1:]:
        return None
    scores = trace.product_above(weights.op.inputs[0])
    mix = trace.product_below(weights)
    if scores is None or mix is None:
        return None
    queries, keys = shape[-2:]
    query_grid = (
        grid_before(trace, scores.queries, queries)
        or grid_after(trace, mix.outputs[0], queries)
        or square(queries)
    )
    key_grid = grid_before(trace, scores.keys, keys) or (
        query_grid if keys == queries else square(keys)
    )
    source = _common(trace, scores.queries, scores.keys)
    block = _block(trace, mix, scores.queries)
    return AttentionLayer(
        name=layers.get(weights.op.name, weights.op.name),
        map=weights.name,
        heads=shape[1] if shape.rank == 4 else 1,
        queries=scores.queries.name,
        keys=scores.keys.name,
        count=(queries, keys),
        query_grid=query_grid,
        key_grid=key_grid,
        block_input=block[0],
        block_output=block[1],
        gain=block[2],
        query_weights=_weights(trace, scores.queries, source),
        key_weights=_weights(trace, scores.keys, source),
    )


def _common(trace: Trace, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor | None:
    """The nearest tensor that both queries and keys are made of."""
    below = {tensor.ref() for tensor in trace.upstream(keys)}
    return next((t for t in trace.upstream(queries) if t.ref() in below), None)


def _weights(trace: Trace, tensor: tf.Tensor, source: tf.Tensor | None) -> tuple[str, ...]:
    """Constants of the weights between `source` and the tensor."""
    stop = None if source is None else source.ref()
    found: dict[str, None] = {}
    seen, waiting = set(), [tensor]
    while waiting:
        each = waiting.pop()
        if each.ref() == stop or each.ref() in seen:
            continue
        seen.add(each.ref())
        for argument in each.op.inputs:
            if trace.moving(argument):
                waiting.append(argument)
            elif (name := trace.constant(argument)) is not None:
                found[name] = None
    return tuple(found)


def _block(
    trace: Trace, mix: tf.Operation, queries: tf.Tensor
) -> tuple[str | None, str | None, str | None]:
    """What comes in, what goes out, and the gain, of the sum that the mixed values end in."""
    before = {tensor.ref() for tensor in trace.upstream(queries)}
    tensor, gain = mix.outputs[0], None
    while True:
        readers = trace.readers(tensor)
        if len(readers) != 1 or readers[0].type not in _ON_THE_WAY:
            return None, None, None
        (op,) = readers
        others = [t for t in op.inputs if t.ref() != tensor.ref()]
        if op.type in _SUMS and len(trace.sources(op)) == 2:
            if not others or others[0].ref() not in before:
                return None, None, None
            return others[0].name, op.outputs[0].name, gain
        if op.type == "Mul" and others[0].shape.num_elements() == 1:
            gain = trace.constant(others[0]) or gain
        tensor = op.outputs[0]


def _scopes(layer: AttentionLayer) -> set[str]:
    """The names of the scopes around a map, less the numbers that TensorFlow appends."""
    return {without_number(part) for part in layer.map.split("/")[:-1]}
