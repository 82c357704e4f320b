"""Activations, pooling, resizing and joining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp.operations.layout import (
    Translation,
    check_layout,
    plane,
    read_padding,
    with_constant,
)

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader


def _activation(name: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        x = op.inputs[0]
        options: dict[str, Any] = {"name": name}
        if name == "leaky_relu":
            options["alpha"] = op.get_attr("alpha")
        place = reader.emit("activation", op, [reader.place(x)], reader.shape(x), **options)
        reader.settle(op.outputs[0], place)

    return translate


def _clip(name: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        x, constant = with_constant(reader, op, "compares computed values")
        bounds = np.unique(reader.value(op, constant))
        if len(bounds) != 1:
            reader.refuse(op, "has many bounds")
        bound, shape = float(bounds[0]), reader.shape(x)
        place = reader.emit("activation", op, [reader.place(x)], shape, name=name, alpha=bound)
        reader.settle(op.outputs[0], place)

    return translate


def _pool(kind: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        check_layout(reader, op)
        size, strides = op.get_attr("ksize"), op.get_attr("strides")
        padding = read_padding(op)
        if size[0] != 1 or size[3] != 1 or not isinstance(padding, str):
            reader.refuse(op, "pools over more than the plane")
        reader.aligned(op, op.inputs[0])
        place = reader.emit(
            kind,
            op,
            [reader.place(op.inputs[0])],
            reader.sample(op.outputs[0]),
            size=plane(size),
            strides=plane(strides),
            padding=padding,
        )
        reader.settle(op.outputs[0], place)

    return translate


def _axes(reader: Reader, op: tf.Operation) -> tuple[int, ...]:
    rank = len(reader.aligned(op, op.inputs[0])) + 1
    axes = sorted({int(axis) % rank for axis in np.ravel(reader.value(op, op.inputs[1]))})
    if 0 in axes:
        reader.refuse(op, "mixes the samples of a batch")
    return tuple(axis - 1 for axis in axes)


def _reduce(kind: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        axes = _axes(reader, op)
        place = reader.emit(
            kind,
            op,
            [reader.place(op.inputs[0])],
            reader.sample(op.outputs[0]),
            axes=axes,
            keepdims=op.get_attr("keep_dims"),
        )
        reader.settle(op.outputs[0], place)

    return translate


def _global_max(reader: Reader, op: tf.Operation) -> None:
    """A maximum over all axes but the last is one window of max pooling."""
    axes = _axes(reader, op)
    shape = reader.shape(op.inputs[0])
    if axes != tuple(range(len(shape) - 1)):
        reader.refuse(op, "takes a maximum over more or less than the places of an image")
    rows, channels = int(np.prod(shape[:-1])), shape[-1]
    place = reader.place(op.inputs[0])
    place = reader.emit("route", op, [place], (rows, 1, channels), how="reshape")
    options: dict[str, Any] = {"size": (rows, 1), "strides": (1, 1), "padding": "VALID"}
    place = reader.emit("max_pool", op, [place], (1, 1, channels), **options)
    place = reader.emit("route", op, [place], reader.sample(op.outputs[0]), how="reshape")
    reader.settle(op.outputs[0], place)


def _bilinear(reader: Reader, op: tf.Operation) -> None:
    height, width, _ = reader.aligned(op, op.inputs[0])
    shape = reader.sample(op.outputs[0])
    names = ("align_corners", "half_pixel_centers")
    options = {name: op.get_attr(name) for name in names}

    def coefficients(before: int, after: int) -> np.ndarray:
        # Of one axis: what becomes of each unit vector along it.
        unit = np.eye(before, dtype=np.float32)[None, :, None, :]
        size = np.array([after, 1], np.int32)
        return tf.raw_ops.ResizeBilinear(images=unit, size=size, **options).numpy()[0, :, 0]

    rows, columns = coefficients(height, shape[0]), coefficients(width, shape[1])
    place = reader.emit(
        "resize", op, [reader.place(op.inputs[0])], shape, rows=rows, columns=columns
    )
    reader.settle(op.outputs[0], place)


def _concat(reader: Reader, op: tf.Operation) -> None:
    if op.type == "Pack":
        axis, parts = op.get_attr("axis"), list(op.inputs)
    else:
        axis, parts = int(reader.value(op, op.inputs[-1])), list(op.inputs[:-1])
    shape = reader.sample(op.outputs[0])
    axis %= len(shape) + 1
    if axis == 0:
        reader.refuse(op, "mixes the samples of a batch")
    places = []
    for part in parts:
        reader.aligned(op, part)
        place = reader.place(part)
        if op.type == "Pack":
            longer = (*shape[: axis - 1], 1, *shape[axis:])
            place = reader.emit("route", op, [place], longer, how="reshape")
        places.append(place)
    reader.settle(op.outputs[0], reader.emit("concat", op, places, shape, axis=axis - 1))


#: By type of operation.
LAYERS: dict[str, Translation] = {
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "LeakyRelu": _activation("leaky_relu"),
    "Elu": _activation("elu"),
    "Selu": _activation("selu"),
    "Tanh": _activation("tanh"),
    "Sigmoid": _activation("sigmoid"),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "Softmax": _activation("softmax"),
    "LogSoftmax": _activation("log_softmax"),
    "Minimum": _clip("minimum"),
    "Maximum": _clip("maximum"),
    "MaxPool": _pool("max_pool"),
    "AvgPool": _pool("average_pool"),
    "Mean": _reduce("mean"),
    "Sum": _reduce("sum"),
    "Max": _global_max,
    **dict.fromkeys(("ConcatV2", "Pack"), _concat),
    "ResizeBilinear": _bilinear,
}
