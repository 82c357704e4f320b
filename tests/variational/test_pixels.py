"""Clusters of pixels: the fixed points of coordinate ascent, by other roads, and the classifier."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from tfgenxai.errors import UsageError
from tfgenxai.variational import terms
from tfgenxai.variational.cavi import GaussianMixture
from tfgenxai.variational.pixels import PixelClusters

SHAPE = (4, 3, 1)
CONVERGED = 400


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, *SHAPE), dtype=np.float32)


@pytest.fixture(scope="module")
def prior():
    return np.random.default_rng(1).random(SHAPE).astype(np.float32)


@pytest.fixture(scope="module", params=[2, 3])
def fitted(request, images, prior):
    model = PixelClusters(3, SHAPE, clusters=request.param)
    found = model.explain(images, prior, steps=CONVERGED)
    shades = prior[..., None] * np.linspace(1, 0, request.param)
    return model, found, np.broadcast_to(shades, (3, *shades.shape))


def ascent(x, prior, rounds=500):
    """Coordinate ascent of one pixel, in a loop: m, s², φ of its K clusters."""
    m, v = prior.copy(), np.ones_like(prior)
    for _ in range(rounds):
        phi = softmax(x * m - 0.5 * (m**2 + v))
        m, v = (prior + phi * x) / (1 + phi), 1 / (1 + phi)
    return m, v, phi


def test_it_ends_where_coordinate_ascent_does(fitted, images):
    model, _, prior = fitted
    for place in np.ndindex(images.shape):
        m, v, phi = ascent(images[place], prior[place])
        np.testing.assert_allclose(model.mean.numpy()[place], m, atol=2e-3)
        np.testing.assert_allclose(np.exp(model.log_var.numpy()[place]), v, atol=2e-3)
        np.testing.assert_allclose(model.phi.numpy()[place], phi, atol=2e-3)


def test_the_oracle_s_updates_stay_there(fitted, images):
    """The mixture of one point, its components' means known to be near their priors."""
    model, _, prior = fitted
    place = (1, 2, 0, 0)
    phi = model.phi.numpy()[place]
    for k, of_mean in enumerate(prior[place]):
        mixture = GaussianMixture(1, prior_mean=of_mean, prior_variance=1.0)
        posterior = mixture.update_means(images[place].reshape(1, 1), phi[k].reshape(1, 1))
        assert posterior.means[0, 0] == pytest.approx(model.mean.numpy()[place][k], abs=2e-3)
        variance = np.exp(model.log_var.numpy()[place][k])
        assert posterior.variances[0] == pytest.approx(variance, abs=2e-3)


def test_the_objective_is_the_sum_of_the_terms_and_falls(fitted, images):
    model, found, prior = fitted
    clusters = prior.shape[-1]
    assert found.objective.shape == (CONVERGED, 3)
    assert (found.objective[-1] < found.objective[0]).all()
    start = np.zeros((3, *SHAPE, clusters), np.float32)
    phi = np.full_like(start, 1 / clusters)
    expected = terms.expected_square(images, tf.constant(prior, tf.float32), start, phi)
    np.testing.assert_allclose(found.objective[0], expected, rtol=1e-5)  # both KLs begin at 0


def test_maps_are_of_the_first_cluster_and_of_all(fitted):
    model, found, _ = fitted
    np.testing.assert_allclose(found.variance, np.exp(model.log_var.numpy()[..., 0, 0]), rtol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, rtol=1e-5)
    assert found.probabilities.shape[:3] == (3, 4, 3)


WEIGHTS = np.random.default_rng(2).normal(size=(12,)).astype(np.float32)


def linear(images, context):
    """A log probability that rises along `WEIGHTS`, from the classes that the context names."""
    return context * tf.linalg.matvec(tf.reshape(images, (-1, 12)), WEIGHTS)


def test_the_classifier_pulls_the_mean_as_its_slope_says(images, prior):
    """log f = w·x̂: at the optimum m = (prior + φ x + λ w φ) / (1 + φ), and s² is as it was."""
    model = PixelClusters(3, SHAPE, linear, weight=0.5, clusters=1)
    model.explain(images, prior, steps=CONVERGED, context=tf.ones(3))
    expected = (prior + images + 0.5 * WEIGHTS.reshape(SHAPE)) / 2
    np.testing.assert_allclose(model.mean.numpy()[..., 0], expected, atol=0.1)  # draws are noisy
    off = (model.mean.numpy()[..., 0] - expected).ravel()
    assert abs(off.mean()) < 0.03


def test_no_image_sees_another_and_every_descent_begins_anew(images, prior):
    model = PixelClusters(3, SHAPE, linear)
    wishes = [1.0, -2.0, 3.0], [1.0, 5.0, 3.0], [1.0, -2.0, 3.0]
    first, other, again = (
        model.explain(images, prior, steps=5, context=tf.constant(each)).variance for each in wishes
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[[0, 2]], other[[0, 2]])
    assert np.abs(first[1] - other[1]).max() > 1e-3


def test_the_notes_terms_are_options_and_others_are_refused(images, prior):
    """Without s² in the first term, and with s² for log s², nothing is left that moves s²."""
    model = PixelClusters(3, SHAPE, notes=("square", "gaussian_kl"))
    found = model.explain(images, prior, steps=5)
    np.testing.assert_array_equal(found.variance, np.ones_like(found.variance))
    with pytest.raises(UsageError, match="not 'likelihood'"):
        PixelClusters(3, SHAPE, notes="likelihood")
    with pytest.raises(UsageError, match="from 0"):
        PixelClusters(3, SHAPE, weight=-1.0)
