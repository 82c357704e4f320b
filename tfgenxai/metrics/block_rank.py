"""Block rank: where a block of pixels stands among all blocks of its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.relevance import relevance_maps


def block_rank(relevance: Any, block: np.ndarray) -> np.ndarray:
    """Rank of the block by the sum of the relevance inside, (N,) float64; 1: no block has more.

    Signs count: what the pixels of a block add to the target and take from it cancels, as it does
    in methods whose relevance adds up. The block is compared with all blocks of its height and
    width that do not overlap it, at every place: one that does shares its pixels. Of blocks that
    tie with it, half count as ranking before it. Chance, and a map without relevance, is in the
    middle: (1 + `blocks(block)`) / 2.

    Args:
        relevance: an `Attribution` of one target, or an array; see `relevance_maps`.
        block: bool (H, W), True in one rectangle.

    Raises:
        InvalidInputError: the mask is no rectangle, or does not fit the maps.
    """
    apart, (top, left), size = _rivals(block)
    maps = relevance_maps(relevance, block.shape)
    sums = sliding_window_view(maps, size, axis=(1, 2)).sum(axis=(-2, -1))
    own = sums[:, top, left][:, None]
    rivals = sums[:, apart]
    return 1.0 + (rivals > own).sum(axis=1) + 0.5 * (rivals == own).sum(axis=1)


def blocks(block: np.ndarray) -> int:
    """How many blocks are ranked: this one, and those of its size that do not overlap it."""
    return 1 + int(_rivals(block)[0].sum())


def _rivals(block: np.ndarray) -> tuple[np.ndarray, tuple[int, int], tuple[int, int]]:
    """Which places of a window (by its upper left) hold a rival; the block's place and size."""
    block = np.asarray(block)
    if block.ndim != 2 or not block.any():
        raise InvalidInputError("A block is a mask (H, W) with one rectangle of True.")
    rows, columns = np.nonzero(block)
    (top, bottom), (left, right) = ((int(a.min()), int(a.max()) + 1) for a in (rows, columns))
    height, width = bottom - top, right - left
    if len(rows) != height * width:
        raise InvalidInputError("A block is a rectangle, and this mask has gaps or corners.")
    y, x = np.ogrid[: block.shape[0] - height + 1, : block.shape[1] - width + 1]
    apart = (abs(y - top) >= height) | (abs(x - left) >= width)
    return apart, (top, left), (height, width)
