"""Real digits written anew by one writer: a slant, a stroke, a baseline and a width in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

HEIGHT, SLOT = 32, 16
# What a writer is: factor -> name of a value -> the value.
WRITER: dict[str, dict[str, float]] = {
    # Pixels to the right for a pixel up, of every digit once its own slant is taken away.
    "slant": {"left": -0.2, "upright": 0.0, "right": 0.2, "far_right": 0.4},
    # Pixels across a stroke.
    "thickness": {"thin": 1.6, "medium": 2.3, "thick": 3.0},
    # Pixels by which all digits of the word stand above the middle line.
    "baseline": {"low": -4.0, "middle": 0.0, "high": 4.0},
    # Horizontal over vertical scale, as far as the slot is wide enough.
    "width": {"narrow": 0.55, "medium": 0.75, "wide": 1.0},
}
_INK_HEIGHT, _INK_WIDTH = 20.0, 13.0  # of a digit, before its stroke is made thicker or thinner
_TALLER = 2.5  # the largest vertical scale, so that a stroke that lies down is not stood up
_FOOT = 26.0  # where digits of the middle baseline stand, in pixels from the top
_THINNER, _THICKER = -0.5, 0.8  # by which an edge moves at most: strokes neither tear nor fill
_REACH = 3  # pixels within which the nearest ink is looked for
_FAR = _REACH - 0.5  # the largest distance from an edge that is told
_BLOCK = 256  # glyphs at a time, so that the arrays between stay in the processor's cache


def compose(glyphs: np.ndarray, writer: Mapping[str, np.ndarray]) -> np.ndarray:
    """uint8 (N, 32, 16): every glyph in its slot, as its writer draws it.

    The ink box is cropped, deslanted by its second moments, scaled to a height of 20 pixels and to
    the writer's width or to what the slot has room for, slanted, and set on the baseline; strokes
    are moved to the writer's thickness on a distance field, which keeps edges smooth.

    Args:
        glyphs: uint8 (N, 28, 28), bright ink on black, each with some ink.
        writer: factor of `WRITER` -> (N,) its value for each glyph.
    """
    slots = np.empty((len(glyphs), HEIGHT, SLOT), np.uint8)
    for start in range(0, len(glyphs), _BLOCK):
        block = slice(start, start + _BLOCK)
        slots[block] = _block(glyphs[block], {name: of[block] for name, of in writer.items()})
    return slots


def _block(glyphs: np.ndarray, writer: Mapping[str, np.ndarray]) -> np.ndarray:
    shape = _shape(glyphs)
    slant = writer["slant"]
    down = np.minimum(_INK_HEIGHT / (shape.bottom - shape.top), _TALLER)
    # A row lies `lean` pixels to the right of where it would be without the writer's slant.
    lean = (slant * down)[:, None] * shape.up
    across = np.minimum(writer["width"] * down, _room(shape, lean))
    left = np.nanmin(across[:, None] * shape.left + lean, axis=1)
    right = np.nanmax(across[:, None] * shape.right + lean, axis=1)

    # From a pixel of the slot back to a place in the glyph.
    rows = np.arange(HEIGHT) + 0.5
    foot = _FOOT - writer["baseline"]
    y = shape.bottom[:, None] + (rows - foot[:, None]) / down[:, None]
    up = shape.middle[:, None] - y
    columns = np.arange(SLOT) + 0.5 - SLOT / 2
    middle = (left + right)[:, None] / 2 - (slant * down)[:, None] * up
    x = (middle[:, :, None] + columns) / across[:, None, None] + shape.slope[:, None, None] * (
        up[:, :, None]
    )

    scale = np.sqrt(across * down)
    thicker = np.clip((writer["thickness"] - shape.stroke * scale) / 2, _THINNER, _THICKER)
    inside = _bilinear(_distances(glyphs), y, x) * scale[:, None, None]
    return np.rint(np.clip(0.5 + inside + thicker[:, None, None], 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class _Shape:
    """Measures of N glyphs, in pixels of the glyph; a pixel's middle is at its index + 0.5."""

    top: np.ndarray  # (N,) upper edge of the ink
    bottom: np.ndarray  # (N,) lower edge
    middle: np.ndarray  # (N,) height of the centre of mass
    slope: np.ndarray  # (N,) pixels to the right for a pixel up
    stroke: np.ndarray  # (N,) mean thickness
    up: np.ndarray  # (N, 28) how far a row lies above the centre of mass
    left: np.ndarray  # (N, 28) where a row's ink begins once the slope is gone; NaN without ink
    right: np.ndarray  # (N, 28) where it ends


