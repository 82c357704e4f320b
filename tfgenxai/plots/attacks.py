"""Figures of attacks: images, what became of them, and what was added."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.style import DIVERGING, INK, new_figure, show_picture

TILE = 1.15  # inches of one picture
MOST = 16  # images that stand beside one another
#: Differences are drawn so many times larger, where they are small enough.
GAIN = 10


def difference_gain(deltas: np.ndarray) -> int:
    """`GAIN`, or the largest whole number that keeps the differences in [-1, 1]."""
    largest = float(np.abs(deltas).max())
    return max(1, min(GAIN, math.floor(1.0 / largest))) if largest else GAIN


def differences(deltas: np.ndarray, gain: int) -> np.ndarray:
    """Differences as pictures, uint8 (N, H, W, 3): added is red, taken away blue, none white.

    Args:
        deltas: (N, H, W, C); the mean of the channels is drawn.
    """
    grey = np.clip(gain * np.asarray(deltas, np.float32).mean(axis=-1), -1.0, 1.0)
    return np.round(255 * colormaps[DIVERGING]((grey + 1.0) / 2.0)[..., :3]).astype(np.uint8)


def attacked(
    images: np.ndarray,
    adversarial: np.ndarray,
    *,
    captions: Sequence[str] = (),
    captions_after: Sequence[str] = (),
    more: Mapping[str, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """Images in the first row, below each the adversarial one and what was added.

    Args:
        images, adversarial: (N, H, W, C) in [0, 1].
        captions, captions_after: above the pictures of these two rows, such as class and
            confidence; none by default.
        more: rows to add below, name -> (N, H, W, C) in [0, 1], such as reconstructions.

    Raises:
        InvalidInputError: rows that do not fit one another, or more images than can be read.
    """
    before, after = as_pixels(images), as_pixels(adversarial)
    if before.shape != after.shape:
        raise InvalidInputError(
            f"Images {np.shape(images)} and adversarial ones {np.shape(adversarial)} differ."
        )
    count = len(before)
    if count > MOST:
        raise InvalidInputError(f"At most {MOST} images can be read beside one another: {count}.")
    deltas = np.asarray(adversarial, np.float32) - np.asarray(images, np.float32)
    gain = difference_gain(deltas)
    rows: dict[str, tuple[np.ndarray, Sequence[str]]] = {
        "image": (before, captions),
        "adversarial": (after, captions_after),
        f"added × {gain}": (differences(deltas, gain), ()),
        **{name: (as_pixels(pictures), ()) for name, pictures in (more or {}).items()},
    }
    for name, (pictures, words) in rows.items():
        if len(pictures) != count or len(words) not in (0, count):
            raise InvalidInputError(f"The row '{name}' does not fit {count} images.")
    shape = before.shape[1] / before.shape[2]
    captioned = sum(bool(words) for _, words in rows.values())
    figure = new_figure(
        max(count * TILE, 3.0) + 1.0,
        len(rows) * TILE * shape + 0.25 * captioned + 0.4 * bool(title),
        title,
    )
    axes = figure.subplots(len(rows), count, squeeze=False)
    for row, (name, (pictures, words)) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            show_picture(axes[row, column], picture, words[column] if words else "")
        axes[row, 0].set_ylabel(name, fontsize=9, color=INK)
    return figure
