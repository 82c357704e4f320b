"""Figures of walks between codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.images import TILE
from tfgenxai.plots.style import INK, new_figure, show_picture


def interpolation(
    rows: Mapping[str, np.ndarray],
    notes: Mapping[str, Sequence[str]] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Strips of images from one code to another, one row a kind of walk.

    Args:
        rows: Name of the walk -> images (L, H, W, C) in [0, 1]; all of one length L.
        notes: Name of the walk -> L texts above its images.
    """
    strips = {name: as_pixels(images) for name, images in rows.items()}
    lengths = {len(strip) for strip in strips.values()}
    if len(lengths) != 1:
        raise InvalidInputError(
            f"Walks drawn together have one length, not {sorted(lengths) or 'none'}."
        )
    (steps,) = lengths
    for name, texts in (notes or {}).items():
        if name not in strips or len(texts) != steps:
            raise InvalidInputError(f"{steps} images need as many notes; see those of {name!r}.")
    shape = next(iter(strips.values())).shape
    height = len(strips) * (TILE * shape[1] / shape[2] + (0.25 if notes else 0.05))
    figure = new_figure(max(steps * TILE, 3.0) + 0.4, height + (0.4 if title else 0.0), title)
    axes = figure.subplots(len(strips), steps, squeeze=False)
    for row, (name, strip) in zip(axes, strips.items(), strict=True):
        texts = (notes or {}).get(name, [""] * steps)
        for cell, picture, text in zip(row, strip, texts, strict=True):
            show_picture(cell, picture, text)
        row[0].set_ylabel(name, fontsize=10, color=INK)
    return figure
