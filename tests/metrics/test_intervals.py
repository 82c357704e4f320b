"""The bootstrap interval against the normal theory that it approaches, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import interval, proportion


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
