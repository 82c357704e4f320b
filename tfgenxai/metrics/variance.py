"""What a number goes by that was measured once for each pair of a row and a column.

Two-way analysis of variance without replication (Fisher 1925): the squares around the mean are
those between rows, those between columns, and the rest, in which both act together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import ENDS, Interval


@dataclass(frozen=True)
class Shares:
    """Shares of the variance, eta squared each; they sum to 1, or are all 0 where nothing varies.

    Attributes:
        rows, columns, rest: in [0, 1].
        rows_of_rest: rows / (rows + rest): the rows' share of what the columns leave, with its
            95 % interval over rows; 0 where they leave nothing.
        chance: the same, where each column's values are shuffled, so that a row is nothing: its
            mean and the interval that holds 95 % of the shuffles. About 1 / columns.
        count: rows that were looked at.
    """

    rows: float
    columns: float
    rest: float
    rows_of_rest: Interval
    chance: Interval
    count: int


def two_way(values: Any, *, draws: int = 1000, seed: int = 0) -> Shares:
    """Shares of the variance of `values` (R, C), without the rows that are not finite throughout.

    Args:
        draws: bootstrap samples of rows (Efron 1979), and as many shuffles.
        seed: of both.

    Raises:
        InvalidInputError: another shape, or fewer than two rows or columns.
    """
    array = np.asarray(values, np.float64)
    if array.ndim == 2:
        array = array[np.isfinite(array).all(axis=1)]
    if array.ndim != 2 or min(array.shape) < 2:
        raise InvalidInputError(
            "Two ways are at least two rows and two columns of finite numbers; there are "
            f"{array.shape} of {np.shape(values)}."
        )
    rows, columns = array.shape
    array = array - array.mean()
    total = (array**2).sum()
    between_rows = columns * (array.mean(axis=1) ** 2).sum()
    between_columns = rows * (array.mean(axis=0) ** 2).sum()
    left = total - between_columns
    if left <= 1e-12 * total:  # rounding aside, each column holds one number
        none = Interval(0.0, 0.0, 0.0, rows)
        return Shares(0.0, float(total > 0), 0.0, none, none, rows)
    rng = np.random.default_rng(seed)
    resampled = _resampled(array, rng, draws)
    shuffled = _shuffled(array - array.mean(axis=0), rng, draws) / left
    return Shares(
        rows=float(between_rows / total),
        columns=float(between_columns / total),
        rest=float((left - between_rows) / total),
        rows_of_rest=_around(float(between_rows / left), resampled, rows),
        chance=_around(float(shuffled.mean()), shuffled, rows),
        count=rows,
    )


def _around(mean: float, drawn: np.ndarray, count: int) -> Interval:
    low, high = np.quantile(drawn, ENDS)
    return Interval(mean, float(low), float(high), count)


def _resampled(array: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """The rows' share of what the columns leave, for rows (R, C) drawn anew, (draws,)."""
    rows, columns = array.shape
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), size=draws) / rows
    means = array.mean(axis=1)
    between = columns * (weights @ means**2 - (weights @ means) ** 2)
    left = (weights @ array**2 - (weights @ array) ** 2).sum(axis=1)
    return np.divide(between, left, out=np.zeros_like(left), where=left > 0)


def _shuffled(centred: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Squares between rows of (R, C), each column shuffled by itself, (draws,)."""
    columns = centred.shape[1]
    means = (rng.permuted(centred, axis=0).mean(axis=1) for _ in range(draws))
    return np.array([columns * (mean**2).sum() for mean in means])
