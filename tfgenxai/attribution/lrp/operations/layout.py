"""What translations of several kinds share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from tfgenxai.attribution.lrp.read import Reader

#: Adds the steps of an operation to what a reader has read.
Translation = Callable[["Reader", tf.Operation], None]


def plane(numbers: Any) -> tuple[int, int]:
    """What an attribute (batch, y, x, channel) says of the plane."""
    return int(numbers[1]), int(numbers[2])


def read_padding(op: tf.Operation) -> Any:
    """The padding as a `Step` has it."""
    padding = op.get_attr("padding").decode()
    if padding != "EXPLICIT":
        return padding
    numbers = op.get_attr("explicit_paddings")
    return (tuple(numbers[2:4]), tuple(numbers[4:6]))


def check_layout(reader: Reader, op: tf.Operation) -> None:
    """Refuses an operation on images that are not NHWC."""
    if op.get_attr("data_format").decode() != "NHWC":
        reader.refuse(op, "puts channels first")


def is_constant(reader: Reader, tensor: tf.Tensor) -> bool:
    """Whether a tensor has the same value for every sample."""
    return not reader.is_moving(tensor) and reader.is_fixed(tensor)


def with_constant(reader: Reader, op: tf.Operation, otherwise: str) -> tuple[tf.Tensor, tf.Tensor]:
    """The computed operand, and the constant one; refuses the operation otherwise."""
    first, second = op.inputs
    if is_constant(reader, second):
        return first, second
    if is_constant(reader, first):
        return second, first
    reader.refuse(op, otherwise)
