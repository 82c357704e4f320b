"""Disentanglement, completeness and informativeness, read from what predicts the factors."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.disentanglement.score import Score
from tfgenxai.latent.disentanglement.source import Sample

TREES = 100
_DEPTH = 3


def dci(train: Sample, test: Sample, *, seed: int = 0) -> Score:
    """Three scores in [0, 1] of boosted trees that predict each factor from all latents.

    Eastwood and Williams 2018, "A framework for the quantitative evaluation of disentangled
    representations". Disentanglement: does a latent serve one factor? Completeness: is a factor
    held by one latent? Informativeness: mean accuracy on `test`.

    The trees are scikit-learn's histogram-based boosting with 100 rounds of depth 3, the setting
    of `GradientBoostingClassifier`. A latent's importance is the loss that its splits take
    away, as there; the two agree to about 0.01 on 10 latents. On 10,000 codes of 200 latents the
    exact one takes ten minutes for a factor of nine values, this one ten seconds.

    Args:
        train, test: codes (N, D) with factors (N, F).
        seed: of the trees.

    Returns:
        The scores, and as matrix the importances, which sum to 1 over the latents for each factor
        that any latent helps to predict.
    """
    importances, accuracies = [], []
    for column in range(train.factors.shape[1]):
        gains, accuracy = _boosted(train, test, column, seed)
        importances.append(gains)
        accuracies.append(accuracy)
    matrix = np.stack(importances)
    majority = [np.bincount(factor).max() / len(factor) for factor in test.factors.T]
    return Score(
        {
            "dci_disentanglement": disentanglement_of(matrix),
            "dci_completeness": completeness_of(matrix),
            "dci_informativeness": float(np.mean(accuracies)),
        },
        {"dci_informativeness": float(np.mean(majority))},
        matrix,
    )


def disentanglement_of(importances: np.ndarray) -> float:
    """D of importances (F, D): 1 - entropy (base F) of each latent, weighted by its share."""
    return _weighted(importances.T)


def completeness_of(importances: np.ndarray) -> float:
    """C of importances (F, D): 1 - entropy (base D) of each factor, weighted by its share."""
    return _weighted(importances)


def _weighted(rows: np.ndarray) -> float:
    """Mean over rows of 1 - normalised entropy, each weighted by its sum; 0 if all are 0."""
    totals = rows.sum(axis=1)
    if totals.sum() == 0:
        return 0.0
    if rows.shape[1] == 1:
        return 1.0  # there is nothing else that the row could be spread over
    used = totals > 0
    shares = rows[used] / totals[used, None]
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    concentration = 1 + (shares * logs).sum(axis=1) / np.log(rows.shape[1])
    return float(np.average(concentration, weights=totals[used]))


def _boosted(train: Sample, test: Sample, column: int, seed: int) -> tuple[np.ndarray, float]:
    """Importances (D,) of the latents for one factor, and the accuracy on `test`."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_depth=_DEPTH, early_stopping=False, random_state=seed
    )
    # Trees this small gain little from threads, which on a busy machine wait for one another.
    with threadpool_limits(1):
        model.fit(train.values, train.factors[:, column])
        accuracy = float(model.score(test.values, test.factors[:, column]))
    gains = np.zeros(train.values.shape[1])
    # scikit-learn keeps the gains of these trees, but gives no attribute that sums them up.
    for trees in model._predictors:
        for tree in trees:
            splits = tree.nodes[tree.nodes["is_leaf"] == 0]
            np.add.at(gains, splits["feature_idx"], splits["gain"])
    total = gains.sum()
    return gains / total if total > 0 else gains, accuracy
