"""CelebA: photographs of faces with 40 yes/no attributes, from TFDS or from a Kaggle copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tfgenxai.data import tfds_store
from tfgenxai.data.celeb_a_files import read_annotations
from tfgenxai.data.image_files import fit, read_images
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request, check_source, first_size
from tfgenxai.errors import DataNotFoundError, UsageError

SOURCES = ("tfds", "kaggle", "tfds-download")
DEFAULT_SIZE = {"train": 20_000, "test": 2_000}
PROBE = "https://drive.google.com/"
SIDE = 128


def load(request: Request) -> ImageData:
    """CelebA faces: the centred square of 178 × 218 pixels, scaled to 128 × 128 × 3.

    Factors are the 40 attributes with the values "no" and "yes". The whole training split takes
    8 GB as `pixels`; without `size` the first 20,000 (test: 2,000) are read.

    Raises:
        UsageError: a folder together with a TFDS source.
        DataNotFoundError: the data set, or a file of a Kaggle copy, is not here.
        InvalidInputError: a file of a Kaggle copy is damaged.
    """
    check_source(request, SOURCES)
    if request.folder is not None:
        if request.source not in (None, "kaggle"):
            raise UsageError(f"A folder and source={request.source!r} exclude each other.")
        return _from_kaggle(request, request.folder)
    if request.source == "kaggle":
        raise UsageError("source='kaggle' needs folder=, the folder that holds img_align_celeba.")
    source = request.source or listing().source or "tfds-download"
    try:
        store, detail = tfds_store.find("celeb_a", source, PROBE, request.progress)
    except DataNotFoundError as error:
        raise DataNotFoundError(f"{error} A Kaggle copy is read with folder=.") from error
    return _from_tfds(request, store, source, detail)


def listing() -> Listing:
    """The row for `sources()`."""
    return Listing(
        name="celeb_a",
        shape=(SIDE, SIDE, 3),
        labels=0,
        factors=("40 attributes",),
        sources=SOURCES,
        source="tfds" if tfds_store.prepared("celeb_a") else None,
        how="TFDS downloads it (1.4 GB); or folder= with img_align_celeba/, list_attr_celeba and "
        "list_eval_partition, .csv or .txt",
    )


def _size(request: Request, available: int) -> int:
    if request.size is None:
        return min(available, DEFAULT_SIZE[request.split])
    return first_size(request, available)


def _from_kaggle(request: Request, folder: Path) -> ImageData:
    paths, names, codes = read_annotations(folder, request.split)
    size = _size(request, len(paths))
    image_size = request.image_size or (SIDE, SIDE)
    pixels = read_images(paths[:size], image_size, request.progress)
    return _data(request, pixels, names, codes[:size], "kaggle", f"the CelebA copy in {folder}")


def _from_tfds(request: Request, store: Path, source: str, detail: str) -> ImageData:
    size = _size(request, tfds_store.count(store, request.split))
    image_size = request.image_size or (SIDE, SIDE)
    pixels = np.empty((size, *image_size, 3), np.uint8)
    attributes: list[dict[str, np.ndarray]] = []
    done = 0
    for batch in tfds_store.batches(store, request.split, size, batch_size=100):
        for image in batch["image"]:
            pixels[done] = np.asarray(fit(Image.fromarray(image), image_size))
            done += 1
        attributes.append(batch["attributes"])
    names = tuple(attributes[0])
    codes = np.stack(
        [np.concatenate([part[name] for part in attributes]) for name in names], axis=1
    )
    return _data(request, pixels, names, codes.astype(np.int64), source, detail)


def _data(
    request: Request,
    pixels: np.ndarray,
    names: tuple[str, ...],
    codes: np.ndarray,
    source: str,
    detail: str,
) -> ImageData:
    return ImageData(
        name="celeb_a",
        split=request.split,
        pixels=pixels,
        source=source,
        source_detail=detail,
        factor_codes={name: codes[:, i] for i, name in enumerate(names)},
        factor_values={name: ("no", "yes") for name in names},
    )
