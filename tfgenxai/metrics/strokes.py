"""Shape of handwriting, measured: stroke width, slant, size, ink and length of a glyph.

Castro et al. 2019, "Morpho-MNIST: Quantitative Assessment and Diagnostics for Representation
Learning".
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tfgenxai.errors import InvalidInputError

#: What is measured, and in which unit.
MEASURES = {
    "stroke width": "pixels",
    "slant": "degrees",
    "height": "pixels",
    "width": "pixels",
    "area": "pixels",
    "length": "pixels",
}
#: An image is enlarged so many times before it is cut into ink and background.
SCALE = 4
#: Ink is at least this bright.
THRESHOLD = 0.5
#: Greys darker than this are no part of a stroke's edge but haze, as generators leave it.
HAZE = 0.1
#: Share of the ink beyond either end of height and width, so that a speck does not stretch them.
TRIM = 0.01
_CHUNK = 256


def stroke_measures(images: np.ndarray, *, characters: int = 1) -> dict[str, np.ndarray]:
    """Each of `MEASURES` for every image, (N,) float64; NaN where an image holds no ink.

    All but slant are of the shape where the image, enlarged `SCALE` times, reaches `THRESHOLD`.

    - stroke width: twice the mean distance of the skeleton from the background;
    - slant: the shear -mu11 / mu02 of the image's moments, positive where the top leans right;
    - height: from the lowest ink to the highest, but for `TRIM` of it at either end;
    - width: the same from left to right, once the slant is taken out;
    - area: of the ink;
    - length: of the skeleton, steps along and across its pixels counted as 1 and sqrt(2).

    Args:
        images: (N, H, W) or (N, H, W, 1) in [0, 1], bright strokes on black.
        characters: how many stand side by side in an image, each in an equal part of its width.
            The slant is the mean of theirs, weighted by ink: the moments of a whole word tell
            whether its last characters stand higher than its first.

    Raises:
        InvalidInputError: another shape, NaN, or a width that does not hold so many characters.
    """
    array = _checked(images)
    if characters < 1 or array.shape[2] % characters:
        raise InvalidInputError(
            f"Images {array.shape[2]} wide do not hold {characters} characters of one width."
        )
    leans = _leans(np.where(array < HAZE, 0, array), characters)
    rows: list[tuple[float, ...]] = []
    for start in range(0, len(array), _CHUNK):
        shapes = _enlarged(array[start : start + _CHUNK]) >= THRESHOLD
        rows += map(_measured, shapes, leans[start : start + _CHUNK])
    table = np.array(rows, np.float64).reshape(-1, len(MEASURES))
    return dict(zip(MEASURES, table.T))


def ink_widths(images: np.ndarray) -> np.ndarray:
    """The width of `stroke_measures` alone, (N,) pixels, many times cheaper; NaN without ink.

    Args:
        images: as of `stroke_measures`.

    Raises:
        InvalidInputError: another shape, or NaN.
    """
    array = _checked(images)
    leans = _leans(np.where(array < HAZE, 0, array), 1)
    found = np.full(len(array), np.nan)
    for start in range(0, len(array), _CHUNK):
        for i, shape in enumerate(_enlarged(array[start : start + _CHUNK]) >= THRESHOLD, start):
            y, x = np.nonzero(shape)
            if len(y):
                found[i] = _extent(x + leans[i] * y) / SCALE
    return found


def _checked(images: np.ndarray) -> np.ndarray:
    """`images` as float32 (N, H, W)."""
    array = np.asarray(images, np.float32)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 or not np.isfinite(array).all():
        raise InvalidInputError(
            "Strokes are measured on finite images (N, H, W, 1) of one channel; "
            f"these have shape {np.shape(images)}."
        )
    return array


def _leans(images: np.ndarray, characters: int) -> np.ndarray:
    """How far each of `images` (N, H, W) moves right for every row up, (N,); 0 without ink.

    The mean of its characters, weighted by their ink.

    Greys are weights: an edge that covers half of a pixel counts as half of it, and so a slant of
    a fraction of a degree shows, which the shape's steps would hide.
    """
    height, width = images.shape[1], images.shape[2] // characters
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float64)
    parts = images.reshape(-1, height, characters, width).swapaxes(1, 2)
    ink = parts.reshape(-1, height * width).astype(np.float64)
    total = np.maximum(ink.sum(axis=1), 1e-9)
    mean_y, mean_x = ink @ y / total, ink @ x / total
    # A pixel is a square of side 1 and not a point: 1/12 is its own second moment.
    spread = ink @ y**2 / total - mean_y**2 + 1 / 12
    leans = ((mean_y * mean_x - ink @ (y * x) / total) / spread).reshape(-1, characters)
    weights = total.reshape(-1, characters)
    return (leans * weights).sum(axis=1) / weights.sum(axis=1)


def _enlarged(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W) with a black rim, bilinear, (N, SCALE (H + 2), SCALE (W + 2))."""
    height, width = images.shape[1:]
    rimmed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return _interpolation(height + 2) @ rimmed @ _interpolation(width + 2).T


