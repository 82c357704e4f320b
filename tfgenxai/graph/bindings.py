"""What an output stands for while a graph is frozen: a flat tensor or a variable's handle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.graph import refs


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable as it is frozen: its name, and its value of any shape."""

    name: str
    value: np.ndarray

    @property
    def type(self) -> int:
        """The value's type as TensorFlow numbers it."""
        return type_number(self.value.dtype)


class Handle:
    """A variable's handle inside one graph; ``tensor`` is its value there, once it was read."""

    def __init__(self, variable: Variable, tensor: refs.Ref | None = None) -> None:
        self.variable = variable
        self.tensor = tensor


Binding = refs.Ref | Handle

INT32, INT64, RESOURCE = 3, 9, 20
"""Types as TensorFlow's protocol buffers number them (``types.proto``)."""


def type_number(dtype: Any) -> int:
    """A type as TensorFlow's protocol buffers number it."""
    import tensorflow as tf

    return tf.as_dtype(dtype).as_datatype_enum


def attr(**fields: Any) -> Any:
    """An AttrValue; ``attr(type=...)``, ``attr(tensor=...)`` or another of its fields."""
    from tensorflow.core.framework import attr_value_pb2

    return attr_value_pb2.AttrValue(**fields)
