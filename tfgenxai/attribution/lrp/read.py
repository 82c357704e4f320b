"""Reads a `Network` from a frozen graph: the walk over its operations.

What an operation of each type means is in `operations`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import fold
from tfgenxai.attribution.lrp.network import Network, Step
from tfgenxai.attribution.lrp.operations import OPERATIONS
from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError
from tfgenxai.explained import sample_shape, upstream

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

# Samples of the batch that shows the shapes; odd, so that it is not taken for another length.
_SAMPLES = 3
# How far the graph's own values may be off, by the coarsest type that it computes in.
_TOLERANCE = {tf.bfloat16: 0.05, tf.float16: 0.01}
_SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"})


def read(graph: Graph, source: tf.Tensor, target: tf.Tensor) -> Network:
    """The steps that lead from one tensor of the graph to another.

    Constants are evaluated; biases and batch normalisations become part of the kernel before
    them. What does not depend on the source becomes a constant or a side input. The steps are
    run once, and compared with the graph.

    Raises:
        UsageError: the target does not depend on the source; or there is an operation between
            them that LRP has no rule for, or a batch whose samples are not kept apart.
    """
    if target.ref() not in _moving(source, target):
        raise UsageError(f"{target.name!r} does not depend on {source.name!r}.")
    reader = Reader(graph, source, target)
    with closing(reader.session):
        network = reader.network()
        reader.compare(network)
    return network


def _moving(source: tf.Tensor, target: tf.Tensor) -> dict[object, tf.Tensor]:
    """The tensors through which values, not only shapes, get from the source to the target."""
    measures = [t for t in upstream([target], [source]) if t.op.type in _SHAPE_ONLY]
    before = {tensor.ref() for tensor in upstream([target], [source, *measures])}
    between = dependants(source, [target])
    return {ref: tensor for ref, tensor in between.items() if ref in before}


class Reader:
    """The state of one walk; operations are translated by calling its methods."""

    def __init__(self, graph: Graph, source: tf.Tensor, target: tf.Tensor) -> None:
        self.graph, self.source, self.target = graph, source, target
        self.moving = _moving(source, target)
        self.layers = {node: layer.name for layer in graph.layers for node in layer.nodes}
        found = {t.op.name for t in self.moving.values() if t.ref() != source.ref()}
        # In the order of execution.
        self.operations = [op for op in graph.graph.get_operations() if op.name in found]
        for op in self.operations:
            if op.type not in OPERATIONS:
                self.refuse(op)
        readings = [tensor.ref() for op in self.operations for tensor in op.inputs]
        self.consumers = Counter([*readings, target.ref()])
        self.session = tf.compat.v1.Session(graph=graph.graph)
        self.count = source.shape[0] or _SAMPLES
        self.fed = self._sample()
        tensors = list(self.moving.values())
        values = self.session.run(tensors, self.fed)
        self.runtime = {t.ref(): v.shape for t, v in zip(tensors, values, strict=True)}
        self.steps: list[Step] = []
        self.shapes = [sample_shape(source)]
        self.places = {source.ref(): 0}
        # Whether nothing but the latest tensor at a place reads the value there.
        self.sole = [False]
        # Tensors of a dilated convolution whose pixels are in the batch; see `operations.kernels`.
        self.spread: dict[object, Any] = {}

    def network(self) -> Network:
        """The result of the walk."""
        for op in self.operations:
            OPERATIONS[op.type](self, op)
        if self.target.ref() not in self.places:
            self.refuse(self.target.op)
        # Whatever is last has been made for the target, but for an alias of an earlier value.
        place = self.places[self.target.ref()]
        network = Network(
            tuple(self.steps[:place]),
            tuple(self.shapes[: place + 1]),
            self.source.name,
            self.target.name,
        )
        reached = network.reached
        for step in network.steps:
            if step.output not in reached:
                continue
            is_softmax = step.options.get("name") in ("softmax", "log_softmax")
            if is_softmax and step.inputs[0] != network.logits:
                self._refuse(step.op, step.layer, "is not the last")
            if step.kind == "product" and step.options["held"] is None:
                self._refuse(step.op, step.layer, "multiplies two computed values")
        return network

    def compare(self, network: Network) -> None:
        """Refuses a network that does not compute what the graph does."""
        tensors = [self.graph.graph.get_tensor_by_name(name) for name in network.sides]
        expected, *sides = self.session.run([self.target, *tensors], self.fed)
        x = self.fed[self.source]
        x = tf.constant(x, tf.float64 if x.dtype == np.float64 else tf.float32)
        found = network.forward(x, dict(zip(network.sides, sides, strict=True))).numpy()
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        types = {tensor.dtype for tensor in self.moving.values()}
        allowed = scale * max(_TOLERANCE.get(dtype, 1e-4) for dtype in types)
        if found.shape != expected.shape or np.abs(found - expected).max(initial=0) > allowed:
            raise UsageError(
                f"LRP reads something else from this graph than it computes between "
                f"{self.source.name!r} and {self.target.name!r}; use another method."
            )

    # -- what translations ask ------------------------------------------------------------------

    def is_moving(self, tensor: tf.Tensor) -> bool:
        """Whether the tensor depends on the source."""
        return tensor.ref() in self.moving

    def place(self, tensor: tf.Tensor) -> int:
        """Where the value of a tensor is; a constant or a side input gets a place now."""
        if tensor.ref() in self.spread:
            self.refuse(tensor.op)
        if not self.is_moving(tensor):
            self._enter(tensor)
        return self.places[tensor.ref()]

    def shape(self, tensor: tf.Tensor) -> tuple[int, ...]:
        """Shape of a sample, at the tensor's place."""
        return self.shapes[self.place(tensor)]

    def sample(self, tensor: tf.Tensor) -> tuple[int, ...]:
        """Shape of a sample, from the tensor's own shape, which must keep samples apart."""
        shape = self.runtime[tensor.ref()]
        if not shape or shape[0] != self.count:
            self.refuse(tensor.op, "mixes the samples of a batch")
        return tuple(shape[1:])

    def aligned(self, op: tf.Operation, tensor: tf.Tensor) -> tuple[int, ...]:
        """Shape of a sample of a tensor whose axes are those of its place."""
        shape = self.sample(tensor) if self.is_moving(tensor) else self.shape(tensor)
        if shape != self.shape(tensor):
            self.refuse(op, "mixes the samples of a batch")
        return shape

    def is_fixed(self, tensor: tf.Tensor) -> bool:
        """Whether the value is the same whatever goes into the graph, but for the batch size."""
        return not self._depends(tensor)

    def value(self, op: tf.Operation, tensor: tf.Tensor) -> np.ndarray:
        """The value of a constant, as `op` reads it."""
        if self.is_moving(tensor) or not self.is_fixed(tensor):
            self.refuse(op, "reads a value that is computed from an input")
        return self._run(tensor)

    def sample_value(self, op: tf.Operation, tensor: tf.Tensor) -> np.ndarray:
        """The value of a constant as it broadcasts to one sample of the result of `op`."""
        value = self.value(op, tensor)
        if value.ndim < len(self.runtime[op.outputs[0].ref()]):
            return value
        if value.shape[0] > 1 and (value[:1] != value).any():
            self.refuse(op, "treats the samples of a batch differently")
        return value[0]

    # -- what translations do -------------------------------------------------------------------

    def emit(
        self,
        kind: str,
        op: tf.Operation,
        inputs: Sequence[int],
        shape: Sequence[int],
        weights: np.ndarray | None = None,
        bias: np.ndarray | None = None,
        **options: Any,
    ) -> int:
        """Adds a step and gives its place."""
        self.shapes.append(tuple(int(length) for length in shape))
        self.sole.append(True)
        place = len(self.steps) + 1
        layer = self.layers.get(op.name, op.name)
        self.steps.append(Step(kind, op.type, layer, tuple(inputs), place, weights, bias, options))
        return place

    def settle(self, tensor: tf.Tensor, place: int) -> None:
        """Says that the value of a tensor is the one at this place."""
        self.places[tensor.ref()] = place
        self.sole[place] &= self.consumers[tensor.ref()] == 1

    def is_attention(self, tensor: tf.Tensor) -> bool:
        """Whether a softmax gives the tensor, rearranged perhaps."""
        place = self.place(tensor)
        while place and self.steps[place - 1].kind == "route":
            place = self.steps[place - 1].inputs[0]
        return bool(place) and self.steps[place - 1].options.get("name") == "softmax"

    def scale(self, op: tf.Operation, place: int, scale: Any, shift: Any) -> int:
        """The place of scale * value + shift, which may be part of an earlier step.

        Args:
            scale, shift: arrays that broadcast to a sample, or None.
        """
        given = [np.shape(array) for array in (scale, shift) if array is not None]
        shape = np.broadcast_shapes(self.shapes[place], *given)
        if shape != self.shapes[place]:
            place = self.emit("route", op, [place], shape, how="broadcast")
        at = self._foldable(place)
        if at is not None:
            step, shape = self.steps[at - 1], self.shapes[at]
            folded = fold.fold(step, shape, scale, shift, reshaped=at != place)
            if folded is not None:
                self.steps[at - 1] = folded
                return place
        weights = np.ones((), np.float32) if scale is None else np.asarray(scale)
        return self.emit("affine", op, [place], shape, weights, shift)

    def refuse(self, op: tf.Operation, why: str = "") -> NoReturn:
        """Stops at an operation without a rule."""
        self._refuse(op.type, self.layers.get(op.name, op.name), why)

    # -- details --------------------------------------------------------------------------------

    def _refuse(self, op: str, layer: str, why: str) -> NoReturn:
        which = f", which {why}" if why else ""
        raise UsageError(
            f"LRP has no rule for {op} in layer {layer!r}{which}: explain a target before it, or "
            f"use another method, such as integrated_gradients."
        )

    def _run(self, tensor: tf.Tensor) -> np.ndarray:
        """The value of a tensor; one of half precision as float32, which NumPy computes with."""
        value = self.session.run(tensor, self.fed)
        return value.astype(np.float32) if tensor.dtype in _TOLERANCE else value

    def _sample(self) -> dict[tf.Tensor, np.ndarray]:
        """A small batch: any values for the source, and zeros for what else the graph takes."""
        generator = np.random.default_rng(0)
        fed: dict[tf.Tensor, np.ndarray] = {}
        for tensor in (self.source, *self.graph.inputs.values()):
            if any(tensor is other for other in fed):
                continue
            lengths = tensor.shape.as_list() if tensor.shape.rank else []
            shape = [self.count if i == 0 else n or 1 for i, n in enumerate(lengths)]
            values = np.zeros(shape)
            if tensor is self.source and tensor.dtype.is_floating:
                values = generator.random(shape)
            fed[tensor] = values.astype(tensor.dtype.as_numpy_dtype)
        return fed

    def _depends(self, tensor: tf.Tensor) -> list[str]:
        """What a tensor that does not move depends on: names of inputs, and "noise"."""
        inputs = {tensor.ref(): name for name, tensor in self.graph.inputs.items()}
        shapes = [t for t in upstream([tensor]) if t.op.type in _SHAPE_ONLY]
        found = []
        for before in upstream([tensor], stops=shapes):
            if before.ref() in inputs:
                found.append(inputs[before.ref()])
            elif "Random" in before.op.type or before.op.type == "Placeholder":
                found.append("noise")
        return sorted(set(found))

    def _enter(self, tensor: tf.Tensor) -> None:
        """Gives a place to a tensor that does not move."""
        if tensor.ref() in self.places:
            return
        value = self._run(tensor)
        depends = self._depends(tensor)
        if not value.shape or value.shape[0] not in (1, self.count):
            self.refuse(tensor.op, "has no value for each sample")
        if depends and value.shape[0] != self.count:
            self.refuse(tensor.op, "has no value for each sample")
        if not depends:
            place = self.emit("constant", tensor.op, [], value.shape[1:], value[0])
        else:
            options = {"tensor": tensor.name, "depends": " and ".join(depends)}
            place = self.emit("side", tensor.op, [], value.shape[1:], **options)
        self.places[tensor.ref()] = place

    def _foldable(self, place: int) -> int | None:
        """The place of a step with weights that nothing reads but, unchanged, `place`."""
        while place and self.sole[place]:
            step = self.steps[place - 1]
            if step.weights is not None and step.kind != "constant":
                return place
            keeps = step.options.get("how") == "reshape" and len(step.inputs) == 1
            if not keeps or self.shapes[step.inputs[0]][-1:] != self.shapes[place][-1:]:
                return None
            place = step.inputs[0]
        return None
