"""How exact SHAP and LIME are with so many evaluations, and which features count over all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare.shap_lime_measures import BOTH, METHODS, SHAP, Name, Run, run
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import rank_correlation
from tfgenxai.metrics.scores import Scores

if TYPE_CHECKING:
    from tfgenxai.compare.shap_lime_cases import Case

#: Shares of a case's evaluations that are tried.
SHARES = (0.125, 0.25, 0.5, 1.0)
#: How many times the evaluations a reference takes.
_REFERENCE = 3
#: Features up to which all coalitions are scored one by one.
MOST_DEFINED = 12


@dataclass(frozen=True)
class Budget:
    """Errors of a method with fewer evaluations.

    Attributes:
        shares: (K,) of the case's evaluations: those of `SHARES` that SHAP can do with.
        evaluations: (K,), their mean over the inputs.
        errors: (N, K) of |values - reference| / |reference|.
        reference: evaluations of the reference, their mean.
    """

    shares: tuple[float, ...]
    evaluations: np.ndarray
    errors: np.ndarray
    reference: float


def budget(case: Case, method: Name, found: Run, own: Run | None, *, seed: int) -> Budget:
    """A method with fewer and fewer evaluations, against itself with many.

    Args:
        found: its run with the case's evaluations.
        own: its run with its default settings, which is the reference if it is long enough.
    """
    count = _REFERENCE * case.evaluations
    if method == SHAP and 2**case.width <= case.evaluations + 2:
        best = found  # exact
    elif own is not None and own.evaluations.mean() >= count:
        best = own
    else:
        best = run(case, method, seed=seed + 2, samples=count)
    size = np.linalg.norm(best.features, axis=1)
    errors, evaluations = [], []
    shares = [share for share in SHARES if share * case.evaluations > 2 * case.width]
    for share in shares:
        few = int(share * case.evaluations)
        short = found if share == 1.0 else run(case, method, seed=seed, samples=few)
        errors.append(np.linalg.norm(short.features - best.features, axis=1) / size)
        evaluations.append(short.evaluations.mean())
    return Budget(
        tuple(shares),
        np.array(evaluations),
        np.stack(errors, axis=1),
        float(best.evaluations.mean()),
    )


def by_definition(worth: np.ndarray) -> np.ndarray:
    """Shapley values (F,) of a game whose every coalition is known (Shapley 1953).

    Args:
        worth: (2^F,), at place sum of 2^i over the features i that take part.
    """
    count = int(np.log2(len(worth)))
    coalitions = np.arange(len(worth))
    sizes = np.array([int(c).bit_count() for c in coalitions])
    factorials = np.cumprod([1.0, *range(1, count + 1)])
    values = np.empty(count)
    for i in range(count):
        without = coalitions[(coalitions >> i) & 1 == 0]
        weights = factorials[sizes[without]] * factorials[count - 1 - sizes[without]]
        gained = worth[without | 1 << i] - worth[without]
        values[i] = np.sum(weights * gained) / factorials[count]
    return values


def off_definition(case: Case, found: Run) -> float:
    """Largest difference of SHAP's values of codes from the definition, all coalitions scored."""
    scores = Scores(case.graph, case.inputs, case.target)
    bits = np.arange(2**case.width)[:, None] >> np.arange(case.width) & 1
    worth = scores.over(len(bits), lambda samples, which: scores.x[samples] * bits[which])
    exact = np.stack([by_definition(row) for row in worth])
    return float(np.abs(exact - found.features).max())


def effects(case: Case) -> np.ndarray:
    """|f(x) - f(x with one coordinate from another code)| of every coordinate, (N, F)."""
    scores = Scores(case.graph, case.inputs, case.target)

    def swapped(samples: np.ndarray, which: np.ndarray) -> np.ndarray:
        changed = scores.x[samples].copy()
        rows = np.arange(len(samples))
        changed[rows, which] = case.others[samples, which]
        return changed

    return np.abs(scores.over(case.width, swapped) - scores.plain()[:, None])


def overall(case: Case, runs: dict[str, Run]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Which latents matter over all codes: mean sizes, and how far the rankings can be trusted.

    Returns:
        One row a latent: for each method the mean |value| as a share of the sum over latents, with
        its interval, and the mean effect of swapping the latent alone; and rank correlations: of
        the two methods, of each method's two halves of the codes, and of each with the effect.
    """
    sizes: dict[str, np.ndarray] = {method: np.abs(runs[method].features) for method in METHODS}
    sizes["effect"] = effects(case)
    shares = {name: each / each.mean(axis=0).sum() for name, each in sizes.items()}
    rows = []
    for latent in range(case.width):
        row: dict[str, Any] = {"latent": f"z{latent}"}
        for name, each in shares.items():
            row |= interval(each[:, latent]).row(name)
        rows.append(row)
    means = {name: each.mean(axis=0) for name, each in sizes.items()}
    found = {BOTH: rank_correlation(*(means[method] for method in METHODS))}
    for method in METHODS:
        halves = (sizes[method][start::2].mean(axis=0) for start in (0, 1))
        found[f"{method}, two halves"] = rank_correlation(*halves)
        found[f"{method} and effect"] = rank_correlation(means[method], means["effect"])
    return rows, found
