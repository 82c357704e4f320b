"""Figures of latent codes: projections, principal components, the two-dimensional manifold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import make_grid
from tfgenxai.plots.style import NEUTRAL, POSITIVE, class_colours, dress, new_figure

if TYPE_CHECKING:
    from tfgenxai.latent import PrincipalComponents, Projection

# More classes than this are a scale, not a legend.
MOST_CLASSES = 20
WIDEST_TICKED = 30


def scatter(
    projection: Projection | np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Projected codes, coloured by label.

    Args:
        projection: A `Projection`, or an array (N, 2).
        labels: (N,) classes (integers or strings), or a quantity (floats, or many integers),
            which is drawn on a colour scale.
        class_names: A name for each integer label.
    """
    return scatters([(title, projection, labels)], class_names)


def scatters(
    panels: Sequence[tuple[str, Projection | np.ndarray, np.ndarray | None]],
    class_names: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    title: str = "",
) -> Figure:
    """Several projections side by side with one legend.

    Args:
        panels: (title, projection, labels) of each, as for `scatter`; the method's name stands
            in for an empty title.
        columns: Panels a row; up to three by default.
    """
    if not panels:
        raise InvalidInputError("There is no projection to draw.")
    columns = columns or min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(4.2 * columns + 1.3, 4.1 * rows, title)
    palette = _palette([labels for _, _, labels in panels], class_names)
    for index, (name, projection, labels) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, index + 1)
        method = getattr(projection, "title", "")
        x, y = _axis_names(projection, method)
        dress(axes, title=name or method, x=x, y=y)
        _dots(axes, projection, labels, palette, class_names)
    if palette:
        handles = [
            Line2D([], [], linestyle="", marker="o", markersize=7, color=colour, label=name)
            for name, colour in palette.items()
        ]
        figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    return figure


def _palette(
    labelled: Sequence[np.ndarray | None], class_names: Sequence[str] | None
) -> dict[str, str]:
    """A colour for each class name, the same in every panel; empty when there are no classes."""
    classes = [
        np.unique(labels) for labels in labelled if labels is not None and _are_classes(labels)
    ]
    if not classes:
        return {}
    everything = np.unique(np.concatenate(classes))
    names = list(class_names or [str(each) for each in everything])
    return dict(zip(names, class_colours(len(names)), strict=True))


def _are_classes(labels: np.ndarray) -> bool:
    return np.asarray(labels).dtype.kind != "f" and len(np.unique(labels)) <= MOST_CLASSES


def _dots(
    axes: Axes,
    projection: Projection | np.ndarray,
    labels: np.ndarray | None,
    palette: dict[str, str],
    class_names: Sequence[str] | None,
) -> None:
    points = np.asarray(getattr(projection, "values", projection))
    if points.ndim != 2 or points.shape[1] < 2:
        raise InvalidInputError(f"A scatter needs points of shape (N, 2), not {points.shape}.")
    if labels is not None and np.shape(labels) != (len(points),):
        raise InvalidInputError(
            f"{len(points)} points need as many labels; theirs have shape {np.shape(labels)}."
        )
    size = float(np.clip(14_000 / len(points), 4, 36))
    style: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": 0.8, "rasterized": True}
    # Drawn in a random order, so that no class covers the others.
    order = np.random.default_rng(0).permutation(len(points))
    points = points[order]
    if labels is None:
        axes.scatter(points[:, 0], points[:, 1], color=POSITIVE, **style)
        return
    labels = np.asarray(labels)[order]
    if not _are_classes(labels):
        drawn = axes.scatter(points[:, 0], points[:, 1], c=labels, cmap="viridis", **style)
        axes.figure.colorbar(drawn, ax=axes, shrink=0.8)
        return
    names = np.array([_class_name(label, class_names) for label in labels])
    axes.scatter(points[:, 0], points[:, 1], c=[palette[name] for name in names], **style)
    for name in np.unique(names):
        _mark(axes, np.median(points[names == name], axis=0), name)


def _class_name(label: Any, class_names: Sequence[str] | None) -> str:
    if class_names is None:
        return str(label)
    if not 0 <= int(label) < len(class_names):
        raise InvalidInputError(f"Label {label} has no name among the {len(class_names)} given.")
    return str(class_names[int(label)])


