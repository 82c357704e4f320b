"""Operations with a weight matrix."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp.operations.layout import (
    Translation,
    check_layout,
    plane,
    read_padding,
)

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader


def _dense(reader: Reader, op: tf.Operation) -> None:
    x, matrix = op.inputs
    if reader.is_moving(x) and reader.is_moving(matrix):
        return _matrices(reader, op)
    if reader.is_moving(matrix):
        reader.refuse(op, "multiplies by a value that is computed from the input")
    flags = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    weights = reader.value(op, matrix)
    if op.get_attr(flags[1]):
        weights = np.swapaxes(weights, -1, -2)
    _matrix(reader, op, x, weights, op.get_attr(flags[0]))


def _matrix(
    reader: Reader, op: tf.Operation, x: tf.Tensor, weights: np.ndarray, unknown: bool
) -> None:
    """A product of the last axis with a matrix, which may have leading axes of length 1."""
    shape = reader.shape(x)
    *batch, rows, columns = weights.shape
    if unknown or any(length != 1 for length in batch) or not shape:
        reader.refuse(op, "is more than a dense layer on the last axis")
    if shape[-1] != rows:
        reader.refuse(op, "mixes the samples of a batch")
    weights = weights.reshape(rows, columns)
    place = reader.emit("dense", op, [reader.place(x)], (*shape[:-1], columns), weights)
    reader.settle(op.outputs[0], place)


def _matrices(reader: Reader, op: tf.Operation) -> None:
    """A product of two computed matrices, or of as many pairs as their leading axes have places."""
    flags = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    rank = len(reader.aligned(op, op.inputs[0]))
    if rank < 2 or len(reader.aligned(op, op.inputs[1])) != rank:
        reader.refuse(op, "mixes the samples of a batch")
    leading = string.ascii_lowercase[: rank - 2]
    left = leading + ("yx" if op.get_attr(flags[0]) else "xy")
    right = leading + ("zy" if op.get_attr(flags[1]) else "yz")
    _product(reader, op, left, right, leading + "xz")


def _product(reader: Reader, op: tf.Operation, left: str, right: str, result: str) -> None:
    """A product of two computed values, whose axes within a sample have these letters."""
    lengths: dict[str, int] = {}
    for letters, tensor in zip((left, right), op.inputs):
        shape = reader.aligned(op, tensor)
        for letter, length in zip(letters, shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                reader.refuse(op, "repeats values along an axis")
    for letters, others in ((left, right + result), (right, left + result)):
        if len(set(letters)) != len(letters) or not set(letters) <= set(others):
            reader.refuse(op, "sums over an axis of one factor alone")
    short = str.maketrans({letter: string.ascii_lowercase[i] for i, letter in enumerate(lengths)})
    attends = [reader.is_attention(tensor) for tensor in op.inputs]
    place = reader.emit(
        "product",
        op,
        [reader.place(tensor) for tensor in op.inputs],
        reader.sample(op.outputs[0]),
        equation=f"{left},{right}->{result}".translate(short),
        held=attends.index(True) if sum(attends) == 1 else None,
    )
    reader.settle(op.outputs[0], place)


def _einsum(reader: Reader, op: tf.Operation) -> None:
    left, _, right = op.get_attr("equation").decode().partition("->")
    x, _, matrix = left.partition(",")
    if matrix and all(map(reader.is_moving, op.inputs)):
        if len({part[:1] for part in (x, matrix, right)}) > 1 or "." in left:
            reader.refuse(op, "mixes the samples of a batch")
        return _product(reader, op, x[1:], matrix[1:], right[1:])
    is_dense = len(matrix) == 2 and matrix[0] == x[-1:] and right == x[:-1] + matrix[1]
    if not is_dense or not reader.is_moving(op.inputs[0]):
        reader.refuse(op, "is more than a dense layer on the last axis")
    _matrix(reader, op, op.inputs[0], reader.value(op, op.inputs[1]), matrix[1] in x)


def _conv(kind: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        x, kernel = op.inputs[-1 if kind == "conv_transpose" else 0], op.inputs[1]
        if not reader.is_moving(x):
            reader.refuse(op, "has a computed kernel")
        check_layout(reader, op)
        weights = reader.value(op, kernel)
        spread = reader.spread.get(x.ref())
        options: dict[str, Any] = {"strides": plane(op.get_attr("strides"))}
        options["padding"] = read_padding(op)
        options["dilations"] = plane(op.get_attr("dilations"))
        if spread is not None:
            if options["padding"] != "VALID" or options["strides"] != (1, 1):
                reader.refuse(op, "combines dilation and padding in an unknown way")
            reader.spread[op.outputs[0].ref()] = {
                **spread, "op": op, "kind": kind, "weights": weights
            }  # fmt: skip
            return
        channels = reader.aligned(op, x)[-1]
        if kind == "conv" and channels != weights.shape[2]:
            reader.refuse(op, "is a convolution in groups")
        if kind == "conv_transpose" and options["dilations"] != (1, 1):
            reader.refuse(op, "is dilated")
        shape = reader.sample(op.outputs[0])
        place = reader.emit(kind, op, [reader.place(x)], shape, weights, **options)
        reader.settle(op.outputs[0], place)

    return translate


# TensorFlow computes a dilated convolution in three operations: it moves pixels into the batch,
# so that those that a kernel reads become neighbours, convolves, and moves them back.


def _spread(reader: Reader, op: tf.Operation) -> None:
    block = tuple(reader.value(op, op.inputs[1]).tolist())
    if len(reader.aligned(op, op.inputs[0])) != 3 or len(block) != 2:
        reader.refuse(op)
    reader.spread[op.outputs[0].ref()] = {
        "place": reader.place(op.inputs[0]),
        "dilations": block,
        "padding": reader.value(op, op.inputs[2]),
    }


def _gathered(reader: Reader, op: tf.Operation) -> None:
    given = reader.spread.get(op.inputs[0].ref())
    if given is None or "op" not in given:
        reader.refuse(op)
    padding = given["padding"] - reader.value(op, op.inputs[2])
    if (padding < 0).any() or given["dilations"] != tuple(reader.value(op, op.inputs[1])):
        reader.refuse(op, "combines dilation and padding in an unknown way")
    place = reader.emit(
        given["kind"],
        given["op"],
        [given["place"]],
        reader.sample(op.outputs[0]),
        given["weights"],
        strides=(1, 1),
        dilations=given["dilations"],
        padding=tuple(map(tuple, padding.tolist())) if padding.any() else "VALID",
    )
    reader.settle(op.outputs[0], place)


#: By type of operation.
KERNELS: dict[str, Translation] = {
    **dict.fromkeys(("MatMul", "BatchMatMulV2", "BatchMatMulV3"), _dense),
    "Einsum": _einsum,
    "Conv2D": _conv("conv"),
    "DepthwiseConv2dNative": _conv("depthwise"),
    "Conv2DBackpropInput": _conv("conv_transpose"),
    "SpaceToBatchND": _spread,
    "BatchToSpaceND": _gathered,
}
