"""Pixels from image files, cropped and scaled to one size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError

# Truncated and malformed files surface from Pillow as any of these.
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
_GREY = ("1", "L", "LA")


def fit(image: Image.Image, image_size: tuple[int, int]) -> Image.Image:
    """The largest centred crop of the wanted aspect ratio, scaled to (height, width)."""
    height, width = image_size
    if image.size == (width, height):
        return image
    # Cropped before scaling, so that nothing beyond the crop blends into its edge.
    scale = min(image.width / width, image.height / height)
    crop_width, crop_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (image.width - crop_width) // 2, (image.height - crop_height) // 2
    crop = image.crop((left, top, left + crop_width, top + crop_height))
    return crop.resize((width, height), Image.Resampling.LANCZOS)


def read_images(
    paths: Sequence[Path], image_size: tuple[int, int] | None, progress: bool
) -> np.ndarray:
    """uint8 (N, H, W, C) of at least one file; C is 1 when every file is grey, else 3.

    Files are turned upright by their EXIF tag; what is transparent becomes white.

    Args:
        paths: the files.
        image_size: (H, W) to crop and scale to; None takes the files as they are.
        progress: whether a bar is shown on stderr.

    Raises:
        InvalidInputError: a file cannot be read, has 16-bit channels, or differs in size when
            `image_size` is None. The message names the file.
    """
    mode = "L" if all(_mode(path) in _GREY for path in paths) else "RGB"
    first = _read(paths[0], mode, image_size)
    pixels = np.empty((len(paths), *first.shape), np.uint8)

    def place(i: int) -> None:
        image = _read(paths[i], mode, image_size)
        if image.shape != first.shape:
            raise InvalidInputError(
                f"{paths[i]} is {image.shape[1]} x {image.shape[0]} pixels, {paths[0].name} is "
                f"{first.shape[1]} x {first.shape[0]}; give an image_size to scale all images to."
            )
        pixels[i] = image

    # Pillow decodes and scales outside the interpreter lock.
    with (
        counter("Reading images", len(paths), progress) as advance,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for _ in pool.map(place, range(len(paths))):
            advance(1)
    return pixels


def read_grey(path: Path) -> Image.Image:
    """One file in grey and in its own size, turned upright and on white where transparent.

    Raises:
        InvalidInputError: it cannot be read or has 16-bit channels. The message names the file.
    """
    _mode(path)
    return _open(path, "L")


def _mode(path: Path) -> str:
    try:
        with Image.open(path) as image:
            mode = image.mode
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    if mode.startswith(("I", "F")):
        raise InvalidInputError(
            f"{path} has more than 8 bits a channel; convert it to an 8-bit image."
        )
    return mode


def _read(path: Path, mode: str, image_size: tuple[int, int] | None) -> np.ndarray:
    image = _open(path, mode)
    array = np.asarray(image if image_size is None else fit(image, image_size))
    return array[..., np.newaxis] if mode == "L" else array


def _open(path: Path, mode: str) -> Image.Image:
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image)
            return image.convert(mode)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InvalidInputError:
    reason = str(error) or type(error).__name__
    return InvalidInputError(
        f"{path} cannot be read as an image ({reason}); repair or remove the file."
    )
