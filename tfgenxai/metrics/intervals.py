"""How sure a mean or a ratio over samples is: bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError

LEVEL = 0.95
#: The quantiles between which that share lies.
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True)
class Interval:
    """A mean with the confidence interval of it.

    Attributes:
        mean: of `count` values; or the ratio of sums over so many.
        low, high: ends of the 95 % interval; the mean itself where there is one value only.
        count: number of values.
    """

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def row(self, name: str) -> dict[str, float]:
        """The three numbers as cells of a table: `name`, `name_low`, `name_high`."""
        return {name: self.mean, f"{name}_low": self.low, f"{name}_high": self.high}

    def apart_from(self, other: float) -> bool:
        """Whether `other` lies outside of the interval."""
        return not self.low <= other <= self.high


def interval(values: Any, *, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean of `values` (N,) with its 95 % percentile bootstrap interval.

    Efron 1979: the samples are drawn anew with replacement, `draws` times. Values that are not
    finite are left out: a measure that is not defined on a sample (a constant map has no
    correlation) says nothing there.

    Raises:
        InvalidInputError: another shape, or no finite value at all.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1:
        raise InvalidInputError(f"An interval is of numbers (N,), one a sample, not {array.shape}.")
    array = array[np.isfinite(array)]
    if not len(array):
        raise InvalidInputError("An interval needs at least one finite number; there is none.")
    mean = float(array.mean())
    if len(array) == 1:
        return Interval(mean, mean, mean, 1)
    means = [array[rows].mean(axis=1) for rows in _resampled(len(array), draws, seed)]
    low, high = np.quantile(np.concatenate(means), ENDS)
    return Interval(mean, float(low), float(high), len(array))


def ratio(tops: Any, bottoms: Any, *, draws: int = 2000, seed: int = 0) -> Interval:
    """The sum of `tops` (N,) over that of `bottoms` (N,), with its interval as of `interval`.

    Samples are drawn anew with both of their numbers: edits of a word with its characters.

    Raises:
        InvalidInputError: other shapes, no sample, numbers that are not finite, or bottoms that
            are not positive.
    """
    above, below = np.asarray(tops, np.float64), np.asarray(bottoms, np.float64)
    if above.ndim != 1 or above.shape != below.shape or not len(above):
        raise InvalidInputError(
            f"A ratio is of two numbers a sample, (N,) each, not {above.shape} and {below.shape}."
        )
    if not (np.isfinite(above).all() and np.isfinite(below).all() and below.min() > 0):
        raise InvalidInputError("A ratio needs finite numbers, and positive ones below.")
    mean = float(above.sum() / below.sum())
    if len(above) == 1:
        return Interval(mean, mean, mean, 1)
    ratios = [
        above[rows].sum(axis=1) / below[rows].sum(axis=1)
        for rows in _resampled(len(above), draws, seed)
    ]
    low, high = np.quantile(np.concatenate(ratios), ENDS)
    return Interval(mean, float(low), float(high), len(above))


def _resampled(count: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Rows (draws, count) of samples drawn with replacement, some draws at a time.

    In chunks, so that 10,000 samples do not make one array of 20 million.
    """
    rng = np.random.default_rng(seed)
    per_chunk = max(1, 2_000_000 // count)
    for start in range(0, draws, per_chunk):
        yield rng.integers(count, size=(min(per_chunk, draws - start), count))


def proportion(hits: int, count: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927), which is right near 0 and 1 as well."""
    from scipy.stats import binomtest

    ends = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return Interval(hits / count, float(ends.low), float(ends.high), count)
