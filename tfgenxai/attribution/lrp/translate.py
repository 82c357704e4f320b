"""What each TensorFlow operation means as steps of a `Network`.

`OPERATIONS` holds a function for every type of operation that LRP knows; `Reader` calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader

Translation = Callable[["Reader", tf.Operation], None]


# -- the same value, or a rearrangement of it ------------------------------------------------------


def _alias(reader: Reader, op: tf.Operation) -> None:
    for given, output in zip(op.inputs, op.outputs):
        if reader.is_moving(output) and reader.is_moving(given):
            reader.settle(output, reader.place(given))


def _cast(reader: Reader, op: tf.Operation) -> None:
    if not op.outputs[0].dtype.is_floating:
        reader.refuse(op, "rounds")
    _alias(reader, op)


def _reshape(reader: Reader, op: tf.Operation) -> None:
    given, output = op.inputs[0], op.outputs[0]
    before = reader.shape(given)
    count, *after = reader.runtime[output.ref()]
    rows_of_last_axis = len(after) == 1 and after[-1:] == [*before[-1:]]
    keeps_samples = count == reader.count and np.prod(after) == np.prod(before)
    if keeps_samples and tuple(after) != before:
        _route(reader, op, after, how="reshape")
    elif keeps_samples or rows_of_last_axis:
        # The second is how a dense layer treats the places of an image: as rows of one matrix.
        _alias(reader, op)
    else:
        reader.refuse(op, "mixes the samples of a batch")


def _route(reader: Reader, op: tf.Operation, shape: Any, **options: Any) -> None:
    place = reader.emit("route", op, [reader.place(op.inputs[0])], shape, **options)
    reader.settle(op.outputs[0], place)


def _aligned_route(reader: Reader, op: tf.Operation, **options: Any) -> None:
    reader.aligned(op, op.inputs[0])
    _route(reader, op, reader.sample(op.outputs[0]), **options)


def _transpose(reader: Reader, op: tf.Operation) -> None:
    first, *perm = (int(axis) for axis in reader.value(op, op.inputs[1]))
    if first != 0:
        reader.refuse(op, "mixes the samples of a batch")
    if perm == sorted(perm):
        _alias(reader, op)
    else:
        _aligned_route(reader, op, how="transpose", perm=tuple(axis - 1 for axis in perm))


def _pad(reader: Reader, op: tf.Operation) -> None:
    batch, *paddings = reader.value(op, op.inputs[1]).tolist()
    if any(batch):
        reader.refuse(op, "adds samples to a batch")
    mode = op.get_attr("mode").decode() if op.type == "MirrorPad" else "CONSTANT"
    value = float(reader.value(op, op.inputs[2])) if op.type == "PadV2" else 0.0
    _aligned_route(reader, op, how="pad", paddings=paddings, mode=mode, value=value)


def _strided_slice(reader: Reader, op: tf.Operation) -> None:
    begin, end, strides = (reader.value(op, tensor).tolist() for tensor in op.inputs[1:4])
    rank = len(reader.aligned(op, op.inputs[0])) + 1
    masks = {
        name: op.get_attr(f"{name}_mask")
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    index: list[slice] = []
    added = bin(masks["new_axis"]).count("1")
    for i in range(len(begin)):
        has = {name: bool(mask >> i & 1) for name, mask in masks.items()}
        if has["ellipsis"]:
            index += [slice(None)] * (rank - (len(begin) - 1 - added))
        elif has["new_axis"]:
            continue
        elif has["shrink_axis"]:
            index.append(slice(begin[i], begin[i] + 1 or None))
        else:
            first = None if has["begin"] else begin[i]
            index.append(slice(first, None if has["end"] else end[i], strides[i]))
    index += [slice(None)] * (rank - len(index))
    _sliced(reader, op, op.outputs[0], index)


def _slice(reader: Reader, op: tf.Operation) -> None:
    reader.aligned(op, op.inputs[0])
    begin = reader.value(op, op.inputs[1]).tolist()
    lengths = reader.runtime[op.outputs[0].ref()]
    _sliced(reader, op, op.outputs[0], [slice(b, b + n) for b, n in zip(begin, lengths)])


def _sliced(reader: Reader, op: tf.Operation, output: tf.Tensor, index: list[slice]) -> None:
    """A slice of the value that moves into `op`, then reshaped to the shape of the output."""
    (given,) = (tensor for tensor in op.inputs if reader.is_moving(tensor))
    count = len(range(reader.count)[index[0]])
    if count != reader.count or index[0].step not in (None, 1):
        reader.refuse(op, "takes samples from a batch")
    shape = [len(range(n)[part]) for n, part in zip(reader.shape(given), index[1:])]
    slices = tuple(index[1:])
    place = reader.emit("route", op, [reader.place(given)], shape, how="slice", slices=slices)
    wanted = reader.sample(output)
    if list(wanted) != shape:
        place = reader.emit("route", op, [place], wanted, how="reshape")
    reader.settle(output, place)


def _split(reader: Reader, op: tf.Operation) -> None:
    axis_at = {"Split": 0, "SplitV": 2}
    if op.type == "Unpack":
        axis, value = op.get_attr("axis"), op.inputs[0]
    else:
        axis = int(reader.value(op, op.inputs[axis_at[op.type]]))
        value = op.inputs[1 if op.type == "Split" else 0]
    rank = len(reader.aligned(op, value)) + 1
    axis %= rank
    if axis == 0:
        reader.refuse(op, "takes samples from a batch")
    total = reader.shape(value)[axis - 1]
    sizes = [total // len(op.outputs)] * len(op.outputs)
    if op.type == "SplitV":
        sizes = reader.value(op, op.inputs[1]).tolist()
        sizes = [size if size >= 0 else total - sum(sizes) - 1 for size in sizes]
    start = 0
    for output, size in zip(op.outputs, sizes):
        if reader.is_moving(output):
            index = [slice(None)] * rank
            index[axis] = slice(start, start + size)
            _sliced(reader, op, output, index)
        start += size


def _gather(reader: Reader, op: tf.Operation) -> None:
    if not reader.is_moving(op.inputs[0]) or op.get_attr("batch_dims"):
        reader.refuse(op, "looks values up by a computed index")
    indices, axis = reader.value(op, op.inputs[1]), int(reader.value(op, op.inputs[2]))
    axis %= len(reader.aligned(op, op.inputs[0])) + 1
    if axis == 0:
        reader.refuse(op, "takes samples from a batch")
    _aligned_route(reader, op, how="gather", indices=indices, axis=axis - 1)


def _tile(reader: Reader, op: tf.Operation) -> None:
    before, after = reader.aligned(op, op.inputs[0]), reader.sample(op.outputs[0])
    multiples = tuple(b // a for a, b in zip(before, after))
    _aligned_route(reader, op, how="tile", multiples=multiples)


def _broadcast(reader: Reader, op: tf.Operation) -> None:
    if op.inputs[0].shape.rank != op.outputs[0].shape.rank:
        reader.refuse(op, "adds axes before the samples")
    _aligned_route(reader, op, how="broadcast")


def _nearest(reader: Reader, op: tf.Operation) -> None:
    names = ("align_corners", "half_pixel_centers")
    _aligned_route(reader, op, how="nearest", **{name: op.get_attr(name) for name in names})


def _blocks(how: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        _check_layout(reader, op)
        _aligned_route(reader, op, how=how, block=op.get_attr("block_size"))

    return translate


# -- kernels -------------------------------------------------------------------------------------


def _dense(reader: Reader, op: tf.Operation) -> None:
    x, matrix = op.inputs
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


def _einsum(reader: Reader, op: tf.Operation) -> None:
    left, _, right = op.get_attr("equation").decode().partition("->")
    x, _, matrix = left.partition(",")
    is_dense = len(matrix) == 2 and matrix[0] == x[-1:] and right == x[:-1] + matrix[1]
    if not is_dense or not reader.is_moving(op.inputs[0]):
        reader.refuse(op, "is more than a dense layer on the last axis")
    _matrix(reader, op, op.inputs[0], reader.value(op, op.inputs[1]), matrix[1] in x)


def _conv(kind: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        x, kernel = op.inputs[-1 if kind == "conv_transpose" else 0], op.inputs[1]
        if not reader.is_moving(x):
            reader.refuse(op, "has a computed kernel")
        _check_layout(reader, op)
        weights = reader.value(op, kernel)
        spread = reader.spread.get(x.ref())
        options: dict[str, Any] = {"strides": _plane(op.get_attr("strides"))}
        options["padding"] = _padding(op)
        options["dilations"] = _plane(op.get_attr("dilations"))
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


def _plane(numbers: Any) -> tuple[int, int]:
    """What an attribute (batch, y, x, channel) says of the plane."""
    return int(numbers[1]), int(numbers[2])


def _padding(op: tf.Operation) -> Any:
    padding = op.get_attr("padding").decode()
    if padding != "EXPLICIT":
        return padding
    numbers = op.get_attr("explicit_paddings")
    return (tuple(numbers[2:4]), tuple(numbers[4:6]))


def _check_layout(reader: Reader, op: tf.Operation) -> None:
    if op.get_attr("data_format").decode() != "NHWC":
        reader.refuse(op, "puts channels first")


# -- scales and shifts ---------------------------------------------------------------------------


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
    _check_layout(reader, op)
    gamma, beta, mean, variance = (
        reader.value(op, tensor).astype(np.float64) for tensor in op.inputs[1:5]
    )
    scale = gamma / np.sqrt(variance + op.get_attr("epsilon"))
    dtype = op.inputs[0].dtype.as_numpy_dtype
    _scale(reader, op, op.inputs[0], scale.astype(dtype), (beta - mean * scale).astype(dtype))


def _add(reader: Reader, op: tf.Operation) -> None:
    if len(op.inputs) == 2 and any(_is_constant(reader, tensor) for tensor in op.inputs):
        x, shift = _with_constant(reader, op, "")
        _scale(reader, op, x, None, reader.sample_value(op, shift))
    else:
        _join(reader, op, [_spread_out(reader, op, tensor) for tensor in op.inputs])


def _subtract(reader: Reader, op: tf.Operation) -> None:
    left, right = op.inputs
    if _is_constant(reader, right):
        _scale(reader, op, left, None, -reader.sample_value(op, right))
    elif _is_constant(reader, left):
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
    x, factor = _with_constant(reader, op, "multiplies two computed values")
    _scale(reader, op, x, reader.sample_value(op, factor), None)


def _divide(reader: Reader, op: tf.Operation) -> None:
    x, divisor = op.inputs
    if not _is_constant(reader, divisor):
        reader.refuse(op, "divides by a computed value")
    _scale(reader, op, x, 1 / reader.sample_value(op, divisor), None)


def _negative(reader: Reader, op: tf.Operation) -> None:
    minus = -np.ones((), op.inputs[0].dtype.as_numpy_dtype)
    _scale(reader, op, op.inputs[0], minus, None)


def _with_constant(reader: Reader, op: tf.Operation, otherwise: str) -> tuple[tf.Tensor, tf.Tensor]:
    """The computed operand, and the constant one; refuses the operation otherwise."""
    first, second = op.inputs
    if _is_constant(reader, second):
        return first, second
    if _is_constant(reader, first):
        return second, first
    reader.refuse(op, otherwise)


def _is_constant(reader: Reader, tensor: tf.Tensor) -> bool:
    return not reader.is_moving(tensor) and reader.is_fixed(tensor)


# -- activations, pooling, joining -----------------------------------------------------------------


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
        x, constant = _with_constant(reader, op, "compares computed values")
        bounds = np.unique(reader.value(op, constant))
        if len(bounds) != 1:
            reader.refuse(op, "has many bounds")
        bound, shape = float(bounds[0]), reader.shape(x)
        place = reader.emit("activation", op, [reader.place(x)], shape, name=name, alpha=bound)
        reader.settle(op.outputs[0], place)

    return translate


def _pool(kind: str) -> Translation:
    def translate(reader: Reader, op: tf.Operation) -> None:
        _check_layout(reader, op)
        size, strides = op.get_attr("ksize"), op.get_attr("strides")
        padding = _padding(op)
        if size[0] != 1 or size[3] != 1 or not isinstance(padding, str):
            reader.refuse(op, "pools over more than the plane")
        reader.aligned(op, op.inputs[0])
        place = reader.emit(
            kind,
            op,
            [reader.place(op.inputs[0])],
            reader.sample(op.outputs[0]),
            size=_plane(size),
            strides=_plane(strides),
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


OPERATIONS: dict[str, Translation] = {
    **dict.fromkeys(("Identity", "IdentityN", "StopGradient", "PreventGradient"), _alias),
    **dict.fromkeys(("Snapshot", "CheckNumerics", "PlaceholderWithDefault"), _alias),
    "Cast": _cast,
    **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), _reshape),
    "Transpose": _transpose,
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _pad),
    "StridedSlice": _strided_slice,
    "Slice": _slice,
    **dict.fromkeys(("Split", "SplitV", "Unpack"), _split),
    "GatherV2": _gather,
    "Tile": _tile,
    "BroadcastTo": _broadcast,
    "ResizeNearestNeighbor": _nearest,
    "ResizeBilinear": _bilinear,
    "DepthToSpace": _blocks("depth_to_space"),
    "SpaceToDepth": _blocks("space_to_depth"),
    **dict.fromkeys(("MatMul", "BatchMatMulV2", "BatchMatMulV3"), _dense),
    "Einsum": _einsum,
    "Conv2D": _conv("conv"),
    "DepthwiseConv2dNative": _conv("depthwise"),
    "Conv2DBackpropInput": _conv("conv_transpose"),
    "SpaceToBatchND": _spread,
    "BatchToSpaceND": _gathered,
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    **dict.fromkeys(("Add", "AddV2", "BiasAdd", "AddN"), _add),
    "Sub": _subtract,
    "Mul": _multiply,
    **dict.fromkeys(("RealDiv", "Div"), _divide),
    "Neg": _negative,
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
}
