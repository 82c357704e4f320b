"""Words that were read beside words that were asked for: character and word error rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import Interval, proportion, ratio


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


def error_rates(asked: Sequence[str], read: Sequence[str], *, seed: int = 0) -> ErrorRates:
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
