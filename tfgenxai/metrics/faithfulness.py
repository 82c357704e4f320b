"""Faithfulness: whether the target moves as the relevance says when parts of the input go.

All take the explained graph and target, and relevance as `relevance_maps` reads it: signed, the
most positive first. Pass the absolute values for methods that tell sizes only. A place is a pixel
with all its channels, or an element of a vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.metrics.curve import Curve, PixelFlipping
from tfgenxai.metrics.relevance import relevance_rows
from tfgenxai.metrics.removal import Removal, falls, random_subsets
from tfgenxai.metrics.scores import Scores

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target

__all__ = [
    "Curve",
    "PixelFlipping",
    "deletion",
    "faithfulness_correlation",
    "infidelity",
    "insertion",
    "pixel_flipping",
]

#: A standard deviation below this share of the largest value is rounding.
_ROUNDING = 1e-6


def deletion(
    graph: Graph,
    inputs: Any,
    target: Target,
    relevance: Any,
    *,
    steps: int = 20,
    baseline: Any = 0.0,
    controls: int = 3,
    wrt: str | None = None,
    seed: int = 0,
) -> Curve:
    """The target as the most relevant places are set to a baseline: lower is better.

    Petsiuk, Das and Saenko 2018. Places of equal relevance go in random order, so that a constant
    map does as well as the control.

    Args:
        graph, inputs, target, wrt: see `Scores`; its noise is that of `seed`.
        relevance: see `relevance_maps`.
        steps: points of the curve after the first, at most one a place.
        baseline: what stands where a place is gone: a number, an array of a sample's shape or of
            the inputs', or "blur" (images): a Gaussian with a tenth of the shorter side.
        controls: random orders of every sample, whose mean curve is the control.
        seed: of the orders; a sample's do not depend on the others.

    Raises:
        UsageError, InvalidInputError: options out of range, or shapes that do not fit.
    """
    scores = Scores(graph, inputs, target, wrt=wrt, seed=seed)
    options = {"steps": steps, "controls": controls, "seed": seed}
    return Removal(scores, relevance, baseline=baseline, **options).curve("deletion", -1)


def insertion(
    graph: Graph,
    inputs: Any,
    target: Target,
    relevance: Any,
    *,
    steps: int = 20,
    baseline: Any = 0.0,
    controls: int = 3,
    wrt: str | None = None,
    seed: int = 0,
) -> Curve:
    """The target as the most relevant places return to a baseline: higher is better.

    Petsiuk, Das and Saenko 2018. Arguments as for `deletion`.
    """
    scores = Scores(graph, inputs, target, wrt=wrt, seed=seed)
    options = {"steps": steps, "controls": controls, "seed": seed}
    removal = Removal(scores, relevance, baseline=baseline, **options)
    return removal.curve("insertion", 1, insert=True)


def pixel_flipping(
    graph: Graph,
    inputs: Any,
    target: Target,
    relevance: Any,
    *,
    steps: int = 20,
    baseline: Any = 0.0,
    controls: int = 3,
    wrt: str | None = None,
    seed: int = 0,
) -> PixelFlipping:
    """Least relevant first (LeRF) against most relevant first (MoRF): a larger gap is better.

    Bach et al. 2015; Samek et al. 2017, who flip to random values where this takes a baseline.
    Arguments as for `deletion`, whose curve MoRF is.
    """
    scores = Scores(graph, inputs, target, wrt=wrt, seed=seed)
    options = {"steps": steps, "controls": controls, "seed": seed}
    removal = Removal(scores, relevance, baseline=baseline, **options)
    morf = removal.curve("morf", -1)
    lerf = removal.curve("lerf", 1, least=True)
    return PixelFlipping(
        "pixel_flipping",
        morf.fractions,
        lerf.scores - morf.scores,
        lerf.control - morf.control,
        1,
        morf,
        lerf,
    )


def faithfulness_correlation(
    graph: Graph,
    inputs: Any,
    target: Target,
    relevance: Any,
    *,
    subset: float = 0.2,
    runs: int = 50,
    baseline: Any = 0.0,
    wrt: str | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Correlation, over random subsets, of relevance and fall of the target, (N,) in [-1, 1].

    Bhatt, Weller and Moura 2020, eq. 2: corr_S(sum of relevance in S, f(x) - f(x with S at the
    baseline)), Pearson's. Relevance is taken for contributions, such as gradient times input. 1 is
    best, 0 what random relevance gets; NaN where either side does not vary.

    Args:
        subset: share of the places that a subset holds, at least one place.
        runs: number of subsets.
        graph, inputs, target, relevance, baseline, wrt, seed: see `deletion`.
    """
    scores = Scores(graph, inputs, target, wrt=wrt, seed=seed)
    rows = relevance_rows(relevance, scores.grid, len(scores))
    gone = random_subsets(rows.shape, subset, runs, seed)
    return _correlation(_sums(gone, rows), falls(scores, gone, baseline))


