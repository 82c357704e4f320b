"""Operations that leave values as they are, or rearrange them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp.operations.layout import Translation, check_layout

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader


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
        check_layout(reader, op)
        _aligned_route(reader, op, how=how, block=op.get_attr("block_size"))

    return translate


#: By type of operation.
ROUTES: dict[str, Translation] = {
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
    "DepthToSpace": _blocks("depth_to_space"),
    "SpaceToDepth": _blocks("space_to_depth"),
}
