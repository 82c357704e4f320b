"""The FactorVAE metric: whether the stillest latent tells which factor is held fixed."""

from __future__ import annotations

import numpy as np

from tfgenxai.latent.disentanglement.score import Score
from tfgenxai.latent.disentanglement.source import FactorSource

BATCH = 64
#: Latents with less standard deviation say nothing, and are always the stillest: left out.
PRUNED_BELOW = 0.05


def factor_vae(
    train: FactorSource,
    test: FactorSource,
    *,
    points: tuple[int, int] = (10_000, 5_000),
    batch: int = BATCH,
    seed: int = 0,
) -> Score:
    """Accuracy in [0, 1] of the majority vote that names the factor held fixed.

    Kim and Mnih 2018, "Disentangling by Factorising", section 4: draw a factor k, a value of it,
    and `batch` samples with that value; the latent of which the variance, relative to its variance
    over all samples, is smallest casts a vote for k. Each latent then stands for the factor that
    it got most votes for. With no latent above `PRUNED_BELOW` the score is 0.

    Args:
        train, test: codes (D,) with factors, to count the votes and to measure the accuracy.
        points: how many votes for each; the variances are those of `points[0]` samples.
        batch: samples a vote.
        seed: of the draws.

    Returns:
        The score, and as its matrix the share of each factor's votes that each latent got.
    """
    rng = np.random.default_rng(seed)
    chance = {"factor_vae": 1 / len(train.names)}
    variances = train.draw(points[0], rng).values.var(axis=0, ddof=1)
    kept = np.flatnonzero(np.sqrt(variances) >= PRUNED_BELOW)
    shape = (len(train.names), len(variances))
    if not len(kept):
        return Score({"factor_vae": 0.0}, chance, np.zeros(shape))
    votes, tested = np.zeros(shape), np.zeros(shape)
    for counted, source, count in ((votes, train, points[0]), (tested, test, points[1])):
        for factor in rng.integers(shape[0], size=count):
            value = source.draw(1, rng).factors[0, factor]
            group = source.draw(batch, rng, fixed=(factor, np.full(batch, value))).values
            spread = group[:, kept].var(axis=0, ddof=1) / variances[kept]
            counted[factor, kept[spread.argmin()]] += 1
    named = votes.argmax(axis=0)
    accuracy = float(tested[named, np.arange(shape[1])].sum() / tested.sum())
    return Score(
        {"factor_vae": accuracy}, chance, votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    )
