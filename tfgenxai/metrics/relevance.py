"""Relevance as every metric reads it: one number a place, at the resolution of the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgenxai.attribution.result import Attribution
from tfgenxai.errors import InvalidInputError, UsageError


def grid_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The places of a sample of this shape: the pixels (H, W) of images (H, W, C), else all."""
    return tuple(shape[:2]) if len(shape) == 3 else tuple(shape)


def relevance_maps(
    relevance: Any, grid: tuple[int, ...] | None = None, count: int | None = None
) -> np.ndarray:
    """float64 (N, *grid): the channels of a pixel summed, the maps of a layer scaled up.

    Signs are kept. Layers are scaled up bilinearly with pixel centres aligned, as
    `Attribution.at_input_resolution` does.

    Args:
        relevance: an `Attribution` of one target, or an array (N, ...) of the input's shape, of
            its height and width, or of a layer's, which are smaller.
        grid: the places wanted; by default those of the explained input, for an array its own.
        count: N, where it is known.

    Raises:
        UsageError: an attribution of a family of targets.
        InvalidInputError: the shapes do not fit, or there are NaN or infinite values.
    """
    if isinstance(relevance, Attribution):
        if relevance.family:
            raise UsageError(
                f"Explanations are measured one target at a time, and these are of "
                f"{len(relevance.target_names)}: choose one with .target(name)."
            )
        explained = grid_of(relevance.input_shape)
        if grid is not None and grid != explained:
            raise InvalidInputError(f"The maps are of inputs {explained}, not {grid}.")
        grid, values = explained, np.asarray(relevance.values, np.float64)
    else:
        values = np.asarray(relevance, np.float64)
    if values.ndim < 2:
        raise InvalidInputError(f"Relevance has shape (N, ...), one map a sample: {values.shape}.")
    if count is not None and len(values) != count:
        raise InvalidInputError(f"There are {len(values)} maps of relevance for {count} samples.")
    if not np.isfinite(values).all():
        raise InvalidInputError("The relevance holds NaN or infinite values.")
    if values.ndim == 4:
        values = values.sum(axis=-1)
    if grid is None or values.shape[1:] == grid:
        return values
    if len(grid) != 2 or values.ndim != 3 or any(map(int.__gt__, values.shape[1:], grid)):
        raise InvalidInputError(
            f"Relevance of shape {values.shape[1:]} a sample does not fit inputs of "
            f"{' x '.join(map(str, grid))} places."
        )
    import tensorflow as tf

    scaled: np.ndarray = tf.image.resize(values[..., None], grid, method="bilinear").numpy()
    return scaled[..., 0].astype(np.float64)


def relevance_rows(
    relevance: Any, grid: tuple[int, ...] | None = None, count: int | None = None
) -> np.ndarray:
    """The same with the places in one row, (N, P)."""
    maps = relevance_maps(relevance, grid, count)
    return maps.reshape(len(maps), -1)
