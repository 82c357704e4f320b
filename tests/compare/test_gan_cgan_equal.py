"""Class changes at equal image distance: known probabilities, and a slow way to the same sums."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.compare.gan_cgan_equal import BINS, at_equal_distance

RANDOM = np.random.default_rng(0)


def drawn(probability, low: float, high: float, codes: int = 300, images: int = 40):
    distances = RANDOM.uniform(low, high, (codes, images))
    return distances, RANDOM.random((codes, images)) < probability(distances)


def test_models_that_differ_by_distance_alone_are_equal():
    """The class is lost with probability d: one model moves to 0.8, the other to 0.5."""
    first, second = drawn(lambda d: d, 0, 0.8), drawn(lambda d: d, 0, 0.5)
    assert first[1].mean() - second[1].mean() > 0.1
    found = at_equal_distance(first, second)
    assert abs(found.difference.mean) < 0.02
    assert found.difference.low < 0.005 and found.difference.high > -0.005
    np.testing.assert_allclose(found.first_curve, found.middles, atol=0.05)


def test_models_that_differ_at_every_distance_are_told_apart():
    first, second = drawn(lambda d: 0.6, 0, 0.8), drawn(lambda d: 0.2, 0.1, 1.0)
    found = at_equal_distance(first, second)
    assert found.first.mean == pytest.approx(0.6, abs=0.02)
    assert found.second.mean == pytest.approx(0.2, abs=0.02)
    assert found.first.low < 0.6 < found.first.high
    assert found.difference.low > 0.35 and found.difference.high < 0.45


def test_sums_are_those_of_loops():
    first, second = drawn(lambda d: d, 0, 1, 8, 6), drawn(lambda d: d / 2, 0.3, 1.2, 5, 7)
    found = at_equal_distance(first, second, draws=10)
    pooled = sorted([*first[0].ravel(), *second[0].ravel()])
    edges = [np.quantile(pooled, k / BINS) for k in range(1, BINS)]

    def members(each, index):
        low = edges[index - 1] if index else -np.inf
        high = edges[index] if index < BINS - 1 else np.inf
        inside = (each[0] > low) & (each[0] <= high)
        return each[1][inside]

    sums, weight = [0.0, 0.0], 0
    for index in range(BINS):
        both = members(first, index), members(second, index)
        least = min(map(len, both))
        if least:
            weight += least
            for which in range(2):
                sums[which] += least * both[which].mean()
    assert found.first.mean == pytest.approx(sums[0] / weight)
    assert found.second.mean == pytest.approx(sums[1] / weight)
    assert found.difference.mean == pytest.approx((sums[0] - sums[1]) / weight)


def test_models_without_a_common_distance_are_not_compared():
    near, far = drawn(lambda d: d, 0, 1, 6, 10), drawn(lambda d: d, 2, 3, 6, 10)
    assert at_equal_distance(near, far) is None
