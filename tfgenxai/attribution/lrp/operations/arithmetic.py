"""Operations that scale, shift and add."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp.operations.layout import (
    Translation,
    check_layout,
    is_constant,
    with_constant,
)

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader


def _scale(reader: Reader, op: tf.Operation, x: tf.Tensor, scale: Any, shift: Any) -> None:
    """scale * x + shift, for constants that broadcast to a sample of the result."""
    output = op.outputs[0]
    as_it_was = reader.runtime[output.ref()] == reader.runtime[x.ref()]
    if not as_it_was or max(np.ndim(scale), np.ndim(shift)) > 1:
        reader.aligned(op, x)
    place = reader.scale(op, reader.place(x), scale, shift)
    reader.settle(output, place)
    if not as_it_was:
        reader.aligned(op, output)


def _batch_norm(reader: Reader, op: tf.Operation) -> None:
    if op.get_attr("is_training"):
        reader.refuse(op, "normalises by the batch")
    check_layout(reader, op)
    gamma, beta, mean, variance = (
        reader.value(op, tensor).astype(np.float64) for tensor in op.inputs[1:5]
    )
    scale = gamma / np.sqrt(variance + op.get_attr("epsilon"))
    dtype = op.inputs[0].dtype.as_numpy_dtype
    _scale(reader, op, op.inputs[0], scale.astype(dtype), (beta - mean * scale).astype(dtype))


def _add(reader: Reader, op: tf.Operation) -> None:
    if len(op.inputs) == 2 and any(is_constant(reader, tensor) for tensor in op.inputs):
        x, shift = with_constant(reader, op, "")
        _scale(reader, op, x, None, reader.sample_value(op, shift))
    else:
        _join(reader, op, [_spread_out(reader, op, tensor) for tensor in op.inputs])


def _subtract(reader: Reader, op: tf.Operation) -> None:
    left, right = op.inputs
    if is_constant(reader, right):
        _scale(reader, op, left, None, -reader.sample_value(op, right))
    elif is_constant(reader, left):
        shift = reader.sample_value(op, left)
        _scale(reader, op, right, -np.ones((), shift.dtype), shift)
    else:
        first, second = (_spread_out(reader, op, tensor) for tensor in op.inputs)
        minus = -np.ones((), right.dtype.as_numpy_dtype)
        _join(reader, op, [first, reader.scale(op, second, minus, None)])


def _spread_out(reader: Reader, op: tf.Operation, tensor: tf.Tensor) -> int:
    """The place of an operand, as large as the sum that it goes into."""
    output = op.outputs[0]
    if reader.is_moving(tensor) and reader.runtime[tensor.ref()] == reader.runtime[output.ref()]:
        return reader.place(tensor)
    if tensor.shape.rank != output.shape.rank:
        reader.refuse(op, "adds values of different ranks")
    shape, wanted = reader.aligned(op, tensor), reader.sample(output)
    place = reader.place(tensor)
    if shape == wanted:
        return place
    return reader.emit("route", op, [place], wanted, how="broadcast")


def _join(reader: Reader, op: tf.Operation, places: list[int]) -> None:
    if len({reader.shapes[place] for place in places}) > 1:
        reader.refuse(op, "mixes the samples of a batch")
    reader.settle(op.outputs[0], reader.emit("add", op, places, reader.shapes[places[0]]))


def _multiply(reader: Reader, op: tf.Operation) -> None:
    if any(is_constant(reader, tensor) for tensor in op.inputs):
        x, factor = with_constant(reader, op, "")
        _scale(reader, op, x, reader.sample_value(op, factor), None)
    else:
        _modulate(reader, op)


def _modulate(reader: Reader, op: tf.Operation) -> None:
    """A signal times a gain, element by element; the gain is held.

    The gain is what does not depend on the source, or what is the same for all places of the
    signal, as in conditional batch normalisation.
    """
    moving = [reader.is_moving(tensor) for tensor in op.inputs]
    shapes = [reader.aligned(op, tensor) for tensor in op.inputs]
    result = reader.sample(op.outputs[0])
    if len({len(shape) for shape in (*shapes, result)}) > 1:
        reader.refuse(op, "multiplies values of different ranks")
    held = moving.index(False) if not all(moving) else _gain(shapes, result)
    places, letters = [], []
    for tensor, shape in zip(op.inputs, shapes, strict=True):
        own = [axis for axis, length in enumerate(shape) if length == result[axis]]
        place = reader.place(tensor)
        if len(own) < len(shape):
            kept = [shape[axis] for axis in own]
            place = reader.emit("route", op, [place], kept, how="reshape")
        places.append(place)
        letters.append("".join(string.ascii_lowercase[axis] for axis in own))
    equation = f"{letters[0]},{letters[1]}->{string.ascii_lowercase[: len(result)]}"
    place = reader.emit("product", op, places, result, equation=equation, held=held)
    reader.settle(op.outputs[0], place)


def _gain(shapes: list[tuple[int, ...]], result: tuple[int, ...]) -> int | None:
    """Which factor has one value for all places, the other one being as large as the result."""
    for i, shape in enumerate(shapes):
        places = shape[:-1]
        if places and set(places) == {1} and shape != result and shapes[1 - i] == result:
            return i
    return None


def _divide(reader: Reader, op: tf.Operation) -> None:
    x, divisor = op.inputs
    if not is_constant(reader, divisor):
        reader.refuse(op, "divides by a computed value")
    _scale(reader, op, x, 1 / reader.sample_value(op, divisor), None)


def _negative(reader: Reader, op: tf.Operation) -> None:
    minus = -np.ones((), op.inputs[0].dtype.as_numpy_dtype)
    _scale(reader, op, op.inputs[0], minus, None)


#: By type of operation.
ARITHMETIC: dict[str, Translation] = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    **dict.fromkeys(("Add", "AddV2", "BiasAdd", "AddN"), _add),
    "Sub": _subtract,
    "Mul": _multiply,
    **dict.fromkeys(("RealDiv", "Div"), _divide),
    "Neg": _negative,
}
