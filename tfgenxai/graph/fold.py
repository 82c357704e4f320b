"""Fold the reshaping of constants, so that a bias enters its layer as one constant.

Keras reads the bias of a convolution through ``Reshape`` and ``Squeeze``. Nothing that
computes with values is folded: the operations of a layer stay what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def fold(node: Any, sources: Sequence[Any]) -> np.ndarray | None:
    """The node's value if it only reshapes or casts constants, else None.

    ``sources`` are the nodes that it reads, or None for those that are not in the graph.
    """
    import tensorflow as tf

    if node.op not in ("Reshape", "Squeeze", "ExpandDims", "Cast", "Identity"):
        return None
    if not sources or any(source is None or source.op != "Const" for source in sources):
        return None
    value, *rest = (tf.make_ndarray(source.attr["value"].tensor) for source in sources)
    if node.op == "Reshape":
        return np.reshape(value, rest[0])
    if node.op == "Squeeze":
        axes = tuple(node.attr["squeeze_dims"].list.i)
        return np.squeeze(value, axes or None)
    if node.op == "ExpandDims":
        return np.expand_dims(value, int(rest[0]))
    if node.op == "Cast":
        return value.astype(tf.as_dtype(node.attr["DstT"].type).as_numpy_dtype)
    return value
