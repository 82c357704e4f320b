"""The images of any folder; class subfolders, when there are any, give the labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgenxai.data.image_files import read_images
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request, check_source, first_size
from tfgenxai.errors import DataNotFoundError, UsageError

SUFFIXES = (".png", ".jpg", ".jpeg")


def load(request: Request) -> ImageData:
    """PNG and JPEG files of a folder, sorted by name.

    `train/` and `test/` inside the folder are the splits when both are there. Otherwise about a
    tenth of the files is "test", chosen by the hash of the name, so that adding a file moves no
    other; "all" is the whole folder.

    Raises:
        UsageError: no folder was named, or images lie both beside and inside class subfolders.
        DataNotFoundError: there is no such folder, or no image for this split in it.
        InvalidInputError: a file cannot be read, or sizes differ and there is no `image_size`.
    """
    check_source(request, ("folder",))
    if request.folder is None:
        raise UsageError("The data set 'folder' needs folder=, the path of a folder of images.")
    if not request.folder.is_dir():
        raise DataNotFoundError(f"There is no folder {request.folder}.")
    files = _scan(request.folder)
    classes = _classes(request.folder, files)
    files = [file for file in files if request.split in (file.split, "all")]
    if not files:
        raise DataNotFoundError(
            f"{request.folder} holds no {' or '.join(SUFFIXES)} image for the split "
            f"{request.split!r}; the split 'all' takes every image of the folder."
        )
    files = files[: first_size(request, len(files))]
    pixels = read_images([file.path for file in files], request.image_size, request.progress)
    labels = [classes.index(file.inside.parts[0]) for file in files] if classes else None
    return ImageData(
        name="folder",
        split=request.split,
        pixels=pixels,
        labels=None if labels is None else np.array(labels, np.int64),
        class_names=classes or None,
        source="folder",
        source_detail=f"{len(files):,} image files of {request.folder.resolve()}",
    )


def listing() -> Listing:
    """The row for `sources()`."""
    return Listing(
        name="folder",
        shape=None,
        labels=None,
        factors=(),
        sources=("folder",),
        source=None,
        how="folder=PATH of PNG or JPEG files; one subfolder per class gives labels",
    )


@dataclass(frozen=True)
class _File:
    path: Path
    inside: Path  # relative to the folder, or to its train/ or test/
    split: str


def _scan(folder: Path) -> list[_File]:
    """Every image file below the folder but hidden ones, sorted, with the split it is in."""
    divided = all((folder / split).is_dir() for split in ("train", "test"))
    roots = {split: folder / split for split in ("train", "test")} if divided else {"": folder}
    files = []
    for split, root in roots.items():
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden:
                files.append(_File(path, inside, split or split_by_name(inside.as_posix())))
    return files


def split_by_name(name: str) -> str:
    """ "test" for about a tenth of all names, "train" for the others; always the same."""
    digest = hashlib.sha256(name.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") % 10 == 0 else "train"


def _classes(folder: Path, files: list[_File]) -> tuple[str, ...]:
    """The class subfolders, sorted; empty when no image lies in a subfolder."""
    inner = [file for file in files if len(file.inside.parts) > 1]
    if inner and len(inner) < len(files):
        loose = next(file for file in files if len(file.inside.parts) == 1)
        raise UsageError(
            f"{folder} has images in class subfolders and beside them ({loose.inside}); move the "
            "latter into a subfolder too, or name the one subfolder to read."
        )
    return tuple(sorted({file.inside.parts[0] for file in inner}))
