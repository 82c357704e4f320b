"""Figures of codes: one picture for each pair of two things that make it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import make_grid
from tfgenxai.plots.style import INK, bare, new_figure

_TILE = 0.52  # inches of one picture: dozens stand on a sheet
_GAP = 1


def picture_table(
    images: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    title: str = "",
    x: str = "",
) -> Figure:
    """Images as the cells of a table with named rows, such as categories by noise.

    Args:
        images: (R, C, H, W, channels) in [0, 1].
        rows: R names.
        columns: C names, above the first row; none by default.
        x: what the columns are, below the last row.

    Raises:
        InvalidInputError: names that do not fit the images.
    """
    array = np.asarray(images)
    if array.ndim != 5 or array.shape[0] != len(rows):
        raise InvalidInputError(
            f"{len(rows)} rows need images of shape ({len(rows)}, C, H, W, channels), not "
            f"{array.shape}."
        )
    count, across, height, width = array.shape[:4]
    if columns is not None and len(columns) != across:
        raise InvalidInputError(f"{across} columns need as many names, not {len(columns)}.")
    picture = make_grid(array.reshape(-1, *array.shape[2:]), columns=across, padding=_GAP)
    beside = 0.09 * max(len(name) for name in rows) + 0.3
    figure = new_figure(
        max(across * _TILE + beside, 3.5),
        count * _TILE * height / width + 0.35 * bool(title) + 0.25 * bool(x) + 0.3 * bool(columns),
        title,
    )
    axes = figure.add_subplot()
    axes.imshow(picture, interpolation="nearest")
    bare(axes)
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_yticks(_centres(count, height), [str(name) for name in rows])
    if columns is not None:
        axes.set_xticks(_centres(across, width), [str(name) for name in columns])
        axes.xaxis.tick_top()
    axes.tick_params(labelsize=9, colors=INK, length=0)
    return figure


def _centres(count: int, size: int) -> np.ndarray:
    """Middles of `count` tiles of `size` pixels with their gaps."""
    return np.arange(count) * (size + _GAP) + (size - 1) / 2
