"""Roughness: how noisy a map looks. A map can be rough and right, where the network is rough."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.relevance import relevance_maps


def total_variation(relevance: Any) -> np.ndarray:
    """Differences of neighbours as a share of the map, (N,) from 0 to 4; lower is smoother.

    sum |m(y, x) - m(y + 1, x)| + |m(y, x) - m(y, x + 1)| over sum m, of absolute relevance m
    (Rudin, Osher and Fatemi 1992, in its anisotropic form). 0 for an even map, 4 for single dots
    apart from each other. NaN for maps of zeros.
    """
    maps = _sizes(relevance)
    steps = sum(np.abs(np.diff(maps, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    return _share(np.asarray(steps), maps.sum(axis=(1, 2)))


def speckle(relevance: Any) -> np.ndarray:
    """Share of a map's energy that a 3 x 3 median takes away, (N,) from 0; lower is smoother.

    sum (m - median m)^2 over sum m^2, of absolute relevance m. 1 for single dots, which a median
    removes, 0 for areas of even relevance. Lines of a pixel's width count as speckle. NaN for maps
    of zeros.
    """
    from scipy.ndimage import median_filter

    maps = _sizes(relevance)
    smooth = median_filter(maps, size=(1, 3, 3), mode="nearest")
    return _share(np.square(maps - smooth).sum(axis=(1, 2)), np.square(maps).sum(axis=(1, 2)))


def _sizes(relevance: Any) -> np.ndarray:
    """Absolute relevance of images, (N, H, W)."""
    maps = np.abs(relevance_maps(relevance))
    if maps.ndim != 3:
        raise InvalidInputError(f"Roughness is of maps (N, H, W), not of {maps.shape}.")
    return maps


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