@cache
def _interpolation(size: int) -> np.ndarray:
    """(SCALE size, size): linear interpolation of `size` pixels, by their centres."""
    places = (np.arange(SCALE * size) + 0.5) / SCALE - 0.5
    columns = [np.interp(places, np.arange(size), pixel) for pixel in np.eye(size)]
    return np.stack(columns, axis=1).astype(np.float32)


def _measured(shape: np.ndarray, lean: float) -> tuple[float, ...]:
    """The measures, in order, of an enlarged shape (H, W) bool, with a rim that is False."""
    from skimage.morphology import skeletonize

    y, x = np.nonzero(shape)
    if not len(y):
        return (np.nan,) * len(MEASURES)
    # The skeleton needs the part with ink alone; the rim of one pixel is its background.
    shape = shape[y.min() - 1 : y.max() + 2, x.min() - 1 : x.max() + 2]
    skeleton = skeletonize(shape)
    return (
        _stroke_width(shape, skeleton) / SCALE,
        float(np.degrees(np.arctan(lean))),
        _extent(y) / SCALE,
        _extent(x + lean * y) / SCALE,
        len(y) / SCALE**2,
        _length(skeleton) / SCALE,
    )


def _extent(places: np.ndarray) -> float:
    """Pixels that ink at `places` (n,) covers, but for `TRIM` of it at either end."""
    low, high = np.quantile(places, [TRIM, 1 - TRIM])
    return float(high - low) + 1


def _stroke_width(shape: np.ndarray, skeleton: np.ndarray) -> float:
    """Twice the mean distance of skeleton pixels from the background.

    The background pixel that is nearest to ink always has ink beside, above or below it, so that
    no others need be looked at: many times cheaper than the distances of all pixels. Distances are
    between centres: for strokes of an odd number of pixels twice the distance is the width and one
    more, of an even number it is the width itself. Half a pixel, taken off, is right on average.
    """
    from scipy.spatial.distance import cdist

    beside = np.zeros_like(shape)
    beside[1:] |= shape[:-1]
    beside[:-1] |= shape[1:]
    beside[:, 1:] |= shape[:, :-1]
    beside[:, :-1] |= shape[:, 1:]
    edge = np.argwhere(beside & ~shape).astype(np.float64)
    inside = np.argwhere(skeleton).astype(np.float64)
    squares = cdist(inside, edge, "sqeuclidean").min(axis=1)
    return float(2 * np.sqrt(squares).mean() - 0.5)


def _length(skeleton: np.ndarray) -> float:
    """Length of the lines that join the neighbouring pixels of a skeleton (H, W).

    A step across counts only where no pixel of the skeleton makes it two steps along.
    """
    along = np.sum(skeleton[1:] & skeleton[:-1]) + np.sum(skeleton[:, 1:] & skeleton[:, :-1])
    a, b, c, d = skeleton[:-1, :-1], skeleton[:-1, 1:], skeleton[1:, :-1], skeleton[1:, 1:]
    across = np.sum(a & d & ~b & ~c) + np.sum(b & c & ~a & ~d)
    return float(along + np.sqrt(2) * across)
