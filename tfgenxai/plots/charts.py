"""Charts of numbers: training curves, measured curves with controls, bars and matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.style import COLOURS, INK, NEGATIVE, NEUTRAL, POSITIVE, dress, new_figure

NORMAL_95 = 1.96


def curve(
    history: Mapping[str, Sequence[float]] | Any, *, title: str = "Training", columns: int = 3
) -> Figure:
    """A training history, one panel a metric, training and validation together.

    Args:
        history: Metric name -> one value an epoch, or what Keras' `fit` gives back.
    """
    records: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    metrics = list(dict.fromkeys(name.removeprefix("val_") for name in records))
    if not metrics:
        raise InvalidInputError("The training history is empty; there is nothing to draw.")
    columns = min(columns, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    figure = new_figure(max(3.6 * columns, 4.5), 2.9 * rows + 0.3, title)
    for index, metric in enumerate(metrics):
        axes = figure.add_subplot(rows, columns, index + 1)
        for key, name, colour in (
            (metric, "training", POSITIVE),
            (f"val_{metric}", "validation", NEGATIVE),
        ):
            if key in records:
                values = records[key]
                epochs = np.arange(1, len(values) + 1)
                axes.plot(epochs, values, ".-", color=colour, label=name, linewidth=1.6)
        dress(axes, x="epoch", y=metric.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=9)
    return figure


def curves(
    x: Sequence[float],
    series: Mapping[str, np.ndarray],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    control: str | None = None,
) -> Figure:
    """Several measured curves over the same x.

    Args:
        x: (K,) positions.
        series: Name -> (K,) values, or (R, K) repetitions drawn as their mean with its 95 %
            confidence band.
        control: The name of the series that is a baseline; drawn grey and dashed.
    """
    figure = new_figure(6.5, 4.2)
    axes = figure.add_subplot()
    palette = iter(COLOURS * (1 + len(series) // len(COLOURS)))
    for name, values in series.items():
        repetitions = np.atleast_2d(np.asarray(values, np.float64))
        if repetitions.shape[1:] != (len(x),):
            raise InvalidInputError(
                f"The curve '{name}' has {repetitions.shape[-1]} values for {len(x)} positions."
            )
        mean = repetitions.mean(axis=0)
        baseline = name == control
        colour = NEUTRAL if baseline else next(palette)
        axes.plot(x, mean, "--" if baseline else "-", color=colour, label=name, linewidth=1.8)
        if len(repetitions) > 1:
            error = NORMAL_95 * repetitions.std(axis=0, ddof=1) / math.sqrt(len(repetitions))
            axes.fill_between(x, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
    dress(axes, title=title, x=xlabel, y=ylabel)
    axes.legend(frameon=False, fontsize=9)
    return figure


def bars(
    values: Sequence[float],
    names: Sequence[str],
    *,
    title: str,
    xlabel: str,
    errors: Sequence[float] | None = None,
) -> Figure:
    """Horizontal bars from the first (top) to the last, negative ones in another colour."""
    if len(values) != len(names) or not len(values):
        raise InvalidInputError(f"{len(values)} bars need as many names, not {len(names)}.")
    figure = new_figure(6.5, 0.32 * len(values) + 1.3)
    axes = figure.add_subplot()
    numbers = np.asarray(values, np.float64)
    axes.barh(
        np.arange(len(numbers)),
        numbers,
        xerr=errors,
        color=[NEGATIVE if value < 0 else POSITIVE for value in numbers],
        error_kw={"ecolor": INK, "capsize": 3, "elinewidth": 1},
    )
    axes.set_yticks(np.arange(len(numbers)), [str(name) for name in names])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    dress(axes, title=title, x=xlabel, grid="x")
    return figure


def matrix(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    label: str,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """A matrix (R, C) with each number written in its cell.

    Args:
        label: What the numbers are; the name of the colour bar.
        limits: Ends of the colour scale; those of the data by default, symmetric if signed.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.shape != (len(rows), len(columns)):
        raise InvalidInputError(
            f"A matrix of shape {numbers.shape} does not fit {len(rows)} row and "
            f"{len(columns)} column names."
        )
    signed = np.nanmin(numbers) < 0 if limits is None else limits[0] < 0
    if limits is None:
        largest = float(np.nanmax(np.abs(numbers))) or 1.0
        limits = (-largest if signed else 0.0, largest)
    colours = colormaps["RdBu_r" if signed else "cividis"]
    figure = new_figure(0.75 * len(columns) + 3, 0.5 * len(rows) + 1.9)
    axes = figure.add_subplot()
    drawn = axes.imshow(numbers, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    for (r, c), value in np.ndenumerate(numbers):
        shade = colours((value - limits[0]) / (limits[1] - limits[0]))
        luminance = np.dot(shade[:3], (0.299, 0.587, 0.114))
        axes.text(
            c,
            r,
            "-" if np.isnan(value) else f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=9,
            color="black" if luminance > 0.5 or np.isnan(value) else "white",
        )
    dress(axes, title=title, grid="none")
    axes.set_xticks(np.arange(len(columns)), columns, rotation=35, ha="right")
    axes.set_yticks(np.arange(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(drawn, ax=axes)
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure
