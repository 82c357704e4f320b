"""Figures of images: grids, reconstructions and latent traversals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels, make_grid
from tfgenxai.plots.maps import draw_over, map_scale
from tfgenxai.plots.style import INK, new_figure, show_picture

TILE = 1.05  # inches of one picture, of its height if it is wide
WIDEST = 10.0  # inches that wide pictures fill at most


def image_grid(
    images: np.ndarray,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    *,
    title: str = "",
) -> Figure:
    """Images (N, H, W, C) in [0, 1], row by row, each with its title if any."""
    pixels = as_pixels(images)
    if titles is not None and len(titles) != len(pixels):
        raise InvalidInputError(f"{len(pixels)} images need as many titles, not {len(titles)}.")
    columns = min(columns or math.ceil(math.sqrt(len(pixels))), len(pixels))
    rows = math.ceil(len(pixels) / columns)
    shape = pixels.shape[1] / pixels.shape[2]
    width = columns * TILE
    if shape < 1:
        width = max(width, min(width / shape, WIDEST))
    height = rows * (width / columns * shape + (0.25 if titles else 0)) + (0.4 if title else 0)
    figure = new_figure(max(width, 3.0), height, title)
    if titles is None:
        show_picture(figure.add_subplot(), make_grid(pixels, columns))
        return figure
    for index, (picture, name) in enumerate(zip(pixels, titles, strict=True)):
        show_picture(figure.add_subplot(rows, columns, index + 1), picture, str(name))
    return figure


def reconstructions(
    images: np.ndarray,
    reconstructed: np.ndarray,
    *,
    names: tuple[str, str] = ("input", "reconstruction"),
    title: str = "",
) -> Figure:
    """Inputs above their reconstructions, both (N, H, W, C) in [0, 1], with each pair's error."""
    before, after = as_pixels(images), as_pixels(reconstructed)
    if before.shape != after.shape:
        raise InvalidInputError(
            f"Images {np.shape(images)} and reconstructions {np.shape(reconstructed)} differ."
        )
    count = len(before)
    figure = new_figure(max(count * TILE, 3.5) + 0.4, 2 * TILE + 0.8, title)
    axes = figure.subplots(2, count, squeeze=False)
    errors = ((before / 255.0 - after / 255.0) ** 2).mean(axis=(1, 2, 3))
    for index in range(count):
        show_picture(axes[0, index], before[index])
        show_picture(axes[1, index], after[index])
        axes[1, index].set_xlabel(f"MSE {errors[index]:.3f}", fontsize=8, color=INK)
    for row, name in enumerate(names):
        axes[row, 0].set_ylabel(name, fontsize=10, color=INK)
    return figure


def latent_traversal(
    generated: np.ndarray,
    values: np.ndarray,
    nodes: Sequence[int],
    *,
    heatmaps: np.ndarray | None = None,
    image: np.ndarray | None = None,
    title: str = "Tweaking the latent space",
) -> Figure:
    """Generated images along the range of each latent node, beside the node's heatmap.

    Args:
        generated: (R, L, H, W, C) in [0, 1]: for each of R nodes, images at L values.
        values: (L,) values of the nodes, or (R, L) when their ranges differ.
        nodes: The R latent indices.
        heatmaps: (R, h, w) attribution of each node; drawn over `image`, scaled per node.
        image: (H, W, C) the input that the heatmaps explain.
    """
    array = np.asarray(generated)
    if array.ndim != 5 or len(array) != len(nodes):
        raise InvalidInputError(
            f"{len(nodes)} nodes need images of shape ({len(nodes)}, L, H, W, C), "
            f"not {array.shape}."
        )
    rows, steps = array.shape[:2]
    along = np.broadcast_to(np.asarray(values, np.float64), (rows, steps))
    lead = [name for name, given in (("Input", image), ("Heatmap", heatmaps)) if given is not None]
    shape = array.shape[2] / array.shape[3]
    figure = new_figure((steps + len(lead)) * TILE + 0.6, rows * (TILE * shape + 0.3) + 0.5, title)
    axes = figure.subplots(rows, steps + len(lead), squeeze=False)
    background = as_pixels(array[0, :1] if image is None else np.asarray(image)[None])[0]
    for row, node in enumerate(nodes):
        if image is not None:
            show_picture(axes[row, 0], background, "Input")
        if heatmaps is not None:
            cell = axes[row, len(lead) - 1]
            draw_over(cell, background, heatmaps[row], map_scale(heatmaps[row]), title="Heatmap")
        for step, picture in enumerate(as_pixels(array[row])):
            show_picture(axes[row, len(lead) + step], picture, f"{along[row, step]:+.2f}")
        axes[row, 0].set_ylabel(f"node {node}", fontsize=10, color=INK)
    return figure