def _shape(glyphs: np.ndarray) -> _Shape:
    ink = glyphs.astype(np.float32) / 255
    places = np.arange(ink.shape[1], dtype=np.float32) + 0.5
    mass = ink.sum(axis=(1, 2))
    in_row = ink.sum(axis=2)
    middle = in_row @ places / mass
    up = middle[:, None] - places
    x_mass = ink @ places  # (N, 28): of each row
    variance = (in_row * up**2).sum(axis=1)
    slope = (x_mass * up).sum(axis=1) / np.maximum(variance, 1e-6)
    slope = np.clip(slope, -1, 1)  # a stroke that lies down is not stood up

    there = glyphs >= 128
    inked = np.asarray(there.any(axis=2))
    side = ink.shape[1]
    first = np.where(inked, there.argmax(axis=2), np.nan)
    last = np.where(inked, side - there[:, :, ::-1].argmax(axis=2), np.nan)
    # Both sides of a stroke are edges: its area over half of its edge is its thickness.
    down, right = np.gradient(ink, axis=(1, 2))
    edge = np.hypot(down, right).sum(axis=(1, 2))
    straight = slope[:, None] * up
    return _Shape(
        top=inked.argmax(axis=1).astype(np.float64),
        bottom=(side - inked[:, ::-1].argmax(axis=1)).astype(np.float64),
        middle=middle,
        slope=slope,
        stroke=2 * mass / edge,
        up=up,
        left=first - straight,
        right=last - straight,
    )


def _room(shape: _Shape, lean: np.ndarray) -> np.ndarray:
    """(N,): the largest horizontal scale at which the slanted ink is not wider than its room."""
    # Any row may be the leftmost and any the rightmost: each pair of rows is a bound.
    apart = shape.right[:, :, None] - shape.left[:, None, :]
    spare = _INK_WIDTH - (lean[:, :, None] - lean[:, None, :])
    bounds = np.where(apart > 0, spare / np.where(apart > 0, apart, 1), np.inf)
    return bounds.min(axis=(1, 2))


def _distances(glyphs: np.ndarray) -> np.ndarray:
    """float32 (N, 30, 30): pixels into the ink, negative outside; one pixel added all around.

    A grey pixel is an edge that runs through it: grey g is g − 1/2 inside. A pixel of full ink or
    none takes its distance from the nearest edge, by dilation and erosion with a cone.
    """
    ink = glyphs.astype(np.float32) / 255
    count, height, width = ink.shape
    around = ((0, 0), (_REACH, _REACH), (_REACH, _REACH))
    dark = np.pad(np.where(ink < 0.02, -np.inf, ink), around, constant_values=-np.inf)
    bright = np.pad(np.where(ink > 0.98, np.inf, ink), around, constant_values=0)
    outside = np.full(ink.shape, 0.5 - _FAR, np.float32)
    within = np.full(ink.shape, 0.5 + _FAR, np.float32)
    for i in range(-_REACH, _REACH + 1):
        for j in range(-_REACH, _REACH + 1):
            distance = np.float32(np.hypot(i, j))
            if distance > _REACH:
                continue
            rows, columns = _REACH + i, _REACH + j
            window = np.s_[:, rows : rows + height, columns : columns + width]
            np.maximum(outside, dark[window] - distance, out=outside)
            np.minimum(within, bright[window] + distance, out=within)
    field = np.full((count, height + 2, width + 2), -_FAR, np.float32)
    field[:, 1:-1, 1:-1] = np.where(ink < 0.5, outside, within) - 0.5
    return field


def _bilinear(fields: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(N, H, W): `fields`, with one pixel added all around, at heights y (N, H) and x (N, H, W)."""
    count, height, width = fields.shape
    # The middle of the first pixel proper is at 0.5, and has the index 1.
    y = np.clip(y + 0.5, 0, height - 1.001).astype(np.float32)[:, :, None]
    x = np.clip(x + 0.5, 0, width - 1.001).astype(np.float32)
    row, column = y.astype(np.int32), x.astype(np.int32)
    below, beside = y - row, x - column
    flat = fields.reshape(-1)
    corner = (np.arange(count, dtype=np.int32) * height * width)[:, None, None]
    corner = corner + row * width + column
    upper = flat[corner] * (1 - beside) + flat[corner + 1] * beside
    lower = flat[corner + width] * (1 - beside) + flat[corner + width + 1] * beside
    return upper * (1 - below) + lower * below
