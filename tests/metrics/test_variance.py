"""Two-way shares against sums over loops, closed forms, and a table of known parts."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.variance import two_way

RANDOM = np.random.default_rng(0)


def test_shares_are_those_of_sums_over_a_table():
    values = RANDOM.normal(size=(9, 4)) + RANDOM.normal(size=(9, 1)) + np.arange(4)
    found = two_way(values, draws=10)
    mean = values.mean()
    total = sum((v - mean) ** 2 for v in values.ravel())
    rows = sum(4 * (row.mean() - mean) ** 2 for row in values)
    columns = sum(9 * (column.mean() - mean) ** 2 for column in values.T)
    assert found.rows == pytest.approx(rows / total)
    assert found.columns == pytest.approx(columns / total)
    assert found.rows + found.columns + found.rest == pytest.approx(1)
    assert found.rows_of_rest.mean == pytest.approx(rows / (total - columns))


def test_rows_alone_and_columns_with_noise():
    rows = np.repeat(RANDOM.normal(size=(30, 1)), 10, axis=1)
    alone = two_way(rows + 5 * np.arange(10))
    assert alone.rows_of_rest.mean == pytest.approx(1) and alone.rest == pytest.approx(0, abs=1e-9)
    assert alone.rows_of_rest.low == pytest.approx(1)
    assert alone.columns > 0.9
    noise = two_way(RANDOM.normal(size=(200, 10)) + 5 * np.arange(10))
    assert noise.chance.low < noise.rows_of_rest.mean < noise.chance.high
    # 199 of the 1,990 degrees of freedom that columns leave.
    assert noise.chance.mean == pytest.approx(199 / 1990, abs=0.005)


def test_the_interval_holds_a_known_share():
    """Rows and noise of variance 1 each: squares between rows expect C + 1, all left 2 C."""
    columns, inside = 10, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(100, 1)) + rng.normal(size=(100, columns))
        found = two_way(values, draws=300).rows_of_rest
        inside += found.low <= (columns + 1) / (2 * columns) <= found.high
    assert inside >= 16  # of 95 %


def test_rows_that_are_not_known_are_left_out():
    values = RANDOM.normal(size=(8, 3))
    holed = np.vstack([values, [np.nan, 1.0, 2.0]])
    first, again = two_way(values), two_way(holed)
    assert again.count == 8 and again.rows_of_rest == first.rows_of_rest


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((1, 3)), np.full((4, 4), np.nan)])
def test_other_tables_are_refused(values):
    with pytest.raises(InvalidInputError, match="two rows and two columns"):
        two_way(values)


def test_columns_that_tell_all_leave_nothing_to_rows():
    found = two_way(np.tile(np.arange(4.0), (5, 1)))
    assert (found.rows, found.columns, found.rest) == (0, 1, 0)
    assert found.rows_of_rest.high == found.chance.high == 0
    same = two_way(np.full((5, 4), 3.0))
    assert (same.rows, same.columns, same.rest, same.rows_of_rest.mean) == (0, 0, 0, 0)
