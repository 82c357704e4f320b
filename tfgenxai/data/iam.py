"""IAM: words written by hand, from a copy of your own: its licence forbids shipping it."""

from __future__ import annotations

import os
import string
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tfgenxai.data.folder import split_by_name
from tfgenxai.data.iam_files import WHERE_TO_GET_IT, Word, read_partition, read_words
from tfgenxai.data.image_files import read_grey
from tfgenxai.data.images import ImageData
from tfgenxai.data.progress import counter
from tfgenxai.data.request import Listing, Request, check_source, first_size
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError

ALPHABET = string.ascii_uppercase + string.ascii_lowercase
HEIGHT, SLOT, LONGEST = 32, 16, 10
PER_CHARACTER = (10.0, 18.0)  # pixels of width at height 32
PAPER = 255
_BLOCK = 1000  # words read before it is asked whether there are enough
_NAMED = 3  # broken entries that the warning names


def load(request: Request) -> ImageData:
    """Words (32, 16 · longest, 1), dark ink on white paper, scaled as ScrabbleGAN takes them.

    Kept are words that were segmented rightly, of 1 to 10 characters of the alphabet, and from 10
    to 18 pixels wide per character once they are 32 high; a word of n characters is scaled to
    32 × 16n (Fogel et al. 2020) and padded with white on the right to the longest of the set. The
    official sets of lines are the splits where their files are there, validation counting as
    training; else a tenth of the forms is "test". What is broken is skipped, counted in
    `source_detail` and said in one warning.

    Raises:
        UsageError: no folder was named, or the alphabet is empty or names a character twice.
        DataNotFoundError: words.txt or words/ is missing, or holds no word to use.
        InvalidInputError: the official sets contradict one another.
    """
    check_source(request, ("folder",))
    folder = request.folder
    if folder is None:
        raise UsageError(f"iam needs folder=, the path of your copy. {WHERE_TO_GET_IT}")
    alphabet = ALPHABET if request.alphabet is None else request.alphabet
    if not alphabet or len(set(alphabet)) < len(alphabet):
        raise UsageError(f"An alphabet is a text of different characters, not {alphabet!r}.")
    words, malformed = read_words(folder)
    if not (folder / "words").is_dir():
        raise DataNotFoundError(f"There is no folder {folder / 'words'}. {WHERE_TO_GET_IT}")
    splits = read_partition(folder)
    left_out: Counter[str] = Counter()
    chosen = list(_chosen(words, request.split, splits, alphabet, left_out))
    broken = [("malformed", line) for line in malformed]
    texts, images = _read(request, folder / "words", chosen, left_out, broken)
    _warn(broken)
    if not images:
        raise DataNotFoundError(
            f"{folder} holds no {request.split} word to use: {_counts(left_out, broken)}. "
            f"{WHERE_TO_GET_IT}"
        )
    size = first_size(request, len(images))
    how = "a tenth of the forms is test" if splits is None else "the official sets of lines"
    return ImageData(
        name="iam",
        split=request.split,
        pixels=_padded(images[:size]),
        class_names=tuple(alphabet),
        source="folder",
        source_detail=f"IAM words in {folder.resolve()}, split: {how}; {_counts(left_out, broken)}",
        texts=np.array(texts[:size]),
    )


def listing() -> Listing:
    """The row for `sources()`."""
    return Listing(
        name="iam",
        shape=None,
        labels=0,
        factors=(),
        sources=("folder",),
        source=None,
        how="folder=PATH of your own copy of the IAM Handwriting Database: words.txt and words/",
    )


def _chosen(
    words: Sequence[Word],
    split: str,
    splits: dict[str, str] | None,
    alphabet: str,
    left_out: Counter[str],
) -> Iterator[Word]:
    """The words of a split that can be used as far as their text says; the others are counted."""
    known = set(alphabet)
    for word in words:
        belongs = split_by_name(word.form) if splits is None else splits.get(word.line)
        if belongs is None:
            left_out["in no official set"] += 1
        elif belongs != split:
            continue
        elif not word.segmented:
            left_out["segmented wrongly"] += 1
        elif not known.issuperset(word.text):
            left_out["with other characters"] += 1
        elif len(word.text) > LONGEST:
            left_out[f"longer than {LONGEST}"] += 1
        else:
            yield word


def _read(
    request: Request,
    folder: Path,
    words: Sequence[Word],
    left_out: Counter[str],
    broken: list[tuple[str, str]],
) -> tuple[list[str], list[np.ndarray]]:
    """Texts and images (32, 16n) of the words that can be read, until there are enough."""
    texts: list[str] = []
    images: list[np.ndarray] = []
    # Pillow decodes and scales outside the interpreter lock.
    with (
        counter("Reading words", len(words), request.progress) as advance,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        for start in range(0, len(words), _BLOCK):
            block = words[start : start + _BLOCK]
            for word, read in zip(
                block, pool.map(lambda w: _scaled(folder, w), block), strict=True
            ):
                if isinstance(read, np.ndarray):
                    texts.append(word.text)
                    images.append(read)
                elif read == _TOO_WIDE:
                    left_out[read] += 1
                else:
                    broken.append((read, str(word.file)))
            advance(len(block))
            if request.size is not None and len(images) >= request.size:
                break
    return texts, images


_TOO_WIDE = "not from {:g} to {:g} pixels wide per character".format(*PER_CHARACTER)


def _scaled(folder: Path, word: Word) -> np.ndarray | str:
    """uint8 (32, 16n) of a word of n characters, or why there is none."""
    path = folder / word.file
    if not path.is_file():
        return "missing"
    try:
        image = read_grey(path)
    except InvalidInputError:
        return "unreadable"
    narrowest, widest = PER_CHARACTER
    if not narrowest <= image.width * HEIGHT / image.height / len(word.text) <= widest:
        return _TOO_WIDE
    size = (SLOT * len(word.text), HEIGHT)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _padded(images: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (N, 32, W, 1), W the width of the widest."""
    widest = max(image.shape[1] for image in images)
    pixels = np.full((len(images), HEIGHT, widest, 1), PAPER, np.uint8)
    for padded, image in zip(pixels, images, strict=True):
        padded[:, : image.shape[1], 0] = image
    return pixels


def _counts(left_out: Counter[str], broken: Sequence[tuple[str, str]]) -> str:
    """What was not taken, in words."""
    skipped = Counter(why for why, _ in broken)
    left = ", ".join(f"{count:,} {why}" for why, count in left_out.items())
    bad = ", ".join(f"{count:,} {why}" for why, count in skipped.items())
    return f"left out: {left or 'none'}; broken and skipped: {bad or 'none'}"


def _warn(broken: Sequence[tuple[str, str]]) -> None:
    """One warning for all that is broken, with the first few of each kind."""
    if not broken:
        return
    kinds = {why: [name for kind, name in broken if kind == why] for why, _ in broken}
    said = "; ".join(
        f"{len(names):,} {why} ({', '.join(names[:_NAMED])}{', ...' * (len(names) > _NAMED)})"
        for why, names in kinds.items()
    )
    warnings.warn(f"Skipped what is broken in this copy of IAM: {said}.", stacklevel=4)
