"""Error rates against a textbook recursion and sums by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import proportion
from tfgenxai.metrics.words import decode, error_rates

WORDS = st.text("012", max_size=5)


@cache
def edits(asked: str, read: str) -> int:
    """What is left after the first characters are equal, exchanged, left out or put in."""
    if not asked or not read:
        return len(asked) + len(read)
    return min(
        edits(asked[1:], read[1:]) + (asked[0] != read[0]),
        edits(asked[1:], read) + 1,
        edits(asked, read[1:]) + 1,
    )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=8))
def test_edits_and_wrong_words_of_the_whole_set(pairs):
    asked, read = zip(*pairs, strict=True)
    found = error_rates(asked, read)
    expected = sum(edits(*pair) for pair in pairs) / sum(map(len, asked))
    assert found.characters.mean == pytest.approx(expected)
    assert found.words == proportion(sum(a != r for a, r in pairs), len(pairs))
    assert found.characters.low <= expected <= found.characters.high


def test_rates_by_hand():
    """Nothing, one taken for another, one left out, two put in: 4 edits of 10 characters."""
    found = error_rates(["2021", "7", "345", "18"], ["2021", "1", "35", "1808"])
    assert (found.characters.mean, found.words.mean) == (0.4, 0.75)
    assert found.characters.count == found.words.count == 4
    assert found.row()["word_error_rate_low"] == found.words.low
    assert error_rates(["1"], ["234"]).characters.mean == 3.0
    exact = error_rates(["12"] * 50, ["12"] * 50)
    assert exact.characters.high == 0.0 and 0.0 < exact.words.high < 0.1


def test_the_interval_is_over_words_and_not_over_characters():
    """Half of the words all wrong: as a share of words, many times wider than of characters."""
    asked, read = ["0000000000"] * 200, ["0000000000"] * 100 + ["1111111111"] * 100
    found = error_rates(asked, read, seed=1).characters
    spread = 1.96 * np.sqrt(0.25 / 200)  # of a share of 200 words, in normal theory
    assert found.high - found.low == pytest.approx(2 * spread, rel=0.1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text("xyz", max_size=4), min_size=1, max_size=6))
def test_codes_become_the_words_that_they_were_made_of(words):
    codes = np.full((len(words), 5), -1)
    for row, word in zip(codes, words, strict=True):
        row[: len(word)] = ["xyz".index(character) for character in word]
    assert decode(codes, "xyz") == words


@pytest.mark.parametrize(
    ("asked", "read", "text"),
    [
        (["1", "2"], ["1"], "2 were asked for and 1"),
        ([], [], "at least one"),
        (["1", ""], ["1", "1"], "Word 1"),
    ],
)
def test_words_that_do_not_fit(asked, read, text):
    with pytest.raises(InvalidInputError, match=text):
        error_rates(asked, read)


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (np.zeros((2, 3)), "integers"),
        (np.zeros(3, np.int64), "integers"),
        ([[0, 3]], "from 0 to 2"),
        ([[0, -2]], "from 0 to 2"),
        ([[-1, 0]], "ends at its first -1"),
    ],
)
def test_codes_that_are_none(codes, text):
    with pytest.raises(InvalidInputError, match=text):
        decode(codes, "xyz")
