"""Attention between characters, against loops."""

import numpy as np
import pytest

from tfgenxai.attention import AttentionMaps
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.words import attention_between


def maps_of(images, queries=(4, 6), keys=(2, 3)):
    rng = np.random.default_rng(0)
    values = rng.random((len(images), queries[0] * queries[1], keys[0] * keys[1]))
    values /= values.sum(axis=2, keepdims=True)
    return AttentionMaps(values.astype(np.float32), queries, keys, images=images)


def test_what_characters_take_from_each_other():
    """Three characters of 2 x 4 queries and 1 x 2 keys; a query is 8 x 8 pixels."""
    images = np.zeros((2, 32, 48, 1), np.float32)
    images[0, :, :8] = images[0, 8:12, 16:24] = 1.0  # the second has half of one query
    images[1, :, 32:] = 0.9
    maps = maps_of(images)
    found = attention_between(maps, 3)
    ink = {
        0: {0: [(r, 0) for r in range(4)], 1: [(1, 2)]},
        1: {2: [(r, c) for r in range(4) for c in (4, 5)]},
    }
    for n, i, j in np.ndindex(2, 3, 3):
        queries = ink[n].get(i, [])
        if not queries:
            assert np.isnan(found[n, i, j])
            continue
        taken = [sum(maps.values[n, r * 6 + c, key] for key in (j, 3 + j)) for r, c in queries]
        assert found[n, i, j] == pytest.approx(np.mean(taken), rel=1e-5)
    np.testing.assert_allclose(np.nansum(found, axis=2)[0, :2], 1, rtol=1e-5)
    even = attention_between(maps.uniform(), 3)
    np.testing.assert_allclose(even[0, 0], 1 / 3, rtol=1e-5)


def test_what_cannot_be_cut_or_has_no_ink():
    images = np.ones((1, 32, 48, 1), np.float32)
    with pytest.raises(InvalidInputError, match="4 equal parts"):
        attention_between(maps_of(images), 4)
    with pytest.raises(UsageError, match="come with none"):
        attention_between(AttentionMaps(maps_of(images).values, (4, 6), (2, 3)), 3)
