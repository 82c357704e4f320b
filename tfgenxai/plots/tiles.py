"""Maps over images as bare pixels: what is drawn often, where a figure would take a second."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels, upsample
from tfgenxai.plots.maps import STRONGEST
from tfgenxai.plots.style import SEQUENTIAL


def heat_tiles(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Each positive map over its image in grey, uint8 (N, H, W, 3), as `overlay` colours them.

    All maps share one scale, from zero to the largest value of any.

    Args:
        images: (N, H, W, C) in [0, 1].
        maps: (N, h, w) of values from zero; upsampled bilinearly.

    Raises:
        InvalidInputError: Maps that do not fit the images, negative, NaN or infinite ones.
    """
    pixels = as_pixels(images)
    values = np.asarray(maps, np.float32)
    if values.ndim != 3 or len(values) != len(pixels):
        raise InvalidInputError(f"Maps of shape {values.shape} do not fit {len(pixels)} images.")
    if not np.isfinite(values).all() or values.min() < 0:
        raise InvalidInputError("These maps hold negative, NaN or infinite values.")
    strength = upsample(values / (values.max() or 1.0), *pixels.shape[1:3])[..., None]
    colours = colormaps[SEQUENTIAL](strength[..., 0])[..., :3]
    opacity = STRONGEST * np.sqrt(np.clip(strength, 0, 1))
    grey = pixels.mean(axis=-1, keepdims=True) / 255
    return np.round(255 * (opacity * colours + (1 - opacity) * grey)).astype(np.uint8)
