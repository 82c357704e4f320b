"""Images to train on and to explain: `load(name, split)` and the table of `sources()`."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path

from tfgenxai.data.images import ImageData
from tfgenxai.errors import UsageError

__all__ = ["NAMES", "ImageData", "load"]

NAMES = ("mnist", "fashion_mnist", "celeb_a", "faces", "folder")
SPLITS = ("train", "test")


def load(
    name: str,
    split: str = "train",
    *,
    source: str | None = None,
    size: int | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    progress: bool = True,
) -> ImageData:
    """Images of one split of a data set."""
    if name not in NAMES:
        close = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.4)
        raise UsageError(f"Unknown {name} {close}")
    module = importlib.import_module(f"tfgenxai.data.{name}")
    return module.load(split, size, seed, progress)
