"""Reconstructor accuracy where it is known what can be told apart."""

import sys

import numpy as np
import pytest
from scipy.stats import beta

from tests.latent.directions.toys import PLACE, THICKNESS, WIDTH, bar_generator
from tfgenxai.latent.directions import METHODS, Directions, Training, find_directions, rca, rca_rows

EYE = np.eye(WIDTH)


def test_directions_that_do_something_are_told_apart_and_dummies_are_not():
    generator = bar_generator()
    training = Training(steps=60, rate=1e-2, batch_size=16)
    right = Directions(EYE[[PLACE, THICKNESS]], "right")
    dummies = Directions(EYE[[0, 1]], "dummies")
    known = rca(generator, right, training=training, pairs=300, progress=False)
    blind = rca(generator, dummies, training=training, pairs=300, progress=False)
    assert known.accuracy.low > 0.8 and known.chance == blind.chance == 0.5
    assert known.error.high < known.blind_error / 2
    assert blind.accuracy.low < 0.5 < blind.accuracy.high
    assert blind.error.high > 0.9 * blind.blind_error
    np.testing.assert_allclose(known.blind_error, 3.02, atol=0.3)  # E|epsilon|
    assert known.recognised.shape == (2,) and known.recognised.min() > 0.7
    row = known.row()
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    assert len(known.history["loss"]) == 60


@pytest.mark.slow
def test_learned_directions_are_the_right_ones_and_beat_random_ones():
    """The two of 24 coordinates that do anything are found, and a fresh network sees that."""
    generator = bar_generator()
    learning = Training(steps=400, rate=1e-2, batch_size=16)
    # What of its square 1 in 1,000 random directions has in a plane of two of 24 dimensions.
    chance = beta(2 / 2, (WIDTH - 2) / 2).ppf(0.999)
    for method in ("learned", "orthonormal"):
        found = find_directions(generator, method, 2, training=learning, progress=False).directions
        inside = np.linalg.norm(found.vectors[:, [PLACE, THICKNESS]], axis=1)
        # Together: how much of the second is found beside the first depends on rounding.
        assert np.square(inside).mean() > chance
        if method == "learned":
            learned = found
    judging = Training(steps=100, rate=1e-2, batch_size=16)
    scores = {}
    for seed in (0, 1):
        for found in (learned, find_directions(generator, "random", 2, seed=seed).directions):
            measured = rca(generator, found, training=judging, pairs=500, seed=seed, progress=False)
            scores[found.method, seed] = measured.accuracy
    learned_mean, random_mean = (
        np.mean([scores[method, seed].mean for seed in (0, 1)]) for method in ("learned", "random")
    )
    assert learned_mean > random_mean  # one pair of random directions may happen to lie well


class Measured:
    """Stands for what `rca` measures: says what it was given."""

    def __init__(self, generator, directions, *, training, pairs, seed, progress):
        self.given = {"width": directions.vectors.shape, "steps": training.steps, "with": seed}

    def row(self):
        return self.given


def test_every_method_is_judged_alike_on_every_seed(monkeypatch):
    # The module: its function of the same name hides it in the package.
    monkeypatch.setattr(sys.modules[rca.__module__], "rca", Measured)
    assert METHODS == ("learned", "orthonormal", "random", "coordinate", "sefa", "ganspace")
    methods, judging = ("random", "coordinate", "ganspace"), Training(steps=7)
    rows = list(rca_rows(bar_generator(), methods, count=3, seeds=(0, 4), judging=judging))
    expected = [(method, seed) for seed in (0, 4) for method in methods]
    assert [(row["method"], row["seed"]) for row in rows] == expected
    for row in rows:
        assert row["width"] == (3, WIDTH) and row["steps"] == 7 and row["with"] == row["seed"]
        assert row["finding_seconds"] >= 0 and row["judging_seconds"] >= 0
