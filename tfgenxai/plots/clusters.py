"""Figures of variational clusters: what a classifier says when only some sites are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.charts import NORMAL_95
from tfgenxai.plots.style import COLOURS, INK, NEUTRAL, dress, new_figure


def reveal_curves(
    counts: Sequence[float],
    panels: Mapping[str, Mapping[str, np.ndarray]],
    known: Mapping[int, Sequence[float]] | None = None,
    *,
    control: str | None = None,
    title: str = "",
) -> Figure:
    """A panel a unit, a line an order: the mean probability with its 95 % band, over n.

    Args:
        counts: (K,) values of n.
        panels: unit -> order -> (N, K) probabilities; every panel has the same orders.
        known: n -> values from elsewhere, drawn as crosses.
        control: the order that is drawn grey and dashed.

    Raises:
        InvalidInputError: no panel, or other than K values an image.
    """
    if not panels:
        raise InvalidInputError("There are no probabilities to draw.")
    figure = new_figure(4.2 * len(panels), 4.4, title)
    every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (unit, orders) in zip(every, panels.items(), strict=True):
        palette = iter(COLOURS * math.ceil(len(orders) / len(COLOURS)))
        for name, values in orders.items():
            array = np.asarray(values, np.float64)
            if array.ndim != 2 or array.shape[1] != len(counts):
                raise InvalidInputError(
                    f"The order '{name}' has values {array.shape}, not (N, {len(counts)})."
                )
            mean = array.mean(axis=0)
            plain = name == control
            colour = NEUTRAL if plain else next(palette)
            axes.plot(counts, mean, "--" if plain else "-", color=colour, label=name, linewidth=1.8)
            if len(array) > 1:
                error = NORMAL_95 * array.std(axis=0, ddof=1) / math.sqrt(len(array))
                axes.fill_between(
                    counts, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0
                )
        for n, points in (known or {}).items():
            axes.plot([n] * len(points), points, "x", color=INK, markersize=5)
        dress(axes, title=f"n counts {unit}", x="n")
    every[0].set_ylabel("probability of the class")
    every[0].set_ylim(-0.02, 1.04)
    handles, names = every[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
