"""Columns of characters."""

import numpy as np
import pytest

from tests.words import tiny
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.words import by_character, character_pixels, shares
from tfgenxai.words.characters import characters_of


def test_the_pixels_of_a_character():
    mask = character_pixels("2026", 1)
    assert mask.shape == (32, 64) and mask.dtype == bool
    assert mask[:, 16:32].all() and mask.sum() == 32 * 16
    image = np.zeros((8, 32, 1), np.float32)
    image[2, 3] = image[3, 20] = 0.9
    image[4, 21] = 0.4
    ink = character_pixels(2, 1, image)
    assert ink.shape == (8, 32) and np.argwhere(ink).tolist() == [[3, 20]]
    with pytest.raises(UsageError, match="no character 2: they run from 0 to 1"):
        character_pixels("ab", 2)
    with pytest.raises(InvalidInputError, match="3 characters is 48 pixels wide"):
        character_pixels("abc", 0, image)


def test_sums_over_the_columns_of_a_character():
    maps = np.random.default_rng(0).random((2, 3, 4, 6))
    found = by_character(maps, 3)
    for index in np.ndindex(2, 3, 3):
        *rest, i = index
        expected = sum(maps[(*rest, y, x)] for y in range(4) for x in (2 * i, 2 * i + 1))
        assert found[index] == pytest.approx(expected)
    with pytest.raises(InvalidInputError, match="4 equal parts"):
        by_character(maps, 4)
    np.testing.assert_allclose(shares([[1, -3], [0, 0]]), [[0.25, 0.75], [np.nan, np.nan]])


def test_how_many_characters_a_graph_is_for(graph, reader):
    assert characters_of(graph) == characters_of(reader) == 2
    with pytest.raises(UsageError, match="words of any length: take that of one word"):
        characters_of(tiny.graph_of(tiny.generator()))
