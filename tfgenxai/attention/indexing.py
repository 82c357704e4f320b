"""The row of an attention map that belongs to a pixel, and the one that a slip takes for it.

Row row * W + column belongs to the query at (row, column). Taking row * column instead raises no
error, since (H - 1) * (W - 1) is still a row of the map: it shows another pixel, near the top.
"""

from __future__ import annotations

from typing import NamedTuple


class Slip(NamedTuple):
    """A query, and what the wrong index shows in its place.

    Attributes:
        row, column: the query that was meant.
        right, wrong: row * W + column, and row * column.
        shown: (row, column) of the query that the wrong index belongs to.
    """

    row: int
    column: int
    right: int
    wrong: int
    shown: tuple[int, int]


def right_index(row: int, column: int, width: int) -> int:
    """The row of the map of the query at (row, column) on a grid of that width."""
    return row * width + column


def wrong_index(row: int, column: int) -> int:
    """The product that has been taken for it."""
    return row * column


def slip(row: int, column: int, width: int) -> Slip:
    """What is shown where row * column is taken for row * width + column.

    (0, 0) is the only query that the wrong index gets right. Every other one is shown as a pixel
    above it, or, in the top row, as (0, 0).
    """
    wrong = wrong_index(row, column)
    return Slip(row, column, right_index(row, column, width), wrong, divmod(wrong, width))
