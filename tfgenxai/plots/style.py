"""One look for every figure; nothing of matplotlib's global state is touched."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tfgenxai.files import write_bytes

DPI = 120
# Petroff 2021, "Accessible color sequences for data visualization": told apart by readers
# with any colour vision.
COLOURS = tuple(to_hex(colour) for colour in matplotlib.color_sequences["petroff10"])
POSITIVE, NEGATIVE, NEUTRAL = COLOURS[0], COLOURS[6], "#8a8f98"
SEQUENTIAL = "inferno"
DIVERGING = "RdBu_r"
Grid = Literal["both", "x", "y", "none"]
INK, FAINT = "#22262b", "#dfe2e6"


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure of that size in inches, drawn without a display."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    return figure


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "", grid: Grid = "both") -> None:
    """Title, axis names and a light grid for a chart."""
    axes.set_title(title, fontsize=11, color=INK)
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(NEUTRAL)
    axes.set_axisbelow(True)
    if grid != "none":
        axes.grid(axis=grid, color=FAINT, linewidth=0.8)


def show_picture(axes: Axes, picture: np.ndarray, title: str = "") -> None:
    """One picture (H, W, 3) without axes, its pixels sharp."""
    axes.imshow(picture, interpolation="nearest")
    bare(axes, title)


def bare(axes: Axes, title: str = "") -> None:
    """Axes of a picture: a title, no ticks and no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=9, color=INK, pad=3)


def class_colours(count: int) -> Sequence[str]:
    """`count` colours; past ten, evenly spaced on a scale of rising lightness."""
    if count <= len(COLOURS):
        return COLOURS[:count]
    scale = matplotlib.colormaps["viridis"]
    return [to_hex(scale(position)) for position in np.linspace(0, 1, count)]


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as a PNG file's content, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike[str], dpi: int = DPI) -> Path:
    """Write the figure as a PNG file, atomically; gives back the path."""
    return write_bytes(path, png(figure, dpi))
