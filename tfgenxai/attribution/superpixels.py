"""Superpixels: an image cut into patches of similar colour, which count as one feature each."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from skimage.color import gray2rgb
from skimage.segmentation import quickshift, slic

from tfgenxai.errors import InvalidInputError, UsageError

Kind = Literal["slic", "quickshift", "grid"]

# SLIC weighs colour against distance: Lab colours run to 100, grey levels to 1.
_COMPACTNESS = {"colour": 10.0, "grey": 0.3}


def superpixels(images: Any, segments: int = 50, kind: Kind = "slic") -> np.ndarray:
    """Labels (N, H, W), int32: the pixels of a patch share a number, from 0 on in each image.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3) in [0, 1].
        segments: patches to aim at; at most one a pixel.
        kind: "slic" (Achanta et al. 2012), patches of even size along the edges of the picture,
            usually a little fewer than asked for; "quickshift" (Vedaldi and Soatto 2008), which
            follows colour closer: on flat drawings it gives far fewer, on noise more; "grid",
            rectangles that know nothing of the picture, whose number is the nearest product of
            rows and columns.

    Raises:
        UsageError: no such kind, or fewer than 2 segments.
        InvalidInputError: these are no grey or colour images.
    """
    check(segments, kind)
    array = np.asarray(images)
    if array.dtype.kind not in "fiub" or array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise InvalidInputError(
            f"Superpixels are cut from images (N, H, W) or (N, H, W, channels), not from an array "
            f"of shape {array.shape}."
        )
    if array.ndim == 3:
        array = array[..., None]
    if kind == "grid":
        grid = _grid(array.shape[1], array.shape[2], segments)
        return np.repeat(grid[None], len(array), axis=0)
    if array.shape[-1] not in (1, 3):
        raise InvalidInputError(
            f"{kind} cuts grey or colour images, and these have {array.shape[-1]} channels: use "
            f"kind='grid', or labels of your own."
        )
    cut = _slic if kind == "slic" else _quickshift
    found = [_numbered(cut(image.astype(np.float64), segments)) for image in array]
    return np.stack(found) if found else np.zeros(array.shape[:3], np.int32)


def check(segments: int, kind: str) -> None:
    """Raises UsageError if `superpixels` does not take these options."""
    if kind not in get_args(Kind):
        raise UsageError(f"Superpixels are {', '.join(get_args(Kind))}, not {kind!r}.")
    if not isinstance(segments, int | np.integer) or segments < 2:
        raise UsageError(f"segments= must be a whole number from 2 on, not {segments!r}.")


def _slic(image: np.ndarray, segments: int) -> np.ndarray:
    compactness = _COMPACTNESS["grey" if image.shape[-1] == 1 else "colour"]
    # Noise leaves crumbs that SLIC merges, up to all in one: then distance has to count for more.
    for factor in (1, 3, 9, 27):
        weight = factor * compactness
        labels = slic(image, segments, compactness=weight, start_label=0, channel_axis=-1)
        if labels.max() + 1 >= segments / 2:
            break
    return labels


def _quickshift(image: np.ndarray, segments: int) -> np.ndarray:
    colour = gray2rgb(image[..., 0]) if image.shape[-1] == 1 else image
    # Patches of this side would be as many as asked for, if they were squares.
    side = np.sqrt(image.shape[0] * image.shape[1] / segments)
    return quickshift(colour, ratio=0.5, kernel_size=max(1.0, side / 6), max_dist=side, rng=0)


def _grid(height: int, width: int, segments: int) -> np.ndarray:
    rows = int(np.clip(round(np.sqrt(segments * height / width)), 1, height))
    columns = int(np.clip(round(segments / rows), 1, width))
    y = np.arange(height) * rows // height
    x = np.arange(width) * columns // width
    return (y[:, None] * columns + x).astype(np.int32)


def _numbered(labels: np.ndarray) -> np.ndarray:
    """The same patches, numbered without gaps."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
