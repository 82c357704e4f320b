"""How often the class changes in two models at the same image distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.metrics.intervals import ENDS, Interval

BINS = 10


@dataclass(frozen=True)
class Equal:
    """Shares of moved images whose class changed, both models weighted to the same distances.

    Attributes:
        first, second, difference: first less second; 95 % intervals over codes.
        middles: (B,) median distance of each bin that both models fill.
        first_curve, second_curve: (B,) share changed in each.
    """

    first: Interval
    second: Interval
    difference: Interval
    middles: np.ndarray
    first_curve: np.ndarray
    second_curve: np.ndarray


def at_equal_distance(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Equal | None:
    """Both models compared bin by bin; None where no distance is common to both.

    A model whose images move less loses its class less often for that alone. Distances are cut
    into `BINS` bins with equal numbers of both models' images, and a bin counts by the smaller of
    both numbers: direct standardisation. Codes are drawn anew for the intervals, for all images of
    a code depend on one another.

    Args:
        first, second: image distances (N, M) of M images of each of N codes, and whether their
            class changed, (N, M).
    """
    edges = np.quantile(np.concatenate([first[0].ravel(), second[0].ravel()]), _inner_quantiles())
    places = [np.searchsorted(edges, distances) for distances, _ in (first, second)]
    counts = [_per_bin(place, np.ones(place.shape)) for place in places]
    changes = [_per_bin(place, each[1]) for place, each in zip(places, (first, second))]
    totals = [count.sum(axis=0) for count in counts]
    weights = np.minimum(*totals)
    if not weights.sum():
        return None
    used = weights > 0
    rng = np.random.default_rng(seed)
    curves, drawn, means = [], [], []
    for count, change, total in zip(counts, changes, totals):
        curve = change.sum(axis=0)[used] / total[used]
        curves.append(curve)
        means.append(float(curve @ weights[used] / weights.sum()))
        some = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws)
        shares = np.divide(
            some @ change[:, used],
            some @ count[:, used],
            # A bin that a resample leaves empty keeps the share of all.
            out=np.tile(curve, (draws, 1)),
            where=some @ count[:, used] > 0,
        )
        drawn.append(shares @ weights[used] / weights.sum())
    both = np.concatenate([first[0].ravel(), second[0].ravel()])
    at = np.concatenate([place.ravel() for place in places])
    return Equal(
        _around(means[0], drawn[0], len(counts[0])),
        _around(means[1], drawn[1], len(counts[1])),
        _around(means[0] - means[1], drawn[0] - drawn[1], min(map(len, counts))),
        np.array([np.median(both[at == index]) for index in np.flatnonzero(used)]),
        *curves,
    )


def _inner_quantiles() -> np.ndarray:
    return np.arange(1, BINS) / BINS


def _per_bin(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums (N, BINS) of `values` (N, M) whose bins are `places` (N, M)."""
    table = np.zeros((len(places), BINS))
    rows = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
    np.add.at(table, (rows, places), values)
    return table


def _around(mean: float, drawn: np.ndarray, count: int) -> Interval:
    low, high = np.quantile(drawn, ENDS)
    return Interval(mean, float(low), float(high), count)
