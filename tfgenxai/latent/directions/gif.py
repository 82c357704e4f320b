"""A walk along a direction as a moving picture."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.files import write_bytes
from tfgenxai.pictures import as_pixels, make_grid


def save_gif(
    path: str | os.PathLike[str],
    frames: np.ndarray,
    *,
    seconds: float = 3.0,
    enlarge: int = 4,
    columns: int | None = None,
) -> Path:
    """Writes a GIF that goes through the frames, back again, and on without end; gives its path.

    Args:
        frames: images in [0, 1], one a frame (S, H, W, C), or N a frame (S, N, H, W, C).
        seconds: there and back; a GIF counts in hundredths.
        enlarge: each pixel is drawn so many times as wide and high.
        columns: of N images a frame; by default all are side by side.

    Raises:
        InvalidInputError: another shape, fewer than two frames, NaN or another range.
        UsageError: no time, or no size.
    """
    from PIL import Image

    array = np.asarray(frames)
    if array.ndim not in (4, 5) or len(array) < 2:
        raise InvalidInputError(
            f"A moving picture has two frames or more, (S, H, W, C) or (S, N, H, W, C), "
            f"not {array.shape}."
        )
    there_and_back = [*range(len(array)), *range(len(array) - 2, 0, -1)]
    milliseconds = 10 * round(100 * seconds / len(there_and_back))
    if milliseconds < 10 or enlarge < 1:
        raise UsageError(
            f"Every frame is shown for a hundredth of a second or more, enlarged once or more; "
            f"{seconds} s are too few for {len(there_and_back)}, or {enlarge} is."
        )
    pictures = (
        as_pixels(array) if array.ndim == 4 else [make_grid(x, columns or len(x)) for x in array]
    )
    drawn = [
        Image.fromarray(np.kron(pictures[i], np.ones((enlarge, enlarge, 1), np.uint8)))
        for i in there_and_back
    ]
    content = io.BytesIO()
    drawn[0].save(
        content,
        format="GIF",
        save_all=True,
        append_images=drawn[1:],
        duration=milliseconds,
        loop=0,
    )
    return write_bytes(path, content.getvalue())
