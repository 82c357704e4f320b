"""Reading words, and how far what is read is from what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import Interval, proportion, ratio

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

Texts = Sequence[str] | np.ndarray

_BATCH = 256


@dataclass(frozen=True)
class WordReadings:
    """What a recogniser makes of N words.

    Attributes:
        texts: what it reads in each.
        features: (N, F) float64, its output of that name; None of a recogniser without it.
    """

    texts: list[str]
    features: np.ndarray | None


def read_words(recognise: Graph, images: np.ndarray, lengths: Any, alphabet: str) -> WordReadings:
    """What a recogniser reads in words of several lengths, each cropped to its own width.

    What lies beside a word is not shown to the recogniser, which would read in it.

    Args:
        recognise: graph from `image` to `text`, (n, T) characters' numbers and then -1.
        images: (N, H, W, C) in [0, 1]; word i fills the first 16 lengths[i] columns.
        lengths: (N,) characters of each word.
        alphabet: the recogniser's characters, in the order of their numbers.

    Raises:
        InvalidInputError: images or lengths that the recogniser does not take, or images that hold
            fewer characters than `lengths` says.
    """
    images, lengths = np.asarray(images, np.float32), np.asarray(lengths)
    expected = recognise.inputs["image"].shape
    if images.ndim != 4 or not expected[1::2].is_compatible_with(images.shape[1::2]):
        raise InvalidInputError(
            f"The recogniser reads images of shape (N, {expected[1]}, W, {expected[3]}), "
            f"not {images.shape}."
        )
    if lengths.shape != images.shape[:1] or not len(lengths) or lengths.min() < 1:
        raise InvalidInputError(
            f"Lengths are one number a word from 1, ({len(images)},), of a word at least; these "
            f"have shape {lengths.shape}."
        )
    if CHARACTER_WIDTH * lengths.max() > images.shape[2]:
        raise InvalidInputError(
            f"A word of {lengths.max()} characters is {CHARACTER_WIDTH * lengths.max()} wide, and "
            f"the images {images.shape[2]}."
        )
    if expected[2] and np.any(CHARACTER_WIDTH * lengths != expected[2]):
        raise InvalidInputError(
            f"The recogniser was loaded for words of {expected[2] // CHARACTER_WIDTH} characters; "
            f"these have {lengths.min()} to {lengths.max()}. Load it without a word."
        )
    named = [name for name in ("text", "features") if name in recognise.outputs]
    function = recognise.function(["image"], named)
    texts = np.empty(len(images), object)
    places, features = [], []
    for length, rows in by_length(lengths):
        for some in np.array_split(rows, range(_BATCH, len(rows), _BATCH)):
            codes, *rest = function(images[some, :, : CHARACTER_WIDTH * length])
            texts[some] = decode(codes.numpy(), alphabet)
            places.append(some)
            features += [found.numpy() for found in rest]
    order = np.argsort(np.concatenate(places))
    whole = np.concatenate(features).astype(np.float64)[order] if features else None
    return WordReadings(list(texts), whole)


def by_length(lengths: Any) -> Iterator[tuple[int, np.ndarray]]:
    """Each length that occurs in `lengths` (N,), with the places that have it."""
    lengths = np.asarray(lengths)
    for length in np.unique(lengths):
        yield int(length), np.flatnonzero(lengths == length)


@dataclass(frozen=True)
class ErrorRates:
    """How far N words that were read are from those that were asked for.

    Attributes:
        characters: edits over the characters asked for, of the whole set; above 1 where more is
            read than was asked for. Its interval is over words.
        words: the share of words with an edit, in [0, 1].
    """

    characters: Interval
    words: Interval

    def row(self) -> dict[str, float]:
        """`character_error_rate` and `word_error_rate`, each with `_low` and `_high`."""
        return self.characters.row("character_error_rate") | self.words.row("word_error_rate")


def error_rates(asked: Texts, read: Texts, *, seed: int = 0) -> ErrorRates:
    """Character and word error rate of the words `read` where `asked` was wanted.

    An edit is one character put in, left out or taken for another (Levenshtein 1966). The interval
    of the character error rate is a bootstrap over words, since the edits of one word belong
    together; where nothing is misread it shrinks to 0, and that of the words says how much was
    tried.

    Args:
        asked, read: N words each, in the same order; what is read may be empty.
        seed: of the bootstrap.

    Raises:
        InvalidInputError: other numbers of words, none, or a word asked for without a character.
    """
    from rapidfuzz.distance import Levenshtein

    if len(asked) != len(read) or not len(asked):
        raise InvalidInputError(
            f"Error rates compare words one by one: {len(asked)} were asked for and {len(read)} "
            "read; give equal numbers of them, and at least one."
        )
    lengths = np.array([len(word) for word in asked])
    if not lengths.all():
        raise InvalidInputError(
            f"Word {int(np.argmin(lengths))} of those asked for is empty; a character error rate "
            "is over characters."
        )
    edits = np.array([Levenshtein.distance(*pair) for pair in zip(asked, read, strict=True)])
    return ErrorRates(
        characters=ratio(edits, lengths, seed=seed),
        words=proportion(int(np.count_nonzero(edits)), len(edits)),
    )


def decode(codes: Any, alphabet: str) -> list[str]:
    """The N words that `codes` (N, T), places in the `alphabet` and then -1, stand for.

    Raises:
        InvalidInputError: another shape or type, a place outside of the alphabet, or one after -1.
    """
    array = np.asarray(codes)
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.integer):
        raise InvalidInputError(
            f"Words are integers (N, T), a row each, not {array.dtype} {array.shape}."
        )
    if array.size and not (array.min() >= -1 and array.max() < len(alphabet)):
        raise InvalidInputError(
            f"Characters are numbers from 0 to {len(alphabet) - 1}, then -1; these run from "
            f"{array.min()} to {array.max()}."
        )
    written = array >= 0
    if np.any(written[:, 1:] & ~written[:, :-1]):
        raise InvalidInputError("A word ends at its first -1, and no character comes after it.")
    return ["".join(alphabet[code] for code in row[row >= 0]) for row in array]
