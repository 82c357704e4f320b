"""Places of an input set to a baseline, one after the other or in random subsets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.curve import Curve
from tfgenxai.metrics.relevance import relevance_rows
from tfgenxai.metrics.scores import Scores

#: Width of the blur that "blur" means, as a share of an image's shorter side.
_BLUR = 0.1


class Removal:
    """Curves of a target as places go in the order of their relevance, and in random ones.

    Args:
        scores: the target of N samples.
        relevance: see `relevance_maps`.
        baseline, steps, controls, seed: see `faithfulness.deletion`.
    """

    def __init__(
        self, scores: Scores, relevance: Any, *, baseline: Any, steps: int, controls: int, seed: int
    ) -> None:
        for option, value in (("steps", steps), ("controls", controls)):
            if value < 1:
                raise UsageError(f"{option}= must be at least 1, not {value}.")
        self.scores = scores
        self.baseline = baseline_of(scores, baseline)
        rows = relevance_rows(relevance, scores.grid, len(scores))
        places = rows.shape[1]
        self.counts = np.unique(np.linspace(0, places, steps + 1).round().astype(int))
        self.fractions = self.counts / places
        # Row 0 of a sample ranks its places by relevance, the others at random.
        self.ranks = np.stack([_ranks(row, controls, (seed, n)) for n, row in enumerate(rows)])

    def curve(self, name: str, sign: int, *, least: bool = False, insert: bool = False) -> Curve:
        """The curve of going, or of returning (`insert`), in the order or its reverse (`least`)."""
        points = len(self.counts)
        last = self.ranks.shape[-1] - 1

        def change(samples: np.ndarray, variants: np.ndarray) -> np.ndarray:
            order, point = np.divmod(variants, points)
            ranks = self.ranks[samples, order]
            gone = (last - ranks if least else ranks) < self.counts[point, None]
            return replaced(self.scores, samples, gone ^ insert, self.baseline)

        orders = self.ranks.shape[1]
        found = self.scores.over(orders * points, change).reshape(-1, orders, points)
        return Curve(name, self.fractions, found[:, 0], found[:, 1:].mean(axis=1), sign)


def replaced(
    scores: Scores, samples: np.ndarray, gone: np.ndarray, baseline: np.ndarray
) -> np.ndarray:
    """The inputs (R, ...) of some samples (R,), at the baseline where places are `gone` (R, P)."""
    channels = (1,) * (scores.x.ndim - 1 - len(scores.grid))
    gone = gone.reshape(len(samples), *scores.grid, *channels)
    return np.where(gone, baseline[samples], scores.x[samples])


def baseline_of(scores: Scores, baseline: Any) -> np.ndarray:
    """The baseline of every sample, of the inputs' shape; see `faithfulness.deletion`.

    Raises:
        UsageError: a blur of what is no image, or an unknown word.
        InvalidInputError: an array that does not fit, or is not finite.
    """
    x = scores.x
    if isinstance(baseline, str):
        if baseline != "blur" or x.ndim != 4:
            raise UsageError(
                f"baseline= is a number, an array or, for images, 'blur'; not {baseline!r}."
            )
        from scipy.ndimage import gaussian_filter

        width = _BLUR * min(scores.grid)
        return gaussian_filter(x, (0, width, width, 0))
    array = np.asarray(baseline, x.dtype)
    if not np.isfinite(array).all():
        raise InvalidInputError("The baseline holds NaN or infinite values.")
    if array.shape not in ((), x.shape[1:], x.shape):
        raise InvalidInputError(
            f"A baseline is a number, or an array {x.shape[1:]} or {x.shape}, not {array.shape}."
        )
    return np.broadcast_to(array, x.shape)


def random_subsets(shape: tuple[int, ...], share: float, runs: int, seed: int) -> np.ndarray:
    """Bool (N, runs, P): subsets of round(share P) places, at least one; `shape` is (N, P)."""
    count, places = shape
    if not 0.0 < share < 1.0:
        raise UsageError(f"subset= is a share of the places, between 0 and 1, not {share}.")
    if runs < 2:
        raise UsageError(f"runs= must be at least 2, not {runs}.")
    size = max(1, round(share * places))
    found = np.zeros((count, runs, places), bool)
    for n in range(count):
        keys = np.random.default_rng([seed, n]).random((runs, places))
        np.put_along_axis(found[n], np.argpartition(keys, size - 1)[:, :size], True, axis=1)
    return found


def falls(scores: Scores, gone: np.ndarray, baseline: Any) -> np.ndarray:
    """f(x) - f(x with the places `gone` (N, runs, P) at the baseline), (N, runs)."""
    base = baseline_of(scores, baseline)

    def change(samples: np.ndarray, variants: np.ndarray) -> np.ndarray:
        return replaced(scores, samples, gone[samples, variants], base)

    return scores.plain()[:, None] - scores.over(gone.shape[1], change)


def _ranks(relevance: np.ndarray, controls: int, seed: tuple[int, int]) -> np.ndarray:
    """Ranks (1 + controls, P): by falling relevance, equal places at random, then random ones."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(relevance)), -relevance))
    ranks = np.empty((1 + controls, len(relevance)), np.int32)
    ranks[0, order] = np.arange(len(relevance))
    for k in range(controls):
        ranks[k + 1] = rng.permutation(len(relevance))
    return ranks
