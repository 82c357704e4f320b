"""MIG and SAP: examples that can be worked out by hand, and slow loops."""

import itertools

import numpy as np
import pytest

from tfgenxai.latent.disentanglement import Sample, mig, sap
from tfgenxai.latent.disentanglement.mig import information

BINARY = np.array(list(itertools.product(range(2), range(2))))
QUARTERS = np.tile(np.array(list(itertools.product(range(4), range(2)))), (10, 1))


def test_information_by_the_definition():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, (300, 2))
    codes = np.stack([factors[:, 0] + rng.normal(size=300), rng.normal(size=300)], axis=1)
    found = information(Sample(factors, codes), bins=20)
    for f, d in itertools.product(range(2), range(2)):
        joint, _, _ = np.histogram2d(factors[:, f], codes[:, d], bins=(4, 20))
        p = joint / 300
        outer = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
        nats = sum(x * np.log(x / y) for x, y in zip(p.ravel(), outer.ravel()) if x > 0)
        entropy = -sum(x * np.log(x) for x in p.sum(axis=1))
        assert found[f, d] == pytest.approx(nats / entropy)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (BINARY, 1.0),  # a latent a factor
        (BINARY[:, ::-1] * [-3, 7], 1.0),  # in another order, scaled and turned round
        (np.column_stack([BINARY, BINARY[:, 0] ^ BINARY[:, 1]]), 1.0),  # xor knows neither
        (np.column_stack([BINARY, BINARY]), 0.0),  # twice: no latent is alone
        (BINARY[:, [0, 0, 1]], 0.5),  # one factor twice
        (BINARY[:, [0]], 0.5),  # the other not at all
        (BINARY * 0, 0.0),
    ],
)
def test_mig_by_hand(codes, expected):
    assert mig(Sample(BINARY, codes.astype(float))).values["mig"] == pytest.approx(expected)


def test_mig_of_a_latent_that_knows_half():
    """Which half of four values: ln 2 of ln 4."""
    codes = np.column_stack([QUARTERS[:, 0] // 2, QUARTERS[:, 1]]).astype(float)
    score = mig(Sample(QUARTERS, codes))
    np.testing.assert_allclose(score.matrix, [[0.5, 0], [0, 1]], atol=1e-12)
    assert score.values["mig"] == pytest.approx(0.75)


def test_mig_of_many_samples(perfect, mixed, noise):
    rng = np.random.default_rng(0)
    one, other, floor = (mig(s.draw(2000, rng)).values["mig"] for s in (perfect, mixed, noise))
    assert one > 0.98
    assert other < 0.1
    assert floor < 0.02


def test_sap_of_yes_and_no_by_hand():
    """Right every time from its own latent, half the time from the other."""
    sample = Sample(np.tile(BINARY, (50, 1)), np.tile(BINARY * [2.0, -3.0], (50, 1)))
    score = sap(sample, sample)
    np.testing.assert_allclose(score.matrix, [[1, 0.5], [0.5, 1]])
    assert score.values["sap"] == pytest.approx(0.5)
    twice = Sample(sample.factors, sample.values[:, [0, 1, 0, 1]])
    assert sap(twice, twice).values["sap"] == 0


def test_sap_of_quantities_is_a_squared_correlation():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 6, (200, 2))
    codes = np.column_stack(
        [factors @ [[1.0, 0.5], [0.3, -1]] + rng.normal(size=(200, 2)), np.ones(200)]
    )
    score = sap(Sample(factors, codes), Sample(factors, codes), continuous=(0, 1))
    for f, d in itertools.product(range(2), range(2)):
        expected = np.corrcoef(factors[:, f], codes[:, d])[0, 1] ** 2
        assert score.matrix[f, d] == pytest.approx(expected)
    np.testing.assert_allclose(score.matrix[:, 2], 0)  # a latent that does not vary
    best, second = np.sort(score.matrix, axis=1)[:, ::-1].T[:2]
    assert score.values["sap"] == pytest.approx(np.mean(best - second))


def test_sap_of_many_samples(perfect, mixed, noise):
    rng = np.random.default_rng(0)
    everything = range(4)
    found = []
    for source in (perfect, mixed, noise):
        train, test = source.draw(800, rng), source.draw(400, rng)
        found.append(sap(train, test, continuous=everything).values["sap"])
    assert found[0] > 0.98
    assert found[1] < 0.1  # each latent explains a quarter of each factor
    assert found[2] < 0.02
    train, test = perfect.draw(800, rng), perfect.draw(400, rng)
    assert sap(train, test).values["sap"] > 0.3  # five values: linear machines miss the middle


def test_order_and_sign_change_nothing(mixed):
    rng = np.random.default_rng(5)
    train, test = mixed.draw(400, rng), mixed.draw(300, rng)
    noisy = [Sample(s.factors, s.values + rng.normal(size=s.values.shape)) for s in (train, test)]
    turned = [Sample(s.factors, s.values[:, [2, 0, 3, 1]] * [1, -1, -1, 1]) for s in noisy]
    assert mig(turned[0]).values["mig"] == pytest.approx(mig(noisy[0]).values["mig"], abs=1e-9)
    assert sap(*turned).values["sap"] == pytest.approx(sap(*noisy).values["sap"], abs=0.005)
