"""Images and maps made ready for the eye: checked, tiled, upsampled."""

from __future__ import annotations

import math

import numpy as np

from tfgenxai.errors import InvalidInputError

# Decoders and resizing overshoot a little; more than this is another range.
RANGE_TOLERANCE = 0.05


def as_pixels(images: np.ndarray) -> np.ndarray:
    """`images` as uint8 RGB (N, H, W, 3).

    Args:
        images: (N, H, W, C) or (N, H, W), C = 1 or 3; floats in [0, 1], or uint8.

    Raises:
        InvalidInputError: Another shape or range, NaN or infinity, or no image at all.
    """
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise InvalidInputError(
            "Images must have shape (N, H, W, C) with one or three channels; "
            f"these have shape {np.shape(images)}."
        )
    if array.dtype != np.uint8:
        array = _to_bytes(array)
    return np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array


def _to_bytes(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InvalidInputError("Images hold NaN or infinite values and cannot be shown.")
    low, high = float(array.min()), float(array.max())
    if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
        raise InvalidInputError(
            f"Images must lie in [0, 1]; these lie in [{low:.3g}, {high:.3g}]. Rescale them first."
        )
    return np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)


def make_grid(images: np.ndarray, columns: int | None = None, padding: int = 1) -> np.ndarray:
    """`images` tiled row by row into one uint8 picture (height, width, 3).

    Args:
        images: As for `as_pixels`.
        columns: Images a row; the nearest to a square by default.
        padding: Grey pixels between neighbours.
    """
    pixels = as_pixels(images)
    count, height, width, _ = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    step_y, step_x = height + padding, width + padding
    grid = np.full((rows * step_y - padding, columns * step_x - padding, 3), 128, np.uint8)
    for index, picture in enumerate(pixels):
        top, left = index // columns * step_y, index % columns * step_x
        grid[top : top + height, left : left + width] = picture
    return grid


def upsample(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """`maps` (..., h, w) resized bilinearly to (..., height, width), pixel centres aligned."""
    from PIL import Image

    array = np.asarray(maps, np.float32)
    if array.shape[-2:] == (height, width):
        return array
    flat = array.reshape(-1, *array.shape[-2:])
    resized = [
        np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BILINEAR))
        for each in flat
    ]
    return np.stack(resized).reshape(*array.shape[:-2], height, width)
