import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.localisation import auroc, chance, pointing, relevance_mass, relevance_rank

MASK = np.array([[[True, True, False], [False, False, False]]])


def test_by_hand():
    relevance = np.array([[[4.0, -1.0, 3.0], [1.0, 0.0, -5.0]]])
    assert relevance_mass(relevance, MASK) == pytest.approx(4 / 8)
    assert relevance_rank(relevance, MASK) == pytest.approx(1 / 2)
    assert pointing(relevance, MASK) == 1.0
    # 4 beats all four outside, -1 beats -5 only.
    assert auroc(relevance, MASK) == pytest.approx((4 + 1) / 8)
    assert chance(MASK) == pytest.approx(2 / 6)


def test_ties_count_for_their_share():
    even = np.ones((1, 2, 3))
    for metric in (relevance_mass, relevance_rank, pointing):
        assert metric(even, MASK) == pytest.approx(chance(MASK))
    assert auroc(even, MASK) == 0.5
    # The second of two places is one of three equal ones, one of them inside.
    partly = np.array([[[1.0, 0.0, 0.0], [0.0, -1.0, -1.0]]])
    assert relevance_rank(partly, MASK) == pytest.approx((1 + 1 / 3) / 2)


def test_against_slow_loops():
    rng = np.random.default_rng(1)
    relevance = rng.standard_normal((20, 7, 5))
    masks = rng.random((20, 7, 5)) < 0.3
    for n, (values, mask) in enumerate(zip(relevance, masks, strict=True)):
        inside = sorted(((v, m) for v, m in zip(values.flat, mask.flat)), reverse=True)
        positive = [(v, m) for v, m in inside if v > 0]
        expected = {
            relevance_mass: sum(v for v, m in positive if m) / sum(v for v, _ in positive),
            relevance_rank: np.mean([m for _, m in inside[: mask.sum()]]),
            pointing: float(inside[0][1]),
            auroc: roc_auc_score(mask.ravel(), values.ravel()),
        }
        for metric, value in expected.items():
            np.testing.assert_allclose(metric(relevance, masks)[n], value, rtol=1e-12)


def test_random_relevance_gets_the_chance_level():
    rng = np.random.default_rng(2)
    masks = rng.random((2000, 5, 5)) < 0.3
    relevance = rng.standard_normal(masks.shape)
    level = np.nanmean(chance(masks))
    for metric, expected in (
        (relevance_mass, level),
        (relevance_rank, level),
        (pointing, level),
        (auroc, 0.5),
    ):
        found = metric(relevance, masks)
        error = np.nanstd(found) / np.sqrt(np.isfinite(found).sum())
        assert abs(np.nanmean(found) - expected) < 4 * error


def test_masks_that_tell_nothing_are_not_defined():
    masks = np.stack([np.zeros((2, 3), bool), np.ones((2, 3), bool), MASK[0]])
    relevance = np.random.default_rng(3).random((3, 2, 3))
    for metric in (relevance_mass, relevance_rank, pointing, auroc):
        assert np.isnan(metric(relevance, masks)).tolist() == [True, True, False]
    assert np.isnan(chance(masks)).tolist() == [True, True, False]
    assert np.isnan(relevance_mass(-relevance, masks)).all()


def test_errors():
    with pytest.raises(InvalidInputError, match="Masks are boolean"):
        relevance_mass(np.zeros((1, 2, 3)), MASK.astype(float))
    with pytest.raises(InvalidInputError, match="Masks are boolean"):
        auroc(np.zeros((1, 2, 3)), MASK[0])
    with pytest.raises(InvalidInputError, match="3 maps of relevance for 1 samples"):
        pointing(np.zeros((3, 2, 3)), MASK)
