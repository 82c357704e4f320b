"""Figures of attribution maps, over the images they explain or beside them.

Positive maps are drawn on a sequential scale from zero, signed ones on a diverging scale that
is symmetric about zero: white or transparent means "no relevance" in every figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels, upsample
from tfgenxai.plots.style import DIVERGING, INK, SEQUENTIAL, bare, new_figure, show_picture

TILE = 1.5  # inches of one picture
MOST_PANELS = 400
STRONGEST = 0.85  # opacity of the largest relevance over an image


def overlay(
    attribution: Any,
    images: np.ndarray,
    *,
    target_names: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
    targets: Sequence[int] | None = None,
    over: bool = True,
    scale: Literal["map", "figure"] = "map",
    title: str | None = None,
) -> Figure:
    """Images, one a row, each followed by its attribution maps, one a target.

    Args:
        attribution: An Attribution, or an array (N, H, W[, C]) or (N, T, H, W[, C]). Channels
            are summed; maps of lower resolution are upsampled bilinearly.
        images: (N, H, W, C) in [0, 1].
        target_names: The T column titles; the attribution's own by default.
        row_names: A label for each image.
        targets: Which of the T targets to draw; all by default.
        over: Draw maps over their image rather than beside it.
        scale: "map" divides each map by its own largest magnitude; "figure" keeps the raw
            values on one scale, so that maps can be compared.
        title: The method's name by default.

    Raises:
        InvalidInputError: Maps that do not fit the images, or more panels than can be read.
    """
    pixels = as_pixels(images)
    maps = _as_maps(attribution, pixels)
    names = list(target_names or getattr(attribution, "target_names", None) or [])
    if len(names) != maps.shape[1]:
        names = [f"target {t}" for t in range(maps.shape[1])] if maps.shape[1] > 1 else names[:1]
    if targets is not None:
        maps, names = maps[:, list(targets)], [names[t] for t in targets] if names else names
    if maps[:, :, 0, 0].size > MOST_PANELS:
        raise InvalidInputError(
            f"{maps.shape[0]} images times {maps.shape[1]} targets are too many panels; "
            "draw fewer images, or choose with targets=[...]."
        )
    heading = title if title is not None else str(getattr(attribution, "method", ""))
    return _draw(pixels, maps, names, list(row_names or []), over, scale, heading)


def latent_heatmaps(
    images: np.ndarray,
    maps: Any,
    indices: Sequence[int],
    names: Sequence[str] | None = None,
    *,
    mean: bool = True,
    title: str = "Heatmaps of latent nodes",
) -> Figure:
    """Maps of chosen latent nodes over their images, and the mean over all nodes.

    Args:
        images: (N, H, W, C) in [0, 1].
        maps: An Attribution of a family, or an array (N, T, h, w), one map a latent node.
        indices: The nodes to draw.
        names: Their titles; the attribution's own, or "z22" and so on, by default.
        mean: Add the mean map over all T nodes (Liu et al. 2020, section 3.2).
    """
    known = getattr(maps, "target_names", None)
    maps = np.asarray(getattr(maps, "values", maps))
    if maps.ndim != 4:
        raise InvalidInputError(f"Latent maps must have shape (N, T, h, w), not {maps.shape}.")
    outside = [i for i in indices if not 0 <= i < maps.shape[1]]
    if outside:
        raise InvalidInputError(f"There is no latent node {outside[0]}; there are {maps.shape[1]}.")
    chosen = maps[:, list(indices)]
    titles = list(names or [known[i] if known else f"z{i}" for i in indices])
    if mean:
        chosen = np.concatenate([chosen, maps.mean(axis=1, keepdims=True)], axis=1)
        titles.append("mean of all")
    return overlay(chosen, images, target_names=titles, title=title)


def map_scale(values: np.ndarray) -> Normalize:
    """From zero for positive maps, symmetric about zero for signed ones."""
    largest = float(np.abs(values).max()) or 1.0
    return Normalize(-largest if float(np.min(values)) < 0 else 0.0, largest)


def draw_over(
    axes: Axes, picture: np.ndarray, values: np.ndarray, norm: Normalize, title: str = ""
) -> None:
    """One map (h, w) over its picture (H, W, 3), more opaque where relevance is larger."""
    values = upsample(values, *picture.shape[:2])
    # Grey beneath, so that every colour is the map's.
    axes.imshow(picture.mean(axis=-1), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    strength = np.clip(np.abs(values) / norm.vmax, 0, 1)
    axes.imshow(values, cmap=_colours(norm), norm=norm, alpha=STRONGEST * np.sqrt(strength))
    bare(axes, title)


def _colours(norm: Normalize) -> Any:
    return colormaps[DIVERGING if norm.vmin else SEQUENTIAL]


def _as_maps(attribution: Any, pixels: np.ndarray) -> np.ndarray:
    """(N, T, h, w), channels summed."""
    maps = np.asarray(getattr(attribution, "values", attribution), np.float32)
    given = maps.shape
    # An attribution says whether it has a target axis; of an array of rank 4 the shape tells.
    family = getattr(
        attribution, "family", given[-1:] not in ((1,), (3,)) or given[1:3] != pixels.shape[1:3]
    )
    if maps.ndim == 5 or (maps.ndim == 4 and not family):
        maps = maps.sum(axis=-1)
    if maps.ndim == 3:
        maps = maps[:, None]
    if maps.ndim != 4 or len(maps) != len(pixels):
        raise InvalidInputError(
            f"Maps of shape {given} do not fit {len(pixels)} images; expected "
            "(N, H, W[, C]) or (N, T, H, W[, C])."
        )
    if not np.isfinite(maps).all():
        raise InvalidInputError("The maps hold NaN or infinite values and cannot be drawn.")
    return maps


def _draw(
    pixels: np.ndarray,
    maps: np.ndarray,
    names: list[str],
    row_names: list[str],
    over: bool,
    scale: str,
    title: str,
) -> Figure:
    count, targets = maps.shape[:2]
    if scale == "map":
        largest = np.abs(maps).max(axis=(2, 3), keepdims=True)
        maps = maps / np.where(largest > 0, largest, 1)
    norm = map_scale(maps)
    shape = pixels.shape[1] / pixels.shape[2]
    figure = new_figure((1 + targets) * TILE + 1.1, max(count * TILE * shape, 1.8) + 0.6, title)
    axes = figure.subplots(count, 1 + targets, squeeze=False)
    for row in range(count):
        show_picture(axes[row, 0], pixels[row], "input" if row == 0 else "")
        if row_names:
            axes[row, 0].set_ylabel(row_names[row], fontsize=9, color=INK)
        for t in range(targets):
            name = names[t] if row == 0 and names else ""
            cell = axes[row, 1 + t]
            if over:
                draw_over(cell, pixels[row], maps[row, t], norm, name)
            else:
                values = upsample(maps[row, t], *pixels.shape[1:3])
                cell.imshow(values, cmap=_colours(norm), norm=norm)
                bare(cell, name)
    label = "relevance" if scale == "figure" else "relevance in each map"
    bar = figure.colorbar(
        ScalarMappable(norm, _colours(norm)), ax=axes, shrink=min(1.0, 3.0 / count), pad=0.02
    )
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def map_sheet(
    image: np.ndarray, maps: Mapping[str, np.ndarray], *, columns: int = 6, title: str = ""
) -> Figure:
    """One image and the maps that several methods give for it, each on a scale of its own.

    Args:
        image: (H, W, C) in [0, 1].
        maps: name -> (h, w).
    """
    if not maps:
        raise InvalidInputError("There is no map to draw.")
    picture = as_pixels(image[None])[0]
    rows = -(-(len(maps) + 1) // columns)
    figure = new_figure(columns * TILE + 0.4, rows * (TILE + 0.3) + 0.5, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    show_picture(axes[0], picture, "input")
    for cell, (name, values) in zip(axes[1:], maps.items(), strict=False):
        norm = map_scale(values)
        cell.imshow(upsample(values, *picture.shape[:2]), cmap=_colours(norm), norm=norm)
        bare(cell, name)
    for cell in axes[len(maps) + 1 :]:
        cell.axis("off")
    return figure