def _mark(axes: Axes, centre: np.ndarray, name: str) -> None:
    text = axes.text(
        centre[0], centre[1], name, ha="center", va="center", fontsize=10, fontweight="bold"
    )
    text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])


def _axis_names(projection: Any, method: str) -> tuple[str, str]:
    components = getattr(projection, "components", None)
    if components is None:
        return (f"{method} 1", f"{method} 2") if method else ("z0", "z1")
    shares = [f"{100 * share:.1f} %" for share in components.ratio[:2]]
    return f"component 1 ({shares[0]} of variance)", f"component 2 ({shares[1]})"


def eigenvalues(components: PrincipalComponents, *, title: str = "") -> Figure:
    """Explained variance of each principal component and its running share."""
    figure = new_figure(6.5, 3.6)
    axes = figure.add_subplot()
    numbers = np.arange(1, len(components.variance) + 1)
    axes.bar(numbers, components.variance, color=POSITIVE, width=0.75)
    dress(
        axes,
        title=title or "Explained variance of the principal components",
        x="component",
        y="variance (bars)",
        grid="y",
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    share = axes.twinx()
    share.plot(numbers, 100 * np.cumsum(components.ratio), "o-", color="#8a3b12", markersize=4)
    share.set_ylim(0, 104)
    share.set_ylabel("running share in % (line)", fontsize=10)
    share.tick_params(labelsize=9)
    share.spines[["top"]].set_visible(False)
    return figure


def loadings(components: PrincipalComponents, *, count: int = 2, title: str = "") -> Figure:
    """Loadings of the first `count` principal components, dominant dimensions in colour."""
    count = min(count, len(components.vectors))
    width = len(components.mean)
    figure = new_figure(
        float(np.clip(0.35 * width + 2, 6, 12)),
        2.1 * count + 0.8,
        title or "Loadings of the principal components",
    )
    limit = 1.12 * np.abs(components.vectors[:count]).max()
    for k in range(count):
        axes = figure.add_subplot(count, 1, k + 1)
        dominant = set(components.dominant(k))
        colours = [POSITIVE if d in dominant else NEUTRAL for d in range(width)]
        axes.bar(np.arange(width), components.vectors[k], color=colours, width=0.8)
        axes.axhline(0, color=NEUTRAL, linewidth=0.8)
        axes.set_ylim(-limit, limit)
        variance = f"variance {components.variance[k]:.2f}, {100 * components.ratio[k]:.1f} %"
        dress(axes, title=f"Component {k + 1} ({variance})", y="loading", grid="y")
        if width <= WIDEST_TICKED:
            axes.set_xticks(np.arange(width), [f"z{d}" for d in range(width)])
    axes.set_xlabel("latent dimension (dominant ones in blue)", fontsize=10)
    return figure


def manifold_2d(
    images: np.ndarray,
    x: Sequence[float],
    y: Sequence[float],
    *,
    names: tuple[str, str] = ("z0", "z1"),
    title: str = "",
) -> Figure:
    """Images decoded on a grid over two latent dimensions.

    Args:
        images: (len(y), len(x), H, W, C) in [0, 1]; the first row is the largest y.
        x: Values of the first dimension, from left to right.
        y: Values of the second dimension, from top to bottom.
    """
    array = np.asarray(images)
    if array.ndim != 5 or array.shape[:2] != (len(y), len(x)):
        raise InvalidInputError(
            f"A manifold of {len(y)} rows and {len(x)} columns needs images of shape "
            f"({len(y)}, {len(x)}, H, W, C), not {array.shape}."
        )
    rows, columns, height, width = array.shape[:4]
    picture = make_grid(array.reshape(-1, *array.shape[2:]), columns=columns, padding=0)
    figure = new_figure(7, 7 * (rows * height) / (columns * width))
    axes = figure.add_subplot()
    axes.imshow(picture, interpolation="nearest")
    dress(
        axes,
        title=title or "Images along two latent dimensions",
        x=names[0],
        y=names[1],
        grid="none",
    )
    _tick(axes.set_xticks, x, width)
    _tick(axes.set_yticks, y, height)
    return figure


def _tick(set_ticks: Any, values: Sequence[float], step: int) -> None:
    shown = range(0, len(values), math.ceil(len(values) / 10))
    set_ticks([(i + 0.5) * step - 0.5 for i in shown], [f"{values[i]:.2g}" for i in shown])
