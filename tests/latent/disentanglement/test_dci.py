"""DCI: entropies from a given matrix, importances against exact boosting, and known codes."""

import numpy as np
import pytest
from scipy.stats import entropy

from tfgenxai.latent.disentanglement import Sample, Simulator, dci
from tfgenxai.latent.disentanglement.dci import completeness_of, disentanglement_of

#: Four yes/no factors: one tree a round.
COINS = Simulator(dict.fromkeys("abcd", 2), lambda drawn: drawn.astype(float))
MIXED = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


@pytest.mark.parametrize(
    ("matrix", "disentangled", "complete"),
    [
        (np.eye(3), 1, 1),
        (np.full((3, 3), 1 / 3), 0, 0),
        # a factor in two latents: they serve it alone, but it is spread
        ([[0.5, 0.5, 0], [0, 0, 1]], 1, (1 - np.log(2) / np.log(3) + 1) / 2),
        # a latent for two factors, another for nothing
        ([[1, 0], [1, 0]], 0, 1),
        # weights: the latents have shares 3/4 and 1/4 of all importance
        ([[1, 0], [0.5, 0.5]], 0.75 * (1 - entropy([2 / 3, 1 / 3], base=2)) + 0.25, 0.5),
        (np.zeros((2, 3)), 0, 0),
        # nothing helps to predict the second factor: it has no weight
        ([[1, 0, 0], [0, 0, 0]], 1, 1),
    ],
)
def test_scores_of_a_given_matrix(matrix, disentangled, complete):
    matrix = np.asarray(matrix, float)
    assert disentanglement_of(matrix) == pytest.approx(disentangled, abs=1e-12)
    assert completeness_of(matrix) == pytest.approx(complete, abs=1e-12)


def test_scores_by_the_published_formula():
    importance = np.random.default_rng(0).random((4, 7))
    shares = importance.sum(axis=0) / importance.sum()
    per_latent = [1 - entropy(importance[:, d], base=4) for d in range(7)]
    assert disentanglement_of(importance) == pytest.approx(np.dot(shares, per_latent))
    weights = importance.sum(axis=1) / importance.sum()
    per_factor = [1 - entropy(importance[f], base=7) for f in range(4)]
    assert completeness_of(importance) == pytest.approx(np.dot(weights, per_factor))


def test_importances_are_those_of_exact_boosting():
    from sklearn.ensemble import GradientBoostingClassifier

    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, (1200, 1))
    codes = rng.normal(size=(1200, 5))
    codes[:, 0] += factors[:, 0]
    codes[:, 1] += 1.5 * (factors[:, 0] == 2)
    train, test = Sample(factors[:800], codes[:800]), Sample(factors[800:], codes[800:])
    score = dci(train, test)
    exact = GradientBoostingClassifier(random_state=0).fit(codes[:800], factors[:800, 0])
    np.testing.assert_allclose(score.matrix[0], exact.feature_importances_, atol=0.05)
    accuracy = exact.score(codes[800:], factors[800:, 0])
    assert score.values["dci_informativeness"] == pytest.approx(accuracy, abs=0.05)


def test_perfect_mixed_and_ignorant_codes():
    rng = np.random.default_rng(0)
    sources = {
        "perfect": COINS.map(lambda v: v[:, [2, 0, 3, 1]] * [1.5, -0.7, 1.0, -2.0]),
        "mixed": COINS.map(lambda v: v @ MIXED + 0.3 * rng.normal(size=v.shape)),
        "noise": COINS.map(lambda v: rng.normal(size=v.shape)),
    }
    found = {name: dci(s.draw(400, rng), s.draw(300, rng)) for name, s in sources.items()}
    assert list(found["perfect"].values.values()) == pytest.approx([1, 1, 1])
    assert found["perfect"].matrix.argmax(axis=1).tolist() == [1, 3, 0, 2]
    for part in ("dci_disentanglement", "dci_completeness"):
        assert found["mixed"].values[part] < 0.1
        assert found["noise"].values[part] < 0.05
    assert found["mixed"].values["dci_informativeness"] > 0.7  # all is there, but mixed
    floor = found["noise"]
    assert floor.chance["dci_informativeness"] < 0.55
    luck = 4 * np.sqrt(0.25 / 1200)
    assert abs(floor.values["dci_informativeness"] - 0.5) < luck


def test_order_and_sign_change_nothing():
    rng = np.random.default_rng(1)
    noisy = [
        Sample(s.factors, s.values @ MIXED + 0.5 * rng.normal(size=s.values.shape))
        for s in (COINS.draw(400, rng), COINS.draw(200, rng))
    ]
    turned = [Sample(s.factors, s.values[:, [2, 0, 3, 1]] * [1, -1, -1, 1]) for s in noisy]
    before, after = dci(*noisy), dci(*turned)
    np.testing.assert_allclose(after.matrix, before.matrix[:, [2, 0, 3, 1]], atol=0.03)
    for part in ("dci_disentanglement", "dci_completeness"):
        assert after.values[part] == pytest.approx(before.values[part], abs=0.02)


def test_latents_of_no_use():
    """Constant codes: no split, no importance, and the guess of the commonest value."""
    factors = np.random.default_rng(0).integers(0, 2, (200, 2))
    score = dci(Sample(factors, np.zeros((200, 3))), Sample(factors, np.zeros((200, 3))))
    assert (score.matrix == 0).all()
    assert score.values["dci_disentanglement"] == score.values["dci_completeness"] == 0
    assert score.values["dci_informativeness"] == score.chance["dci_informativeness"]
