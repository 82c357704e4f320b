"""Self-attention between the characters of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.attention.measures import STROKE, coverage
from tfgenxai.attention.queries import INK
from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.attention.maps import AttentionMaps


def attention_between(maps: AttentionMaps, count: int, *, ink: float = INK) -> np.ndarray:
    """What the ink of each character takes from the columns of each, (N, n, n); rows sum to 1.

    [s, i, j] is the share that queries in the ink of character i (at least half of their pixels
    are) take from the keys in the columns of character j, on average over these queries. NaN in a
    row without such a query. The uniform map has 1/n everywhere.

    Args:
        maps: of words of `count` characters.
        ink: grey above which a pixel is ink.

    Raises:
        UsageError: the maps come with no images.
        InvalidInputError: a grid cannot be cut into as many equal parts as there are characters.
    """
    if maps.images is None:
        raise UsageError("Ink is found in images, and these attention maps come with none.")
    for grid in (maps.query_grid, maps.key_grid):
        if grid[1] % count:
            raise InvalidInputError(f"A grid {grid} cannot be cut into {count} equal parts.")
    inked = coverage(maps.images, maps.query_grid, ink=ink) >= STROKE
    rows = _slots(inked.reshape(len(maps), -1), maps.query_grid, count)
    keys = _slots(np.ones((1, maps.values.shape[2])), maps.key_grid, count)[0]
    taken = np.einsum("nqi,nqk,jk->nij", rows.transpose(0, 2, 1), maps.values, keys, optimize=True)
    queries = rows.sum(axis=2)[..., None]
    return np.divide(taken, queries, out=np.full(taken.shape, np.nan), where=queries > 0)


def _slots(places: np.ndarray, grid: tuple[int, int], count: int) -> np.ndarray:
    """The values (N, h w) of each character's columns, 0 elsewhere, (N, n, h w) float64."""
    owner = np.tile(np.arange(grid[1]) * count // grid[1], grid[0])
    return places[:, None].astype(np.float64) * (owner == np.arange(count)[:, None])
