"""Figures of words: what the characters of a word have to do with each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.style import INK, bare, new_figure

TILE = 2.0  # inches of one matrix


def character_matrices(
    matrices: Mapping[str, np.ndarray], *, title: str = "", chance: float | None = None
) -> Figure:
    """Matrices (n, n) of shares side by side, numbers in their cells, on one scale from 0 to 1.

    Args:
        matrices: Title -> rows and columns of characters, in the order of the word.
        chance: Share of a map that knows nothing, named below.

    Raises:
        InvalidInputError: There is none, or one is not square.
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in matrices.items()}
    if not arrays or any(a.ndim != 2 or len(set(a.shape)) > 1 for a in arrays.values()):
        raise InvalidInputError("This figure is of square matrices (n, n), one at least.")
    figure = new_figure(TILE * len(arrays) + 0.4, TILE + 0.9, title)
    colours = colormaps["cividis"]
    for axes, (name, values) in zip(
        figure.subplots(1, len(arrays), squeeze=False)[0], arrays.items(), strict=True
    ):
        axes.imshow(values, cmap=colours, vmin=0.0, vmax=1.0)
        for (row, column), value in np.ndenumerate(values):
            shade = "white" if not value > 0.5 else "black"
            text = "-" if np.isnan(value) else f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=shade)
        bare(axes, name)
    if chance is not None:
        figure.supxlabel(f"chance: {chance:.2f}", fontsize=9, color=INK)
    return figure
