"""Where scores come from and where a map goes: walks over the operations around a Softmax."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"})
#: What may stand between a product and the Softmax: scaling, masks, position biases, casts.
_ON_SCORES = frozenset(
    {"Identity", "Cast", "Mul", "RealDiv", "Add", "AddV2", "Sub", "BiasAdd", "SelectV2"}
)
_MEASURES = frozenset({"Shape", "ShapeN", "Size", "Rank"})
_CONSTANT_THROUGH = frozenset({"Identity", "Cast", "Reshape", "ReadVariableOp"})


class Product(NamedTuple):
    """The product that gives scores: rows belong to queries, columns to keys."""

    op: tf.Operation
    queries: tf.Tensor
    keys: tf.Tensor


class Trace:
    """A graph's operations, with the knowledge of which carry the inputs' values."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        sources = {tensor.op.name for tensor in (*graph.inputs.values(), *graph.random)}
        self._moving = set(sources)
        self.ops = graph.graph.get_operations()
        for op in self.ops:
            if op.type not in _MEASURES and any(t.op.name in self._moving for t in op.inputs):
                self._moving.add(op.name)

    def moving(self, tensor: tf.Tensor) -> bool:
        """Whether the tensor's value depends on the values of the inputs."""
        return tensor.op.name in self._moving

    def sources(self, op: tf.Operation) -> list[tf.Tensor]:
        """The arguments of an operation that depend on the inputs."""
        return [tensor for tensor in op.inputs if self.moving(tensor)]

    def readers(self, tensor: tf.Tensor) -> list[tf.Operation]:
        """The operations that read the tensor's values, not only its shape."""
        return [op for op in tensor.consumers() if op.type not in _MEASURES]

    def upstream(self, tensor: tf.Tensor) -> Iterator[tf.Tensor]:
        """The tensor and all that it depends on and that moves, the nearest first."""
        seen, waiting = {tensor.ref()}, deque([tensor])
        while waiting:
            found = waiting.popleft()
            yield found
            for source in self.sources(found.op):
                if source.ref() not in seen:
                    seen.add(source.ref())
                    waiting.append(source)

    def product_above(self, scores: tf.Tensor) -> Product | None:
        """The product of two moving tensors that gives the scores, if there is one."""
        seen, waiting = {scores.ref()}, deque([(scores, False)])
        while waiting:
            tensor, turned = waiting.popleft()
            op = tensor.op
            if op.type in PRODUCTS:
                found = self._product(op, turned)
                if found is not None:
                    return found
                continue
            if op.type == "Transpose" and self._swaps(op):
                turned = not turned
            elif op.type not in _ON_SCORES:
                continue
            for source in self.sources(op):
                if source.ref() not in seen:
                    seen.add(source.ref())
                    waiting.append((source, turned))
        return None

    def product_below(self, weights: tf.Tensor) -> tf.Operation | None:
        """The product with another moving tensor that an attention map goes into."""
        waiting = deque([weights])
        while waiting:
            for op in self.readers(waiting.popleft()):
                if op.type in PRODUCTS and len(self.sources(op)) == 2:
                    return op
                if op.type in _ON_SCORES or (op.type == "Transpose" and self._swaps(op)):
                    waiting.append(op.outputs[0])
        return None

    def constant(self, tensor: tf.Tensor) -> str | None:
        """The name of the variable's constant that a tensor is, perhaps cast or reshaped."""
        while tensor.op.type in _CONSTANT_THROUGH and tensor.op.name not in self.graph.variables:
            tensor = tensor.op.inputs[0]
        return tensor.op.name if tensor.op.name in self.graph.variables else None

    def _product(self, op: tf.Operation, turned: bool) -> Product | None:
        if len(self.sources(op)) != 2:
            return None
        rows, columns = op.inputs
        if op.type == "Einsum":
            left, _, right = op.get_attr("equation").decode().partition("->")
            first, _, second = left.partition(",")
            if right[-2] in second and right[-1] in first:
                rows, columns, first, second = columns, rows, second, first
            if right[-2] not in first or right[-1] not in second or right[-2] in second:
                return None
        return Product(op, columns, rows) if turned else Product(op, rows, columns)

    def _swaps(self, op: tf.Operation) -> bool:
        """Whether a transposition does nothing but swap the last two axes."""
        order = tf.get_static_value(op.inputs[1])
        if order is None:
            return False
        last = len(order) - 1
        return list(order) == [*range(last - 1), last, last - 1]
