"""The bootstrap interval against the normal theory that it approaches, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import interval, proportion, ratio


def test_it_is_the_normal_interval_where_that_holds() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 2000)
    found = interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(half, rel=0.1)
    assert found.mean - found.low == pytest.approx(half, rel=0.1)


def test_it_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = [
        not interval(rng.exponential(1.0, 60), draws=500, seed=trial).apart_from(1.0)
        for trial in range(200)
    ]
    assert 0.88 <= np.mean(covered) <= 0.99


def test_the_same_values_give_the_same_interval_and_undefined_ones_do_not_count() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, np.inf])
    assert interval(values) == interval([1.0, 2.0, 4.0])
    assert interval(values).count == 3
    one = interval([5.0])
    assert (one.low, one.mean, one.high, one.count) == (5.0, 5.0, 5.0, 1)
    assert interval(np.full(9, 2.0)).row("x") == {"x": 2.0, "x_low": 2.0, "x_high": 2.0}


@pytest.mark.parametrize("values", [np.zeros((2, 2)), [], [np.nan]])
def test_what_has_no_mean_is_refused(values: object) -> None:
    with pytest.raises(InvalidInputError, match="interval"):
        interval(values)


@pytest.mark.parametrize(("hits", "count"), [(0, 30), (7, 30), (30, 30)])
def test_wilsons_interval(hits, count):
    """The two shares p from which the one observed is just 1.96 standard errors away."""
    found = proportion(hits, count)
    assert (found.mean, found.count) == (hits / count, count)
    for end in (found.low, found.high):
        apart = abs(end - hits / count)
        expected = norm.ppf(0.975) * np.sqrt(end * (1 - end) / count)
        np.testing.assert_allclose(apart, expected, atol=1e-8)


def test_a_ratio_of_sums_by_the_delta_method():
    """var(T / B) is about var(T - R B) / (N mean(B)^2), R the ratio."""
    rng = np.random.default_rng(3)
    below = rng.integers(1, 5, 1500)
    above = rng.poisson(0.4 * below)
    found = ratio(above, below)
    assert found.mean == above.sum() / below.sum() and found.count == 1500
    deviation = np.std(above - found.mean * below) / np.sqrt(1500) / below.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_a_ratio_over_ones_is_a_mean():
    values = np.random.default_rng(4).random(40)
    found, expected = ratio(values, np.ones(40)), interval(values)
    assert found.row("x") == pytest.approx(expected.row("x"))
    assert ratio([3], [4]).row("x") == {"x": 0.75, "x_low": 0.75, "x_high": 0.75}


@pytest.mark.parametrize(
    ("tops", "bottoms"), [([1.0], [0.0]), ([np.nan], [1.0]), ([1.0, 2.0], [1.0]), ([], [])]
)
def test_a_ratio_that_is_none(tops, bottoms):
    with pytest.raises(InvalidInputError, match="A ratio"):
        ratio(tops, bottoms)
