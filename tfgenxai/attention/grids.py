"""Which rows and columns the queries and keys of an attention map stand for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tensorflow as tf

from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.attention.trace import Trace

Grid = tuple[int, int]


def grid_before(trace: Trace, tensor: tf.Tensor, count: int) -> Grid | None:
    """(H, W) of the nearest feature map (N, H, W, C) above that was flattened to (N, HW, C)."""
    for above in trace.upstream(tensor):
        if above.op.type == "Reshape":
            found = _flattened(above.op.inputs[0], above, count)
            if found is not None:
                return found
    return None


def grid_after(trace: Trace, tensor: tf.Tensor, count: int) -> Grid | None:
    """(H, W) of the feature map that (N, HW, C) is put together to again further down."""
    for _ in range(8):  # a projection, a bias and a norm may come first
        below = [op for op in trace.readers(tensor) if op.outputs]
        for op in below:
            if op.type == "Reshape":
                found = _flattened(op.outputs[0], op.inputs[0], count)
                if found is not None:
                    return found
        if len(below) != 1:
            return None
        tensor = below[0].outputs[0]
    return None


def square(count: int) -> Grid | None:
    """The square grid of so many places, if there is one."""
    side = math.isqrt(count)
    return (side, side) if side * side == count else None


def checked_grid(given: Grid | None, known: Grid | None, count: int, what: str, name: str) -> Grid:
    """The grid given by the caller, or the one that was read from the graph.

    Raises:
        UsageError: it does not have that many places, or there is none.
    """
    grid = known if given is None else (int(given[0]), int(given[1]))
    if grid is None:
        raise UsageError(
            f"{name} has {count} places of its {what}, which are no square, and no feature map of "
            f"as many is near: say how they lie with {what}_grid=(rows, columns)."
        )
    if min(grid) < 1 or grid[0] * grid[1] != count:
        raise UsageError(
            f"{name} has {count} places of its {what}, which are not {grid[0]} rows of "
            f"{grid[1]} columns."
        )
    return grid


def _flattened(maps: tf.Tensor, rows: tf.Tensor, count: int) -> Grid | None:
    """(H, W) if (N, H, W, C) and (N, HW, C) are the two shapes, with HW = `count`."""
    if maps.shape.rank != 4 or rows.shape.rank != 3 or maps.shape[3] != rows.shape[2]:
        return None
    height, width = maps.shape[1:3]
    if None in (height, width) or height * width != count or rows.shape[1] != count:
        return None
    return height, width
