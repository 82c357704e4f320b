import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.classes import (
    class_kl,
    class_shares,
    classifier_score,
    conditional_accuracy,
)


def test_the_ends_of_the_classifier_score():
    uniform = np.full((50, 4), 0.25)
    certain = np.tile(np.eye(10), (30, 1))
    assert classifier_score(uniform).mean == pytest.approx(1)
    assert classifier_score(certain).mean == pytest.approx(10)
    collapsed = np.tile(np.eye(10)[:1], (30, 1))
    found = classifier_score(collapsed)
    assert (found.mean, found.low, found.high, found.count) == (1, 1, 1, 30)


def test_the_classifier_score_is_the_mean_divergence():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.3), 200)
    marginal = p.mean(axis=0)
    total = 0.0
    for row in p:
        for value, mean in zip(row, marginal, strict=True):
            if value > 0:
                total += value * np.log(value / mean)
    found = classifier_score(p, seed=4)
    assert found.mean == pytest.approx(np.exp(total / 200))
    assert found.low < found.mean < found.high
    assert found == classifier_score(p, seed=4)


def test_the_interval_holds_the_score_of_many_images():
    """Two kinds of verdicts, half each: the score of endless images is known."""
    kinds = np.array([[0.9, 0.1], [0.2, 0.8]])
    marginal = kinds.mean(axis=0)
    limit = np.exp(np.mean(np.sum(kinds * np.log(kinds / marginal), axis=1)))
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(60):
        found = classifier_score(kinds[rng.integers(0, 2, 300)], draws=200, seed=seed)
        hits += found.low <= limit <= found.high
    assert hits >= 51  # of 60 at 95 %; fewer than 51 has a chance of one in ten thousand


def test_dropped_classes_have_a_known_divergence():
    real = np.repeat(np.arange(10), 7)
    for dropped in (0, 1, 5, 9):
        votes = np.repeat(np.arange(10 - dropped), 11)
        found = class_kl(votes, real, 10)
        assert found.mean == pytest.approx(np.log(10 / (10 - dropped)), abs=1e-12)
        assert found.count == len(votes)


def test_class_divergence_by_hand_and_its_interval():
    votes, real = np.repeat([0, 1], [300, 100]), np.repeat([0, 1], [50, 50])
    found = class_kl(votes, real, 2)
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert found.mean == pytest.approx(expected)
    slope = np.log(0.75 / 0.25)  # of the divergence in the first share
    error = 1.96 * slope * np.sqrt(0.75 * 0.25 / 400)
    assert found.high - found.low == pytest.approx(2 * error, rel=0.15)


def test_a_class_that_is_not_among_the_real_ones():
    found = class_kl(np.array([0, 1, 2]), np.array([0, 1, 1]), 3)
    assert found.mean == found.high == np.inf


def test_conditional_accuracy():
    found = conditional_accuracy(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4]))
    assert found.mean == 0.75 and found.count == 4 and found.low < 0.75 < found.high


def test_errors():
    with pytest.raises(InvalidInputError, match="sums to 1"):
        classifier_score(np.full((3, 3), 0.5))
    with pytest.raises(InvalidInputError, match="not negative"):
        classifier_score(np.array([[1.5, -0.5]]))
    with pytest.raises(InvalidInputError, match="sums to 1"):
        classifier_score(np.zeros((0, 3)))
    with pytest.raises(InvalidInputError, match="from 0 to 2"):
        class_shares(np.array([0, 3]), 3)
    with pytest.raises(InvalidInputError, match="from 0 to 2"):
        class_kl(np.array([], int), np.array([0]), 3)
    with pytest.raises(InvalidInputError, match="one label a vote"):
        conditional_accuracy(np.zeros(3), np.zeros(4))
