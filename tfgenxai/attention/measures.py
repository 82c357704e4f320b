"""What attention maps are like in numbers: spread, mass on the digit, distance.

Each number is of single queries, and averaged over the queries on the stroke and over those in the
background of an image apart; intervals are over images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.attention.grids import Grid
from tfgenxai.attention.queries import INK
from tfgenxai.errors import UsageError
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    import pandas

    from tfgenxai.attention.maps import AttentionMaps

#: Which queries a row of a table is of.
KINDS = ("stroke", "background", "all")
#: A query is on the stroke if at least this share of its pixels is ink.
STROKE = 0.5


def coverage(images: np.ndarray, grid: Grid, *, ink: float = INK) -> np.ndarray:
    """The share of each cell that is ink, (N, h, w) in [0, 1], of images (N, H, W, C) in [0, 1].

    At the image's own resolution it is the mask of pixels above `ink`; the mean over cells is
    always the share of the image that is ink.
    """
    return cell_means(np.asarray(images).mean(axis=-1) > ink, grid)


def cell_means(maps: np.ndarray, grid: Grid) -> np.ndarray:
    """The mean of maps (N, H, W) over the cells of a grid, (N, h, w) float64.

    A pixel that two cells share counts in both by the share that lies in each.
    """
    down, across = (_shares(c, p) for c, p in zip(grid, maps.shape[1:], strict=True))
    return down @ maps.astype(np.float64) @ across.T


def query_kinds(images: np.ndarray, grid: Grid, *, ink: float = INK) -> dict[str, np.ndarray]:
    """Which queries are on the stroke, in the background, or any: name -> bool (N, Q).

    On the stroke: at least half of the query's pixels are ink. In the background: none is.
    """
    covered = coverage(images, grid, ink=ink).reshape(len(images), -1)
    everywhere = np.ones(covered.shape, bool)
    return dict(zip(KINDS, (covered >= STROKE, covered == 0, everywhere), strict=True))


def per_query(maps: AttentionMaps, *, ink: float = INK) -> dict[str, np.ndarray]:
    """Measures of every row: name -> (N, Q).

    `entropy`, in bits: -sum_k a_k log2 a_k, from 0 (all from one key) to log2 K (the same from
    all). `entropy_share`: the same over log2 K. `mass`: the share that is taken from ink, a key
    counting by the share of its pixels that is ink. `distance`: sum_k a_k |q - k|, in pixels
    between the centres of the query's and the key's places.

    Raises:
        UsageError: the maps come with no images.
    """
    images = _images(maps)
    values = maps.values.astype(np.float64)
    bits = np.log2(values, out=np.zeros_like(values), where=values > 0)
    entropy = -np.einsum("nqk,nqk->nq", values, bits)
    covered = coverage(images, maps.key_grid, ink=ink).reshape(len(images), -1)
    return {
        "entropy": entropy,
        "entropy_share": entropy / np.log2(values.shape[2]),
        "mass": np.einsum("nqk,nk->nq", values, covered),
        "distance": np.einsum("nqk,qk->nq", values, distances(maps)),
    }


def distances(maps: AttentionMaps) -> np.ndarray:
    """Pixels between the centres of each query's and each key's place, (Q, K)."""
    size = _images(maps).shape[1:3]
    queries, keys = (_centres(grid, size) for grid in (maps.query_grid, maps.key_grid))
    return np.linalg.norm(queries[:, None] - keys[None], axis=2)


def measures(maps: AttentionMaps, *, ink: float = INK) -> pandas.DataFrame:
    """One row for each of `KINDS` of queries, means over images with 95 % intervals.

    Columns: `queries`, `images` (those that have such queries); `entropy`, `entropy_share`,
    `mass` and `distance` as `per_query` says; `chance`, the share of the image that is ink, and so
    the mass of the uniform map; `mass_gain`, mass less chance, an image at a time; and
    `distance_uniform`, the distance of the uniform map of the same queries. Each with `_low` and
    `_high`. A kind that no image has is left out.

    Raises:
        UsageError: the maps come with no images.
    """
    import pandas

    images = _images(maps)
    each = per_query(maps, ink=ink)
    each["distance_uniform"] = np.broadcast_to(distances(maps).mean(axis=1), each["mass"].shape)
    chance = coverage(images, maps.key_grid, ink=ink).mean(axis=(1, 2))
    rows = []
    for kind, chosen in query_kinds(images, maps.query_grid, ink=ink).items():
        some = chosen.any(axis=1)
        if not some.any():
            continue
        counts = chosen[some].sum(axis=1)
        means = {n: np.where(chosen, v, 0.0)[some].sum(axis=1) / counts for n, v in each.items()}
        means |= {"chance": chance[some], "mass_gain": means["mass"] - chance[some]}
        row: dict[str, object] = {"queries": kind, "images": int(some.sum())}
        for name, found in means.items():
            row |= interval(found).row(name)
        rows.append(row)
    return pandas.DataFrame(rows)


def _images(maps: AttentionMaps) -> np.ndarray:
    if maps.images is None:
        raise UsageError(
            "Strokes and background are measured on images, and these maps come with none: the "
            "graph neither takes nor gives an image."
        )
    return maps.images


def _centres(grid: Grid, size: Grid) -> np.ndarray:
    """Centres of the cells in pixels, (cells, 2), in the order of row * columns + column."""
    axes = [(np.arange(n) + 0.5) * pixels / n for n, pixels in zip(grid, size, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _shares(cells: int, pixels: int) -> np.ndarray:
    """The share of each cell that each pixel of an axis covers, (cells, pixels); rows sum to 1."""
    edges = np.linspace(0, pixels, cells + 1)
    along = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], along + 1) - np.maximum(edges[:-1, None], along)
    return np.clip(overlap, 0, None) * cells / pixels
