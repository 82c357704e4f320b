"""Figures of self-attention: maps of single queries, right and wrong indices, measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.maps import STRONGEST
from tfgenxai.plots.style import (
    COLOURS,
    INK,
    NEUTRAL,
    SEQUENTIAL,
    bare,
    dress,
    new_figure,
    show_picture,
)

if TYPE_CHECKING:
    import pandas

    from tfgenxai.attention import AttentionMaps, Query

TILE = 1.55  # inches of one picture
_MARK: dict[str, Any] = {"s": 42, "edgecolors": "white", "linewidths": 1.2, "zorder": 5}


def attention_queries(
    maps: AttentionMaps, queries: Sequence[Sequence[Query]], *, title: str | None = None
) -> Figure:
    """Each image with its query pixels, then what each query takes, all on one colour scale.

    The scale is that of square roots, from zero, so that small shares show beside large ones.

    Args:
        maps: N samples that come with images.
        queries: Those of each image, in pixels; as many for all.
        title: The layer and its gain by default.

    Raises:
        InvalidInputError: There are no images, or not the same number of queries for each.
    """
    pixels = _pixels(maps)
    counts = {len(each) for each in queries}
    if len(queries) != len(pixels) or len(counts) != 1:
        raise InvalidInputError(
            f"{len(pixels)} images need as many lists of queries, all of one length."
        )
    shown = np.stack(
        [
            [maps[n].for_query(q.row, q.column, of="image")[0] for q in each]
            for n, each in enumerate(queries)
        ]
    )
    # Most of a peaked map would be black on a linear scale.
    norm = PowerNorm(0.5, 0.0, float(shown.max()))
    (count,) = counts
    rows, shape = len(pixels), pixels.shape[1] / pixels.shape[2]
    figure = new_figure(
        (1 + count) * TILE + 1.2,
        rows * (TILE * shape + 0.32) + 0.6,
        named(maps) if title is None else title,
    )
    axes = figure.subplots(rows, 1 + count, squeeze=False)
    for n, each in enumerate(queries):
        show_picture(axes[n, 0], pixels[n], "query pixels" if n == 0 else "")
        for place, query in enumerate(each):
            colour = COLOURS[place % len(COLOURS)]
            _mark(axes[n, 0], query.row, query.column, colour)
            cell = axes[n, 1 + place]
            _over(cell, pixels[n], shown[n, place], norm)
            bare(cell, query.name.replace(", ", ",\n"))
            cell.title.set_color(colour)
            _mark(cell, query.row, query.column, colour)
    _bar(figure, axes, norm, maps.values.shape[2])
    return figure


def index_slip(
    maps: AttentionMaps,
    queries: Sequence[Query],
    *,
    title: str = "The right row of the map, and row * column",
) -> Figure:
    """The maps of one image by the right and by the wrong index, on own scales and on one.

    Right and wrong, each map from its own smallest to its own largest value, as a plotting library
    does by default; then the same on one scale from zero. Below each map: its entropy over log2 K,
    the share that it takes from ink, and the mean distance from the query in pixels.

    Args:
        maps: One sample that comes with its image.
        queries: In pixels of the image.

    Raises:
        InvalidInputError: More than one sample, or no image.
    """
    from tfgenxai.attention.indexing import slip
    from tfgenxai.attention.measures import per_query

    if len(maps) != 1:
        raise InvalidInputError(f"This figure is of one image, not of {len(maps)}.")
    picture, measured = _pixels(maps)[0], per_query(maps)
    width = maps.query_grid[1]
    right = [maps.index(q.row, q.column, of="image") for q in queries]
    shown = {"right": right, "wrong": [slip(*divmod(q, width), width).wrong for q in right]}
    values = {n: maps.values[0, rows].reshape(-1, *maps.key_grid) for n, rows in shown.items()}
    shared = Normalize(0.0, max(float(each.max()) for each in values.values()))
    figure = new_figure((1 + len(right)) * TILE + 1.3, 4 * (TILE + 0.42) + 0.6, title)
    axes = figure.subplots(4, 1 + len(right), squeeze=False)
    steps = [(name, own) for own in (True, False) for name in ("right", "wrong")]
    for row, (name, own) in zip(axes, steps, strict=True):
        rule = "row * W + column" if name == "right" else "row * column"
        show_picture(row[0], picture)
        row[0].set_ylabel(
            f"{rule}\n{'own scale each' if own else 'one scale'}", fontsize=9, color=INK
        )
        for place, (map_, index) in enumerate(zip(values[name], shown[name], strict=True)):
            colour, at = COLOURS[place % len(COLOURS)], divmod(index, width)
            cell = row[1 + place]
            scale = Normalize(float(map_.min()), float(map_.max())) if own else shared
            cell.imshow(map_, cmap=SEQUENTIAL, norm=scale, interpolation="nearest")
            bare(cell, f"{'query' if name == 'right' else 'shows'} ({at[0]}, {at[1]})")
            _mark(row[0], *_centre(at, maps.query_grid, picture.shape[:2]), colour)
            _mark(cell, *_centre(at, maps.query_grid, maps.key_grid), colour)
            entropy, mass, distance = (
                measured[part][0, index] for part in ("entropy_share", "mass", "distance")
            )
            note = f"entropy {entropy:.2f}, ink {mass:.2f}\n{distance:.1f} pixels away"
            cell.set_xlabel(note, fontsize=7, color=INK, labelpad=2)
    _bar(figure, axes[2:], shared, maps.values.shape[2])
    return figure


def attention_chart(
    frame: pandas.DataFrame, gains: Mapping[str, float | None], *, title: str = "Attention"
) -> Figure:
    """Gain, spread, mass on the digit and distance, with controls: a dot and interval each.

    Args:
        frame: Rows of `attention.measures_with_controls`, with a column `layer`.
        gains: Layer -> its gain; None where it has none.
    """
    kinds = [kind for kind in ("stroke", "background") if kind in set(frame["queries"])]
    names = list(gains)
    if not names or not kinds:
        raise InvalidInputError("There are no layers, or no queries of a kind, to draw.")
    places = {pair: y for y, pair in enumerate((n, k) for n in names for k in kinds)}
    figure = new_figure(13.0, 0.42 * len(places) + 1.9, title)
    first, *panels = figure.subplots(1, 4, width_ratios=(1, 1.5, 1.5, 1.5))
    known = [0.0 if gain is None else gain for gain in gains.values()]
    middles = [np.mean([places[name, kind] for kind in kinds]) for name in names]
    first.barh(middles, known, height=0.3 * len(kinds), color=COLOURS[0])
    for y, gain in zip(middles, gains.values(), strict=True):
        first.annotate("none" if gain is None else f" {gain:.3g}", (gain or 0.0, y), va="center",
                       fontsize=8, color=INK)  # fmt: skip
    first.axvline(0, color=INK, linewidth=0.8)
    first.margins(x=0.3)
    first.set_yticks(middles, names)
    dress(first, title="gain", x="of what is added", grid="x")
    about = (
        ("entropy_share", "entropy", "of log2 K; 1: the same from all"),
        ("mass_gain", "mass on the digit", "less the digit's share of the image"),
        ("distance", "distance", "pixels from query to keys"),
    )
    for axes, (column, heading, unit) in zip(panels, about, strict=True):
        _dots(axes, frame, places, column)
        axes.set_yticks(list(places.values()), [kind for _, kind in places])
        dress(axes, title=heading, x=unit, grid="x")
    panels[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    for axes in (first, *panels):
        axes.set_ylim(len(places) - 0.5, -0.5)
    return figure


def named(maps: AttentionMaps) -> str:
    """The layer of maps with its gain, for a title: a gain of 0 says that they have no effect."""
    if maps.gain is None:
        return f"{maps.layer} (no gain)"
    effect = ": no effect on the output" if maps.gain == 0 else ""
    return f"{maps.layer}, gain {maps.gain:.3g}{effect}"


def _dots(
    axes: Axes, frame: pandas.DataFrame, places: Mapping[tuple[str, str], int], column: str
) -> None:
    """One series a kind of map, a little below each other."""
    kinds = list(dict.fromkeys(frame["map"]))
    for step, kind in enumerate(kinds):
        rows = frame[(frame["map"] == kind) & frame["queries"].isin([k for _, k in places])]
        y = [places[pair] for pair in zip(rows["layer"], rows["queries"], strict=True)]
        values = rows[column].to_numpy()
        ends = np.stack([values - rows[f"{column}_low"], rows[f"{column}_high"] - values])
        axes.errorbar(
            values,
            np.array(y) + 0.22 * (step - (len(kinds) - 1) / 2),
            xerr=np.maximum(ends, 0),
            fmt="os|"[min(step, 2)],
            markersize=5,
            color=(COLOURS[0], COLOURS[1], NEUTRAL)[min(step, 2)],
            label=kind,
            capsize=2,
        )


def _over(axes: Axes, picture: np.ndarray, values: np.ndarray, norm: Normalize) -> None:
    """A map over its picture in grey, each key a block of the pixels that it stands for."""
    height, width = picture.shape[:2]
    axes.imshow(picture.mean(axis=-1), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.imshow(
        values,
        cmap=SEQUENTIAL,
        norm=norm,
        alpha=STRONGEST * norm(values).filled(0.0),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        interpolation="nearest",
    )


def _bar(figure: Figure, axes: np.ndarray, norm: Normalize, keys: int) -> None:
    bar = figure.colorbar(ScalarMappable(norm, SEQUENTIAL), ax=axes, shrink=0.9, pad=0.02)
    bar.set_label(f"share taken from a key; line: 1/{keys}", fontsize=9)
    bar.ax.axhline(1.0 / keys, color=COLOURS[0], linewidth=2.5)
    bar.ax.tick_params(labelsize=8)


def _mark(axes: Axes, row: float, column: float, colour: str) -> None:
    axes.scatter([column], [row], color=colour, **_MARK)


def _centre(
    place: tuple[int, int], grid: tuple[int, int], size: Sequence[int]
) -> tuple[float, float]:
    """The centre of a grid's cell in the pixels of a picture of another size."""
    row, column = ((p + 0.5) * s / g - 0.5 for p, s, g in zip(place, size, grid, strict=False))
    return row, column


def _pixels(maps: AttentionMaps) -> np.ndarray:
    if maps.images is None:
        raise InvalidInputError("These attention maps come with no images to draw them over.")
    return as_pixels(maps.images)
