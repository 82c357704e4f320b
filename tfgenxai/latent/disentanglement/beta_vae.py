"""The beta-VAE metric: whether the factor that pairs of samples share shows in their difference."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.disentanglement.score import Score
from tfgenxai.latent.disentanglement.source import FactorSource

BATCH = 64
_ITERATIONS = 1000


def beta_vae(
    train: FactorSource,
    test: FactorSource,
    *,
    points: tuple[int, int] = (10_000, 5_000),
    batch: int = BATCH,
    seed: int = 0,
) -> Score:
    """Accuracy in [0, 1] of a linear classifier that names the factor which pairs share.

    Higgins et al. 2017, "beta-VAE", section 3: draw a factor k and `batch` pairs of samples that
    agree in k; the point is mean |z - z'| over the pairs (D,), its class is k. A latent that
    encodes k alone does not move. The classifier is scikit-learn's logistic regression, as in
    Locatello et al. 2019, here on standardised points: it is regularised, so that otherwise the
    score would depend on the units of the latents.

    Args:
        train, test: codes (D,) with factors, to fit the classifier and to measure its accuracy.
        points: how many points for each.
        batch: pairs a point.
        seed: of the draws.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    learned, factors = _points(train, points[0], batch, rng)
    with threadpool_limits(1):  # matrices this small gain nothing from threads
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
        model.fit(learned, factors)
    measured, expected = _points(test, points[1], batch, rng)
    accuracy = float(np.mean(model.predict(measured) == expected))
    return Score({"beta_vae": accuracy}, {"beta_vae": 1 / len(train.names)})


def _points(
    source: FactorSource, count: int, batch: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(count, D) mean differences and (count,) the factor that the pairs of each share."""
    shared = rng.integers(len(source.names), size=count)
    points = []
    for factor in shared:
        one = source.draw(batch, rng)
        other = source.draw(batch, rng, fixed=(factor, one.factors[:, factor]))
        points.append(np.abs(one.values - other.values).mean(axis=0))
    return np.stack(points), shared
