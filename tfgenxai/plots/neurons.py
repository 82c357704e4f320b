"""Figures of neurons: activation maps by layer, maximisation, ablation, similarity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.maps import map_scale
from tfgenxai.plots.style import (
    DIVERGING,
    INK,
    SEQUENTIAL,
    bare,
    class_colours,
    dress,
    new_figure,
    show_picture,
)

if TYPE_CHECKING:
    import pandas

    from tfgenxai.neurons import Maximised

TILE = 0.95  # inches of one map
_WIDEST = 64


def activation_maps(
    layers: Mapping[str, np.ndarray],
    image: np.ndarray | None = None,
    *,
    channels: int = 12,
    title: str = "Activations",
) -> Figure:
    """What the layers make of one sample: a row a layer, its strongest channels first.

    Each layer has its own scale. A flat layer is drawn as one strip of all its neurons.

    Args:
        layers: Name -> (h, w, c) or (d,) activations of one sample.
        image: (H, W, C) in [0, 1], what goes in or comes out; drawn before the first row.
        channels: The most a row shows.
    """
    if not layers:
        raise InvalidInputError("There are no activations to draw.")
    shown = {name: np.asarray(values, np.float64) for name, values in layers.items()}
    if wrong := [name for name, values in shown.items() if values.ndim not in (1, 3)]:
        raise InvalidInputError(
            f"Activations of one sample have shape (h, w, c) or (d,); those of {wrong[0]} have "
            f"{shown[wrong[0]].shape}."
        )
    figure = new_figure((channels + 1) * TILE + 1.8, len(shown) * (TILE + 0.2) + 0.6, title)
    axes = figure.subplots(len(shown), channels + 1, squeeze=False)
    for cell in axes.flat:
        cell.axis("off")
    if image is not None:
        show_picture(axes[0, 0], as_pixels(np.asarray(image)[None])[0])
    grid = axes[0, 0].get_gridspec()
    for row, (name, values) in enumerate(shown.items()):
        norm = map_scale(values)
        colours = DIVERGING if norm.vmin else SEQUENTIAL
        if values.ndim == 1:
            cells = [figure.add_subplot(grid[row, 1:])]
            width = min(len(values), _WIDEST)
            padded = np.full(math.ceil(len(values) / width) * width, np.nan)
            padded[: len(values)] = values
            cells[0].imshow(padded.reshape(-1, width), cmap=colours, norm=norm, aspect="auto")
            bare(cells[0])
        else:
            order = np.argsort(-np.abs(values).mean(axis=(0, 1)), kind="stable")[:channels]
            cells = list(axes[row, 1 : 1 + len(order)])
            for cell, channel in zip(cells, order, strict=True):
                cell.axis("on")
                cell.imshow(values[..., channel], cmap=colours, norm=norm, interpolation="nearest")
                bare(cell)
                cell.set_xlabel(str(channel), fontsize=7, color=INK, labelpad=1)
        cells[0].set_ylabel(f"{name}\n{_span(values)}", fontsize=7, color=INK, rotation=0,
                            ha="right", va="center")  # fmt: skip
    return figure


def _span(values: np.ndarray) -> str:
    return f"{values.min():.2g} to {values.max():.2g}"


def maximised(
    result: Maximised,
    maps: np.ndarray | None = None,
    *,
    columns: int = 4,
    title: str = "Activation maximisation",
) -> Figure:
    """The image that each target's best input leads to, beside its activation map, with its score.

    Args:
        result: What was found: images the graph draws, or the inputs where they are images.
        maps: (T, h, w) the maximised unit's activation for these inputs.
        columns: Targets a row.

    Raises:
        InvalidInputError: There is no image to draw, or not one map a target.
    """
    images = result.best_images if result.best_images is not None else result.best_codes
    if images.ndim != 4:
        raise InvalidInputError("The graph draws no image of the codes found: nothing to show.")
    pixels = as_pixels(images)
    count = len(pixels)
    if maps is not None and np.shape(maps)[:1] != (count,):
        raise InvalidInputError(f"{count} targets need as many maps, not {np.shape(maps)[:1]}.")
    columns, beside = min(columns, count), 1 if maps is None else 2
    rows = math.ceil(count / columns)
    figure = new_figure(max(columns * beside * 1.25 + 0.2 * columns, 4.0), rows * 1.9 + 0.6, title)
    axes = figure.subplots(rows, columns * beside, squeeze=False)
    for cell in axes.flat:
        cell.axis("off")
    best, quantiles = result.scores.max(axis=1), result.quantiles
    for index, name in enumerate(result.target_names):
        row, column = index // columns, index % columns * beside
        axes[row, column].axis("on")
        show_picture(axes[row, column], pixels[index], name.replace("[", "\n["))
        axes[row, column].set_xlabel(
            f"{best[index]:.3g}; chance {result.random_best[index]:.3g}", fontsize=8, color=INK
        )
        if maps is not None:
            cell, values = axes[row, column + 1], np.asarray(maps[index], np.float64)
            norm = map_scale(values)
            cell.axis("on")
            cell.imshow(values, cmap=DIVERGING if norm.vmin else SEQUENTIAL, norm=norm)
            bare(cell)
            cell.set_xlabel(f"above {100 * quantiles[index]:.0f} % of draws", fontsize=8, color=INK)
    return figure


def ablation_heatmap(
    frame: pandas.DataFrame, *, most: int = 24, title: str = "Ablation", label: str = "effect"
) -> Figure:
    """Effects of ablating units (rows, the strongest first) by class or latent (columns).

    Args:
        frame: What `Ablation.frame` gives: column `all`, and one for each class or latent.
        most: Units shown.
        label: What the numbers are.
    """
    shown = frame.sort_values("all", ascending=False, kind="stable").head(most)
    values = shown.to_numpy(np.float64)
    if not values.size or not np.isfinite(values).any():
        raise InvalidInputError("There are no effects to draw.")
    largest = float(np.nanmax(np.abs(values))) or 1.0
    signed = float(np.nanmin(values)) < 0
    norm = Normalize(-largest if signed else 0.0, largest)
    colours = colormaps[DIVERGING if signed else "cividis"]
    figure = new_figure(0.45 * len(shown.columns) + 2.6, 0.21 * len(shown) + 1.5)
    axes = figure.add_subplot()
    axes.imshow(values, cmap=colours, norm=norm, aspect="auto")
    axes.axvline(0.5, color="white", linewidth=3)
    dress(axes, title=title, y="unit", grid="none")
    axes.set_xticks(np.arange(len(shown.columns)), [str(name) for name in shown.columns])
    axes.set_yticks(np.arange(len(shown)), [str(unit) for unit in shown.index])
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes)
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def layer_bars(
    frame: pandas.DataFrame, columns: Sequence[str], *, title: str, label: str
) -> Figure:
    """Bars with their intervals, a group a layer, one bar a column.

    Args:
        frame: With `layer`, and for each column `c` also `c_low` and `c_high`: what
            `neurons.layer_contributions` and `neurons.class_similarity` give.
        columns: The columns to draw.
        label: What the numbers are.
    """
    names = [str(name) for name in frame["layer"]]
    if not names or not columns:
        raise InvalidInputError("There are no layers or no columns to draw.")
    figure = new_figure(7.0, (0.2 * len(columns) + 0.2) * len(names) + 1.4)
    axes = figure.add_subplot()
    height = 0.8 / len(columns)
    for place, (part, colour) in enumerate(zip(columns, class_colours(len(columns)))):
        values = frame[part].to_numpy(np.float64)
        ends = np.abs(frame[[f"{part}_low", f"{part}_high"]].to_numpy(np.float64).T - values)
        axes.barh(
            np.arange(len(names)) + (place - (len(columns) - 1) / 2) * height,
            values,
            height=height,
            xerr=ends,
            color=colour,
            label=part,
            error_kw={"ecolor": INK, "capsize": 2, "elinewidth": 1},
        )
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    dress(axes, title=title, x=label, grid="x")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
