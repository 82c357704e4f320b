"""Questions about the operations of a frozen graph: what depends on what, and how.

Everything here walks symbolic tensors and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tfgenxai.explained import Explained, upstream

NORMAL = frozenset({"RandomStandardNormal", "StatelessRandomNormal", "StatelessRandomNormalV2"})
UNIFORM = frozenset({"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"})

# The value of these depends on the shape of their argument, not on its values.
_SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"})

# Every element of the output depends on the element at the same place of each argument.
# fmt: off
_POINTWISE = frozenset({
    "Identity", "IdentityN", "StopGradient", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh",
    "Sigmoid", "Softplus", "Softsign", "Erf", "Erfc", "Exp", "Expm1", "Log", "Log1p", "Sqrt",
    "Rsqrt", "Square", "Abs", "Neg", "Sign", "Pow", "Reciprocal", "Add", "AddV2", "Sub", "Mul",
    "RealDiv", "Div", "Maximum", "Minimum", "SquaredDifference", "BiasAdd", "SelectV2",
    "Greater", "GreaterEqual", "Less", "LessEqual",
})
# fmt: on
# The same elements in the same order, in another shape.
_RESHAPES = frozenset({"Reshape", "Squeeze", "ExpandDims"})

# Affine in the arguments at these places (all, if None), when the other arguments are constant.
_AFFINE: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(("Identity", "BiasAdd", "Add", "AddV2", "AddN", "Sub", "Neg"), None),
    **dict.fromkeys(("Pack", "ConcatV2"), None),
    **dict.fromkeys(("RealDiv", "Div", "Squeeze", "Reshape", "ExpandDims", "Transpose"), (0,)),
    **dict.fromkeys(("StridedSlice", "Slice", "SplitV", "Pad", "PadV2", "Mean", "Sum"), (0,)),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative", "AvgPool"), (0,)),
    "Split": (1,),
    "Conv2DBackpropInput": (2,),
}
# Affine in any one argument when the other is constant.
_PRODUCTS = frozenset({"MatMul", "Mul", "BatchMatMulV2"})
_NORMALISATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})


def dependants(source: tf.Tensor, targets: Iterable[tf.Tensor]) -> dict[object, tf.Tensor]:
    """The tensors between `source` and `targets` whose values depend on it, both ends included."""
    readers: dict[object, list[tf.Tensor]] = {}
    for tensor in upstream(targets, stops=[source]):
        if tensor.op.type in _SHAPE_ONLY or tensor.ref() == source.ref():
            continue
        for argument in tensor.op.inputs:
            readers.setdefault(argument.ref(), []).append(tensor)
    found = {source.ref(): source}
    waiting = [source]
    while waiting:
        for reader in readers.get(waiting.pop().ref(), ()):
            if reader.ref() not in found:
                found[reader.ref()] = reader
                waiting.append(reader)
    return found


def depends(targets: Iterable[tf.Tensor], source: tf.Tensor) -> bool:
    """Whether the value of any target depends on the value of `source`."""
    targets = list(targets)
    found = dependants(source, targets)
    return any(tensor.ref() in found for tensor in targets)


def row_size(tensor: tf.Tensor) -> int:
    """Elements in a sample; axes of unknown length count as 1."""
    return int(np.prod([n or 1 for n in tensor.shape[1:]])) if tensor.shape.rank else 1


def largest_row(explained: Explained, source: tf.Tensor) -> int:
    """Elements in a sample of the largest tensor between the input and the target."""
    largest = max(map(row_size, dependants(source, explained.fetches).values()), default=1)
    if explained.inner is None:
        return largest
    image = next(iter(explained.inner.graph.inputs.values()))
    return max(largest, largest_row(explained.inner, image))


def affine_head(source: tf.Tensor, target: tf.Tensor) -> tf.Tensor | None:
    """The tensor h that splits source -> target into a pointwise and an affine part, or None.

    With such an h, every element of which depends on the element of `source` at the same place
    of its row, and in which `target` is affine with coefficients that are the same for every
    sample, the Jacobian of `target` is a constant matrix times a diagonal one.
    """
    walk = _Walk(source, dependants(source, [target]))
    if target.ref() not in walk.dependent or not walk.affine(target):
        return None
    return next(iter(walk.heads.values())) if len(walk.heads) == 1 else None


class _Walk:
    """Classifies the tensors between a source and a target."""

    def __init__(self, source: tf.Tensor, dependent: dict[object, tf.Tensor]) -> None:
        self.source = source
        self.dependent = dependent
        self.size = row_size(source)
        self.heads: dict[object, tf.Tensor] = {}
        self._pointwise: dict[object, bool] = {source.ref(): True}
        self._affine: dict[object, bool] = {}

    def pointwise(self, tensor: tf.Tensor) -> bool:
        """Whether each element depends on the source's element at the same place only."""
        if tensor.ref() not in self._pointwise:
            self._pointwise[tensor.ref()] = self._is_pointwise(tensor)
        return self._pointwise[tensor.ref()]

    def _is_pointwise(self, tensor: tf.Tensor) -> bool:
        if tensor.ref() not in self.dependent or row_size(tensor) != self.size:
            return False
        if tensor.shape.rank is None or None in tensor.shape[1:]:
            return False
        inputs = list(tensor.op.inputs)
        moving = [i for i in inputs if i.ref() in self.dependent]
        if tensor.op.type in _RESHAPES or _normalises(tensor):
            return len(moving) == 1 and moving[0] is inputs[0] and self.pointwise(inputs[0])
        same_place = all(i.shape[1:] == tensor.shape[1:] for i in moving)
        return tensor.op.type in _POINTWISE and same_place and all(map(self.pointwise, moving))

    def affine(self, tensor: tf.Tensor) -> bool:
        """Whether it is affine in pointwise tensors, which become `heads`."""
        if tensor.ref() not in self._affine:
            self._affine[tensor.ref()] = self._is_affine(tensor)
        return self._affine[tensor.ref()]

    def _is_affine(self, tensor: tf.Tensor) -> bool:
        if self.pointwise(tensor):
            self.heads[tensor.ref()] = tensor
            return True
        if tensor.ref() not in self.dependent:
            return True
        inputs = list(tensor.op.inputs)
        kind = tensor.op.type
        if _normalises(tensor):
            places: Iterable[int] = (0,)
        elif kind in _PRODUCTS:
            places = [i for i, t in enumerate(inputs) if t.ref() in self.dependent]
            if len(places) != 1 or not _constant(inputs[1 - places[0]]):
                return False
        elif kind in _AFFINE:
            listed = _AFFINE[kind]
            places = range(len(inputs)) if listed is None else listed
        else:
            return False
        others = [t for i, t in enumerate(inputs) if i not in places]
        if kind in _RESHAPES:
            others = []  # a shape: it may be computed from the shape of a batch
        return all(map(_constant, others)) and all(self.affine(inputs[i]) for i in places)


def _normalises(tensor: tf.Tensor) -> bool:
    """Whether this is the output of a batch normalisation with fixed statistics."""
    operation = tensor.op
    fixed = operation.type in _NORMALISATIONS and not operation.get_attr("is_training")
    return fixed and tensor.value_index == 0


def _constant(tensor: tf.Tensor) -> bool:
    """Whether the value is the same for every input and every call."""
    return not any(
        t.op.type in ("Placeholder", "PlaceholderWithDefault") or "Random" in t.op.type
        for t in upstream([tensor])
    )
