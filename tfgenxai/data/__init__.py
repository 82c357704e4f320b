"""Images to train on and to explain: `load(name, split)` and the table `sources()`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request
from tfgenxai.errors import UsageError

__all__ = ["NAMES", "ImageData", "Listing", "load", "load_to_fit", "sources"]

# A data set is a module of that name here, with `load(Request) -> ImageData` and `listing()`.
NAMES = (
    "mnist",
    "mnist_cue",
    "fashion_mnist",
    "celeb_a",
    "faces",
    "dsprites",
    "shapes3d",
    "words",
    "iam",
    "folder",
)
SPLITS = ("train", "test")
_WITH_FOLDER = ("fashion_mnist", "celeb_a", "iam", "folder")
_OF_WORDS = ("words", "iam")
_WITH_IMAGE_SIZE = ("celeb_a", "folder")


def load(
    name: str,
    split: str = "train",
    *,
    source: str | None = None,
    size: int | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    alphabet: str | None = None,
    progress: bool = True,
) -> ImageData:
    """The images of one split, with labels, factors and masks where the set has them.

    Args:
        name: one of `NAMES`.
        split: "train" or "test"; "all" too for a folder.
        source: where to take it from (see `sources()`); by default the first that has it.
        size: the first so many images; by default all of MNIST, Fashion-MNIST, IAM and a
            folder, 10,000 and 2,000 drawn faces, 20,000 and 2,000 of CelebA and of composed words,
            50,000 and 5,000 of dSprites and 3D Shapes.
        seed: which faces are drawn and which words composed; the other sets ignore it.
        folder: the images of "folder"; a Kaggle copy of "celeb_a"; idx files of "fashion_mnist";
            your copy of "iam".
        image_size: side or (height, width) that "folder" and "celeb_a" images are cropped and
            scaled to; CelebA's default is 128.
        alphabet: the characters that words of "iam" are written in; words with others are left
            out. Its default are the letters A to Z and a to z.
        progress: show a bar on stderr while something takes long.

    Raises:
        UsageError: an unknown name, split or source, or an option that the set does not take.
        DataNotFoundError: the data set, or so many images of it, is not to be had here.
        InvalidInputError: an image file cannot be read.
    """
    module = _module(name)
    if split not in SPLITS and not (name == "folder" and split == "all"):
        raise UsageError(f"Unknown split {split!r} of {name}; choose {' or '.join(SPLITS)}.")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise UsageError(f"size is the number of images, an integer from 1; got {size!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(f"seed is an integer from 0; got {seed!r}.")
    if folder is not None and name not in _WITH_FOLDER:
        raise UsageError(f"{name} takes no folder; {', '.join(_WITH_FOLDER)} do.")
    if image_size is not None and name not in _WITH_IMAGE_SIZE:
        raise UsageError(f"{name} has one image size; image_size goes with a folder or celeb_a.")
    if alphabet is not None and name != "iam":
        raise UsageError(f"{name} takes no alphabet; iam does.")
    request = Request(
        name=name,
        split=split,
        source=source,
        size=size,
        seed=seed,
        folder=None if folder is None else Path(folder).expanduser(),
        image_size=_height_and_width(image_size),
        alphabet=alphabet,
        progress=progress,
    )
    return module.load(request)


def load_to_fit(
    name: str,
    sides: Sequence[int | None],
    *,
    source: str | None = None,
    folder: str | Path | None = None,
    size: int | None = None,
    progress: bool = True,
) -> ImageData:
    """Test images, or all of a folder, for a model that takes them in this size.

    Of a set of words, those that are as wide.

    Args:
        name, source, folder, size, progress: see `load`.
        sides: height and width; None where any will do. Sets of other sizes are cropped to them.

    Raises:
        As `load`.
    """
    height, width = sides
    fixed = name in _WITH_IMAGE_SIZE and height and width
    if name in _OF_WORDS and width:
        words = load(name, "test", source=source, folder=folder, progress=progress)
        return words.of_width(width)[:size]
    return load(
        name,
        "all" if name == "folder" else "test",
        source=source,
        folder=folder,
        size=size,
        image_size=(height, width) if fixed else None,  # type: ignore[arg-type]
        progress=progress,
    )


def sources() -> list[Listing]:
    """One row per data set: its shape, labels and factors, and where it would come from here.

    Looks at this machine only, never at the network.
    """
    return [_module(name).listing() for name in NAMES]


def _module(name: str) -> ModuleType:
    if name not in NAMES:
        close = difflib.get_close_matches(str(name).lower(), NAMES, n=2, cutoff=0.5)
        meant = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(NAMES)}."
        raise UsageError(f"Unknown data set {name!r}; {meant}")
    return importlib.import_module(f"tfgenxai.data.{name}")


def _height_and_width(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    pair = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(pair) != 2 or not all(isinstance(side, int) and 1 <= side <= 4096 for side in pair):
        raise UsageError(
            f"image_size is a side or (height, width) of 1 to 4096 pixels; got {image_size!r}."
        )
    return pair[0], pair[1]
