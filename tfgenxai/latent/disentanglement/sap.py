"""The separated attribute predictability: whether one latent alone predicts a factor."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tfgenxai.latent.disentanglement.score import Score, gaps
from tfgenxai.latent.disentanglement.source import Sample

REGULARISATION = 0.01


def sap(train: Sample, test: Sample, *, continuous: Collection[int] = ()) -> Score:
    """Mean gap, in [0, 1], between the two latents that predict each factor best.

    Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts", section 3. From one
    latent, a discrete factor is predicted by a linear support vector machine (C = 0.01, classes
    weighted alike), whose accuracy on `test` counts; of a continuous one, the squared correlation
    on `train` counts. Since guessing has an accuracy too, discrete factors do not reach 1: a
    perfect code of yes/no factors gets 0.5.

    Args:
        train, test: codes (N, D) with factors (N, F).
        continuous: columns of the factors that are quantities.

    Returns:
        The score, and as its matrix the accuracy or squared correlation of every pair.
    """
    matrix = np.stack(
        [
            _squared_correlations(train.values, train.factors[:, column])
            if column in continuous
            else _accuracies(train, test, column)
            for column in range(train.factors.shape[1])
        ]
    )
    return Score({"sap": float(gaps(matrix).mean())}, matrix=matrix)


def _squared_correlations(codes: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(D,); 0 for latents that do not vary."""
    centred, wanted = codes - codes.mean(axis=0), factor - factor.mean()
    scale = (centred**2).sum(axis=0) * (wanted**2).sum()
    return (wanted @ centred) ** 2 / np.where(scale > 0, scale, np.inf)


def _accuracies(train: Sample, test: Sample, column: int) -> np.ndarray:
    """(D,): test accuracy of the factor predicted from each latent."""
    from sklearn.svm import LinearSVC

    expected = test.factors[:, column]
    found = []
    for latent in range(train.values.shape[1]):
        model = LinearSVC(C=REGULARISATION, class_weight="balanced")
        model.fit(train.values[:, [latent]], train.factors[:, column])
        found.append(np.mean(model.predict(test.values[:, [latent]]) == expected))
    return np.array(found)
