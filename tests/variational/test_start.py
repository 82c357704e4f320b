"""Clusters that a mixture starts from: found again, and round in the new axes."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.codes import hungarian_accuracy
from tfgenxai.variational.start import round_clusters, start_clusters


def bent_clusters(rng, count=100):
    """Three arcs about one middle in 2-D, far apart from each other, stretched."""
    label = np.arange(3 * count) % 3
    angle = rng.uniform(0, np.pi, 3 * count)
    radius = 4.0 * (1 + label) + 0.15 * rng.standard_normal(3 * count)
    return np.stack([radius * np.cos(angle), 0.5 * radius * np.sin(angle)], axis=1), label


@pytest.mark.slow
def test_bent_clusters_are_found_and_a_seed_repeats():
    codes, label = bent_clusters(np.random.default_rng(0))
    start = start_clusters(codes, 3, seed=1)
    bent = hungarian_accuracy(start.assignments, label, categories=3).accuracy.mean
    plain = GaussianMixture(3, n_init=10, random_state=0).fit_predict(codes)
    straight = hungarian_accuracy(plain, label, categories=3).accuracy.mean
    assert bent > straight + 0.2  # UMAP's layout, and so the rest, depends on rounding
    again = start_clusters(codes, 3, seed=1)
    np.testing.assert_array_equal(start.means, again.means)


def test_in_the_new_axes_clusters_are_round_about_their_means():
    rng = np.random.default_rng(1)
    label = np.arange(300) % 3
    stretch = rng.standard_normal((4, 4))
    codes = (rng.standard_normal((300, 4)) + 5 * np.eye(4)[label]) @ stretch
    start = round_clusters(codes, label, 3)
    new = codes @ start.axes.T
    for k in range(3):
        np.testing.assert_allclose(new[label == k].mean(axis=0), start.means[k], atol=1e-9)
    offsets = new - start.means[label]
    np.testing.assert_allclose(offsets.T @ offsets / 300, np.eye(4), atol=1e-4)
    np.testing.assert_array_equal(start.axes, np.tril(start.axes))


def test_a_direction_without_spread_stays_finite():
    codes = np.zeros((60, 3))
    codes[:, 0] = np.random.default_rng(2).standard_normal(60)
    start = round_clusters(codes, np.zeros(60, int), 2)
    assert np.isfinite(start.means).all() and np.isfinite(start.axes).all()


def test_too_few_codes_and_nan_are_refused():
    for codes in (np.zeros((20, 2)), np.full((50, 2), np.nan), np.zeros(50)):
        with pytest.raises(InvalidInputError, match="start from finite codes"):
            start_clusters(codes, 3)
