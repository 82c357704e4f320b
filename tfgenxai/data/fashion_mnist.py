"""Fashion-MNIST: 28 × 28 × 1 pictures of clothes, from TFDS or from the published idx files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfgenxai.data import tfds_store
from tfgenxai.data.cache import Arrays
from tfgenxai.data.idx import read_idx
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request, check_source, first_size
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError

SOURCES = ("tfds", "debian", "tfds-download")
CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PROBE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz"
_PREFIX = {"train": "train", "test": "t10k"}


def load(request: Request) -> ImageData:
    """Fashion-MNIST: prepared TFDS data, else Debian's (or the folder's) files, else a download.

    Raises:
        DataNotFoundError: the source asked for is not here, or none is.
        InvalidInputError: an idx file is damaged.
    """
    check_source(request, SOURCES)
    arrays, source, detail = _find(request)
    size = first_size(request, len(arrays["labels"]))
    return ImageData(
        name="fashion_mnist",
        split=request.split,
        pixels=arrays["images"][:size],
        labels=arrays["labels"][:size],
        class_names=CLASSES,
        source=source,
        source_detail=detail,
    )


def listing() -> Listing:
    """The row for `sources()`."""
    here = "debian" if _images_file(DEBIAN, "train").is_file() else None
    return Listing(
        name="fashion_mnist",
        shape=(28, 28, 1),
        labels=10,
        factors=(),
        sources=SOURCES,
        source="tfds" if tfds_store.prepared("fashion_mnist") else here,
        how="TFDS downloads it; Debian: apt-get install dataset-fashion-mnist; or folder=",
    )


def _find(request: Request) -> tuple[Arrays, str, str]:
    if request.folder is not None and request.source not in (None, "debian"):
        raise UsageError(f"A folder of idx files and source={request.source!r} exclude each other.")
    source = "debian" if request.folder else request.source or listing().source or "tfds-download"
    if source == "debian":
        folder = request.folder or DEBIAN
        return _read_folder(folder, request.split), source, f"the idx files in {folder}"
    store, detail = tfds_store.find("fashion_mnist", source, PROBE, request.progress)
    return tfds_store.read_labelled(store, request.split), source, detail


def _images_file(folder: Path, split: str) -> Path:
    return folder / f"{_PREFIX[split]}-images-idx3-ubyte.gz"


def _read_folder(folder: Path, split: str) -> Arrays:
    images_file = _images_file(folder, split)
    labels_file = folder / f"{_PREFIX[split]}-labels-idx1-ubyte.gz"
    for file in (images_file, labels_file):
        if not file.is_file():
            raise DataNotFoundError(
                f"There is no {file}; install Debian's dataset-fashion-mnist, or name a folder "
                "that holds the four published .gz files."
            )
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.ndim != 3 or labels.shape != images.shape[:1] or labels.max(initial=0) > 9:
        raise InvalidInputError(
            f"{images_file} and {labels_file.name} do not belong together: images of shape "
            f"{images.shape}, labels of shape {labels.shape}."
        )
    return {"images": images[..., np.newaxis], "labels": labels.astype(np.int64)}