def infidelity(
    graph: Graph,
    inputs: Any,
    target: Target,
    relevance: Any,
    *,
    perturbation: Literal["baseline", "noise"] = "baseline",
    subset: float = 0.2,
    sigma: float = 0.1,
    runs: int = 50,
    scaled: bool = False,
    baseline: Any = 0.0,
    wrt: str | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Mean squared error of the relevance as a forecast of the target's fall, (N,) from 0.

    Yeh et al. 2019, definition 2.1: E_I[(I . phi - (f(x) - f(x - I)))^2]; 0 is best.

    Args:
        perturbation: "baseline" sets a random subset to the baseline. Relevance is then taken for
            contributions (gradient times input, SHAP, LRP), and I . phi is their sum. "noise" adds
            Gaussian noise, the same to all channels of a pixel; relevance is then taken for
            slopes (signed saliency, SmoothGrad).
        subset: share of the places that a subset holds.
        sigma: standard deviation of the noise, in units of the input.
        runs: number of perturbations.
        scaled: multiply each map by the factor that suits it best, E[(I . phi) d] / E[(I . phi)^2]
            with d the fall, as the authors do to compare methods whose units differ. A map of
            zeros gives E[d^2]; so does any that forecasts nothing. The factor may be negative:
            a map with its sign turned scores the same.
        graph, inputs, target, relevance, baseline, wrt, seed: see `deletion`.
    """
    scores = Scores(graph, inputs, target, wrt=wrt, seed=seed)
    rows = relevance_rows(relevance, scores.grid, len(scores))
    if perturbation == "baseline":
        gone = random_subsets(rows.shape, subset, runs, seed)
        forecast, found = _sums(gone, rows), falls(scores, gone, baseline)
    elif perturbation == "noise":
        forecast, found = _under_noise(scores, rows, sigma, runs, seed)
    else:
        raise UsageError(f"perturbation is 'baseline' or 'noise', not {perturbation!r}.")
    if scaled:
        squares = np.mean(forecast**2, axis=1, keepdims=True)
        fits = np.mean(forecast * found, axis=1, keepdims=True)
        forecast = forecast * np.divide(fits, squares, out=np.zeros_like(fits), where=squares > 0)
    return np.mean((forecast - found) ** 2, axis=1)


def _sums(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Weights (N, runs, P) times relevance (N, P), summed over places: (N, runs)."""
    return np.stack([each @ row for each, row in zip(weights, rows, strict=True)])


def _under_noise(
    scores: Scores, rows: np.ndarray, sigma: float, runs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Forecast and fall of the target under I ~ N(0, sigma^2), (N, runs) each."""
    if not 0.0 < sigma < np.inf:
        raise UsageError(f"sigma= is a standard deviation above 0, not {sigma}.")
    if runs < 2:
        raise UsageError(f"runs= must be at least 2, not {runs}.")
    x = scores.x
    channels = (1,) * (x.ndim - 1 - len(scores.grid))

    def noise(sample: int) -> np.ndarray:
        return sigma * np.random.default_rng([seed, sample]).standard_normal((runs, rows.shape[1]))

    def change(samples: np.ndarray, variants: np.ndarray) -> np.ndarray:
        drawn = {n: noise(n) for n in np.unique(samples)}
        moved = np.stack([drawn[n][k] for n, k in zip(samples, variants, strict=True)])
        return x[samples] - moved.reshape(-1, *scores.grid, *channels)

    forecast = np.stack([noise(n) @ row for n, row in enumerate(rows)])
    return forecast, scores.plain()[:, None] - scores.over(runs, change)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the rows (N, K) of two arrays; NaN where either is constant."""
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (first, second))
    spread = np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1))
    constant = np.zeros(len(a), bool)
    for centred, values in ((a, first), (b, second)):
        constant |= np.abs(centred).max(axis=1) <= _ROUNDING * np.abs(values).max(axis=1)
    found = np.full(len(a), np.nan)
    np.divide(np.sum(a * b, axis=1), spread, out=found, where=~constant)
    return found
