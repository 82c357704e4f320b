"""Figures of directions: images along them, how well they are told apart, what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import make_grid
from tfgenxai.plots.charts import matrix
from tfgenxai.plots.style import INK, NEUTRAL, POSITIVE, bare, dress, new_figure

if TYPE_CHECKING:
    import pandas

    from tfgenxai.metrics.intervals import Interval

_TILE = 0.62  # inches of one picture in a block
_GAP = 1  # pixels between pictures


def image_blocks(
    blocks: Mapping[str, np.ndarray],
    columns: Sequence[object] | None = None,
    *,
    notes: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Blocks of images one above the other, each with its name; the columns are named once.

    Of directions: a block a direction, a row a code, a column a size. Of a conditional model: a row
    a code, a column a label.

    Args:
        blocks: name -> images (N, S, H, W, C) in [0, 1]; S is the same in all.
        columns: S names.
        notes: a text for each block, below its name.

    Raises:
        InvalidInputError: no blocks, of other shapes, or another number of names or notes.
    """
    arrays = {name: np.asarray(images) for name, images in blocks.items()}
    shapes = {array.shape[1:] for array in arrays.values()}
    if len(shapes) != 1 or any(array.ndim != 5 for array in arrays.values()):
        raise InvalidInputError(
            "Blocks are images (N, S, H, W, C), of which N alone may differ; these are "
            f"{', '.join(str(array.shape) for array in arrays.values()) or 'none'}."
        )
    ((steps, height, width, _),) = shapes
    for given, wanted, what in ((columns, steps, "columns"), (notes, len(arrays), "blocks")):
        if given is not None and len(given) != wanted:
            raise InvalidInputError(f"There are {wanted} {what} but {len(given)} texts for them.")
    rows = [len(array) for array in arrays.values()]
    wide = _TILE * min(max(width / height, 1.0), 2.0)  # words need more room than digits
    tall = wide * height / width
    size = (steps * wide + 1.7, sum(rows) * tall + 0.12 * len(rows) + 0.3 + bool(title) * 0.4)
    figure = new_figure(*size, title)
    panels = figure.subplots(len(arrays), 1, squeeze=False, height_ratios=rows)[:, 0]
    for place, (axes, (name, array)) in enumerate(zip(panels, arrays.items(), strict=True)):
        axes.imshow(make_grid(array.reshape(-1, *array.shape[2:]), steps, _GAP))
        bare(axes)
        axes.set_anchor("W")  # so that the layout leaves room for the name
        text = name if notes is None else f"{name}\n{notes[place]}"
        axes.set_ylabel(text, fontsize=9, color=INK, rotation=0, ha="right", va="center")
    if columns is not None:
        centres = (np.arange(steps) + 0.5) * (width + _GAP) - _GAP
        panels[0].set_xticks(centres, [str(column) for column in columns])
        panels[0].xaxis.tick_top()
        panels[0].tick_params(labelsize=8, length=0, colors=INK)
    return figure


def rca_bars(
    accuracies: Mapping[str, Interval],
    chance: float,
    *,
    title: str = "Directions told apart",
    xlabel: str = "accuracy (95 % interval)",
) -> Figure:
    """A bar a method, with its interval, and a line at what guessing would reach.

    Args:
        accuracies: method -> share in [0, 1].
        chance: 1 / K for K directions.
    """
    if not accuracies:
        raise InvalidInputError("There are no accuracies to draw.")
    found = list(accuracies.values())
    means = np.array([each.mean for each in found])
    reach = np.array([[x.mean - x.low for x in found], [x.high - x.mean for x in found]])
    figure = new_figure(6.5, 0.42 * len(found) + 1.3)
    axes = figure.add_subplot()
    places = np.arange(len(found))
    axes.barh(
        places,
        means,
        xerr=np.maximum(reach, 0.0),
        color=POSITIVE,
        height=0.62,
        error_kw={"ecolor": INK, "capsize": 3, "elinewidth": 1},
    )
    for place, each in enumerate(found):
        axes.text(each.high + 0.015, place, f"{each.mean:.2f}", va="center", fontsize=9, color=INK)
    axes.axvline(chance, color=NEUTRAL, linestyle="--", linewidth=1.2)
    axes.text(
        chance, -0.62, f" chance {chance:.2g}", fontsize=8, color=NEUTRAL, ha="left", va="bottom"
    )
    axes.set_yticks(places, list(accuracies))
    axes.set_xlim(0, max(1.0, means.max()) * 1.1)
    axes.set_ylim(len(found) - 0.4, -1.0)
    dress(axes, title=title, x=xlabel, grid="x")
    return figure


def effect_chart(
    effects: pandas.DataFrame, names: Sequence[str] | None = None, *, title: str = ""
) -> Figure:
    """What each direction does to each measure: rank correlations; shares of classes, texts lost.

    Args:
        effects: `Effects.frame()`, one row a direction.
        names: of the rows; the directions' own by default.

    Raises:
        InvalidInputError: nothing in the frame but distances, or another number of names.
    """
    ranks = [str(column) for column in effects if str(column).endswith(" rank")]
    shown = {name.removesuffix(" rank"): effects[name] for name in ranks}
    shown |= {name: effects[name] for name in ("class changed", "text lost") if name in effects}
    rows = list(effects["direction"] if names is None else names)
    if not shown:
        raise InvalidInputError("These effects hold neither strokes nor classes to draw.")
    return matrix(
        np.column_stack(list(shown.values())),
        rows,
        list(shown),
        title=title or "What directions change",
        label="rank correlation with ε; share of codes",
        limits=(-1.0, 1.0),
    )
