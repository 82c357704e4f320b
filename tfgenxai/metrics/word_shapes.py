"""Shape of written words, measured: strokes, room for a character, and how far they are joined."""

from __future__ import annotations

import numpy as np

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics import strokes
from tfgenxai.metrics.strokes import THRESHOLD, ink_widths, stroke_measures

#: What is measured, and in which unit.
MEASURES = strokes.MEASURES | {"width per character": "pixels", "cursivity": "share"}


def word_measures(images: np.ndarray) -> dict[str, np.ndarray]:
    """Each of `MEASURES` for every word, (N,) float64; NaN where it is not defined.

    Strokes as of `stroke_measures`, the slant being the mean of the characters'; the mean width of
    the characters with ink, each in its 16 columns and with its slant taken out; and `cursivity`.

    Args:
        images: (N, H, 16 n, 1) in [0, 1], words of n characters each without paper beside them;
            bright ink on black, or dark on white: see `bright_ink`.

    Raises:
        InvalidInputError: another shape, or NaN.
    """
    ink = bright_ink(images)
    widths = ink_widths(_slots(ink[..., 0]).reshape(-1, ink.shape[1], CHARACTER_WIDTH))
    widths = np.ma.masked_invalid(widths.reshape(len(ink), -1)).mean(axis=1)
    return stroke_measures(ink, characters=ink.shape[2] // CHARACTER_WIDTH) | {
        "width per character": np.ma.filled(widths, np.nan),
        "cursivity": cursivity(ink),
    }


def cursivity(images: np.ndarray) -> np.ndarray:
    """The share of neighbouring characters whose ink is joined, (N,) float64 in [0, 1].

    A character is the largest connected piece of ink in its 16 columns; two are joined if they are
    parts of one piece of the word. So neither a speck nor the end of a stroke that reaches over
    joins what does not touch. Pixels with ink of at least `THRESHOLD` are connected along all
    eight directions; a character without any is joined to none. NaN for words of one character,
    and for those without ink.

    Args:
        images: (N, H, 16 n, 1) in [0, 1], as of `word_measures`.

    Raises:
        InvalidInputError: another shape, or NaN.
    """
    from scipy.ndimage import label

    shapes = bright_ink(images)[..., 0] >= THRESHOLD
    along = np.zeros((3, 3, 3), bool)
    along[1] = True  # within an image, not from one to the next
    pieces, _ = label(shapes, along)
    slots = _slots(pieces)
    if slots.shape[1] == 1:
        return np.full(len(slots), np.nan)
    piece = np.array([[_largest(slot) for slot in word] for word in slots])
    joined = (piece[:, 1:] == piece[:, :-1]) & (piece[:, 1:] > 0)
    return np.where(shapes.any(axis=(1, 2)), joined.mean(axis=1), np.nan)


def _slots(words: np.ndarray) -> np.ndarray:
    """The 16 columns of each character, (N, n, H, 16), of words (N, H, 16 n)."""
    return words.reshape(*words.shape[:2], -1, CHARACTER_WIDTH).swapaxes(1, 2)


def _largest(pieces: np.ndarray) -> int:
    """The number with the most pixels; 0 if there is no piece."""
    numbers, sizes = np.unique(pieces[pieces > 0], return_counts=True)
    return int(numbers[sizes.argmax()]) if len(numbers) else 0


def bright_ink(images: np.ndarray) -> np.ndarray:
    """Words (N, H, 16 n, 1) float32 with bright ink on black.

    An image is inverted if most pixels of its border are brighter than one half: ink seldom
    reaches so far, so that the border tells what paper looks like.

    Raises:
        InvalidInputError: another shape, NaN, or values outside of [0, 1].
    """
    array = np.asarray(images, np.float32)
    if (
        array.ndim != 4
        or array.shape[-1] != 1
        or array.shape[2] % CHARACTER_WIDTH
        or not array.size
    ):
        raise InvalidInputError(
            f"Words are images (N, H, {CHARACTER_WIDTH} n, 1) of n characters each, not "
            f"{array.shape}; crop them to their own width."
        )
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise InvalidInputError("Words are measured on finite images in [0, 1].")
    inner = array[:, 1:-1]
    sides = [array[:, 0], array[:, -1], inner[:, :, 0], inner[:, :, -1]]
    border = np.concatenate([side.reshape(len(array), -1) for side in sides], axis=1)
    dark_on_white = (border > 0.5).mean(axis=1) > 0.5
    return np.where(dark_on_white[:, None, None, None], 1 - array, array)
