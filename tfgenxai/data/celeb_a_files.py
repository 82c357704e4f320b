"""The annotation files of CelebA: the original .txt and Kaggle's .csv say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfgenxai.errors import DataNotFoundError, InvalidInputError

_PARTITION = {"train": "0", "test": "2"}  # 1 is the validation part


def read_annotations(folder: Path, split: str) -> tuple[list[Path], tuple[str, ...], np.ndarray]:
    """Image paths of a split, the attribute names, and int64 (images, attributes) of 0 and 1.

    Raises:
        DataNotFoundError: the image folder or an annotation file is missing.
        InvalidInputError: an annotation file has a line that does not fit.
    """
    images = _image_folder(folder)
    parts_file = _annotation(folder, "list_eval_partition")
    part_of = {row[0]: row[1:] for row in _rows(parts_file)}
    names, values = _attributes(_annotation(folder, "list_attr_celeba"))
    chosen = [file for file, part in part_of.items() if part == [_PARTITION[split]]]
    if not chosen:
        raise DataNotFoundError(f"{parts_file} lists no image of the {split} split.")
    without = next((file for file in chosen if file not in values), None)
    if without is not None:
        raise InvalidInputError(f"list_attr_celeba in {folder} has no line for {without}.")
    return [images / file for file in chosen], names, np.stack([values[file] for file in chosen])


def _image_folder(folder: Path) -> Path:
    # Kaggle's archive unpacks to img_align_celeba/img_align_celeba/*.jpg.
    inner = folder / "img_align_celeba" / "img_align_celeba"
    for images in (inner, inner.parent):
        if images.is_dir():
            return images
    raise DataNotFoundError(
        f"There is no folder {inner.parent}; folder= names the folder that holds img_align_celeba."
    )


def _annotation(folder: Path, stem: str) -> Path:
    for path in (folder / f"{stem}.csv", folder / f"{stem}.txt"):
        if path.is_file():
            return path
    raise DataNotFoundError(f"There is no {stem}.csv or {stem}.txt in {folder}.")


def _rows(path: Path) -> list[list[str]]:
    """The cells of each line: split at commas in a .csv, at blanks in a .txt."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}") from error
    separator = "," if path.suffix == ".csv" else None
    return [line.split(separator) for line in lines if line.strip()]


def _attributes(path: Path) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    rows = _rows(path)
    if path.suffix == ".csv":
        header, rows = rows[0][1:] if rows else [], rows[1:]
    else:  # the first line is the number of images, the second the names alone
        header, rows = rows[1] if len(rows) > 1 else [], rows[2:]
    codes = {"1": 1, "-1": 0, "0": 0}
    values = {}
    for row in rows:
        if len(row) != len(header) + 1 or not set(row[1:]) <= codes.keys():
            raise InvalidInputError(
                f"{path}: the line of {row[0]} should hold {len(header)} values of 1 or -1."
            )
        values[row[0]] = np.array([codes[cell] for cell in row[1:]], np.int64)
    return tuple(header), values
