"""Data sets of TFDS in which every combination of a few factors is one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.data import tfds_store
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request, check_source, first_size

SOURCES = ("tfds", "tfds-download")
DEFAULT_SIZE = {"train": 50_000, "test": 5_000}
SIDE = 64


@dataclass(frozen=True)
class FactorSet:
    """What tells one such data set from another.

    Attributes:
        name: of the data set, here and in TFDS.
        channels: of its images, 64 × 64.
        values: factor -> its values in the order of the labels; TFDS calls them label_<factor>.
        probe: address of the file that a download needs.
        how: how to get it.
    """

    name: str
    channels: int
    values: dict[str, tuple[str, ...]]
    probe: str
    how: str

    def load(self, request: Request) -> ImageData:
        """Images with the codes of all factors, the first `size` in TFDS' order.

        TFDS has one split, in the shuffled order in which it was prepared: "test" is its last
        tenth, "train" the rest, so that no combination of factors is in both. Without `size`, the
        first 50,000 (test: 5,000) are read.

        Raises:
            DataNotFoundError: the data set, or so many images of it, is not here.
        """
        check_source(request, SOURCES)
        source = request.source or self.listing().source or "tfds-download"
        store, detail = tfds_store.find(self.name, source, self.probe, request.progress)
        total = tfds_store.count(store, "train")
        boundary = total - total // 10
        start, stop = (0, boundary) if request.split == "train" else (boundary, total)
        size = min(stop - start, DEFAULT_SIZE[request.split])
        if request.size is not None:
            size = first_size(request, stop - start)
        pixels = np.empty((size, SIDE, SIDE, self.channels), np.uint8)
        codes = {name: np.empty(size, np.int64) for name in self.values}
        done = 0
        for batch in tfds_store.batches(store, f"train[{start}:{start + size}]"):
            rows = slice(done, done + len(batch["image"]))
            pixels[rows] = batch["image"]
            for name, code in codes.items():
                code[rows] = batch[f"label_{name}"]
            done = rows.stop
        return ImageData(
            name=self.name,
            split=request.split,
            pixels=pixels,
            source=source,
            source_detail=f"{detail}, {request.split}: images {start:,} to {start + size - 1:,}",
            factor_codes=codes,
            factor_values=self.values,
        )

    def listing(self) -> Listing:
        """The row for `sources()`."""
        return Listing(
            name=self.name,
            shape=(SIDE, SIDE, self.channels),
            labels=0,
            factors=tuple(self.values),
            sources=SOURCES,
            source="tfds" if tfds_store.prepared(self.name) else None,
            how=self.how,
        )


def evenly(first: float, last: float, count: int) -> tuple[str, ...]:
    """`count` evenly spaced values as text, such as "0.25"."""
    return tuple(f"{value:.4g}" for value in np.linspace(first, last, count))
