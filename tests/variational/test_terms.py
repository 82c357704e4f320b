"""Terms of the objective of variational clusters: closed forms, draws, loops, slow and obvious."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from tfgenxai.variational import terms


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def case(rng):
    """Two images of 2×3 pixels with three clusters: x, mean, log_var, probabilities."""
    shape = (2, 2, 3, 3)
    return (
        rng.random(shape[:-1]),
        rng.normal(size=shape),
        rng.normal(size=shape),
        rng.dirichlet(np.ones(3), shape[:-1]),
    )


def test_expected_square_is_a_sum_over_pixels_and_clusters(case):
    x, mean, log_var, phi = case
    expected = np.zeros(2)
    for n, h, w, k in np.ndindex(mean.shape):
        off = x[n, h, w] - mean[n, h, w, k]
        expected[n] += 0.5 * phi[n, h, w, k] * (off**2 + math.exp(log_var[n, h, w, k]))
    np.testing.assert_allclose(terms.expected_square(*map(tf.constant, case)), expected)


def test_expected_square_is_the_mean_over_draws_of_the_cluster_means(case, rng):
    x, mean, log_var, phi = case
    drawn = mean + np.exp(log_var / 2) * rng.normal(size=(20_000, *mean.shape))
    squares = 0.5 * (phi * (x[..., None] - drawn) ** 2).sum(axis=(2, 3, 4))
    error = squares.std(axis=0) / np.sqrt(len(squares))
    found = terms.expected_square(*map(tf.constant, case)).numpy()
    assert (np.abs(found - squares.mean(axis=0)) < 4 * error).all()
    without = terms.expected_square(*map(tf.constant, case), form="notes").numpy()
    assert (squares.mean(axis=0) - without > 10 * error).all()  # the notes lack the variance


def test_shared_parameters_broadcast(case):
    x, mean, log_var, phi = case
    shared = terms.expected_square(x, mean[:1, :1, :1], log_var[:1, :1, :1], phi)
    whole = (
        np.broadcast_to(mean[:1, :1, :1], phi.shape),
        np.broadcast_to(log_var[:1, :1, :1], phi.shape),
    )
    np.testing.assert_allclose(shared, terms.expected_square(x, *whole, phi))


def test_gaussian_kl_is_the_integral_that_defines_it():
    mean, log_var, prior = 0.7, -0.9, -0.4
    q, p = stats.norm(mean, math.exp(log_var / 2)), stats.norm(prior, 1.0)
    expected, _ = integrate.quad(lambda v: q.pdf(v) * (q.logpdf(v) - p.logpdf(v)), -8, 8)
    found = terms.gaussian_kl(tf.constant([[mean]]), tf.constant([[log_var]]), prior)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_gaussian_kl_sums_and_is_zero_at_the_prior_only(case):
    _, mean, log_var, _ = case
    zero = terms.gaussian_kl(tf.constant(mean), tf.zeros_like(mean), mean)
    np.testing.assert_allclose(zero, np.zeros(2), atol=1e-12)
    each = [
        [terms.gaussian_kl(m.reshape(1, 1), v.reshape(1, 1), 0.5) for m, v in zip(*image)]
        for image in zip(mean.reshape(2, -1), log_var.reshape(2, -1))
    ]
    np.testing.assert_allclose(terms.gaussian_kl(mean, log_var, 0.5), np.sum(each, axis=(1, 2)))
    assert np.min(each) > 0


def test_the_notes_gaussian_kl_does_not_see_the_variance(case):
    _, mean, log_var, _ = case
    variance = tf.Variable(log_var)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(terms.gaussian_kl(mean, variance, form="notes"))
    np.testing.assert_allclose(tape.gradient(value, variance), np.zeros_like(log_var), atol=1e-12)


def test_categorical_kl_is_log_k_less_the_entropy(case):
    *_, phi = case
    expected = math.log(3) * 6 - stats.entropy(phi, axis=-1).sum(axis=(1, 2))
    np.testing.assert_allclose(terms.categorical_kl(tf.constant(phi)), expected)


def test_categorical_kl_of_one_cluster_is_log_k_with_a_finite_slope():
    phi = tf.Variable([[1.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        value = terms.categorical_kl(phi)
    np.testing.assert_allclose(value, [math.log(3)], rtol=1e-6)
    assert np.isfinite(tape.gradient(value, phi)).all()


def test_the_notes_entropy_has_no_least_value():
    values = [
        terms.categorical_kl(tf.constant([[p, 1 - p]]), form="notes").numpy()[0]
        for p in (0.5, 1e-3, 1e-6, 1e-12)
    ]
    assert values[0] == pytest.approx(-math.log(2)) and np.all(np.diff(values) < -5)


def test_the_likelihood_is_that_of_normal_densities(case):
    x, drawn, _, phi = case
    expected = -(phi * stats.norm(drawn, 0.3).logpdf(x[..., None])).sum(axis=(1, 2, 3))
    found = terms.negative_log_likelihood(x, drawn, phi, noise=0.3)
    np.testing.assert_allclose(found, expected)


def test_the_likelihood_is_the_square_of_known_means_and_a_constant(case):
    x, drawn, log_var, phi = case
    square = terms.expected_square(x, drawn, np.full_like(log_var, -np.inf), phi)
    np.testing.assert_allclose(
        terms.negative_log_likelihood(x, drawn, phi) - square,
        np.full(2, 6 * 0.5 * math.log(2 * math.pi)),
    )


def test_the_notes_mean_is_hundreds_of_times_smaller():
    x, drawn = np.zeros((1, 28, 28)), np.ones((1, 28, 28, 1))
    right = terms.negative_log_likelihood(x, drawn, np.ones_like(drawn), noise=0.5**0.5)
    notes = terms.negative_log_likelihood(x, drawn, np.ones_like(drawn), form="notes")
    constant = 784 * 0.5 * math.log(math.pi)
    np.testing.assert_allclose((right - constant) / notes, [784.0])


def test_confidence_falls_as_the_class_grows_surer_and_rises_in_the_notes():
    log = np.log([0.1, 0.9])
    np.testing.assert_allclose(terms.confidence(log, 2.0), -2 * log)
    np.testing.assert_allclose(terms.confidence(log, 2.0, form="notes"), 2 * log)


def test_draws_have_the_mean_and_the_variance(rng):
    noise = rng.normal(size=(40_000, 1))
    posterior = tf.constant([[0.3]]), tf.math.log([[0.25]]), noise.astype("f4")
    drawn = terms.draw(*posterior)
    assert np.mean(drawn) == pytest.approx(0.3, abs=4 * 0.5 / 200)
    assert np.var(drawn) == pytest.approx(0.25, rel=0.03)
    notes = terms.draw(
        tf.constant([[0.3]]), tf.math.log([[0.25]]), noise.astype("f4"), form="notes"
    )
    assert np.std(notes) == pytest.approx(abs(math.log(0.25)), rel=0.03)  # not 0.5


def test_the_terms_add_up_to_the_negative_bound(case, rng):
    """-ELBO by draws: log q(c) + log q(μ) - log p(x, c, μ), the normal density's constant aside."""
    x, mean, log_var, phi = (values[:1, :1, :2] for values in case)
    q, prior = stats.norm(mean, np.exp(log_var / 2)), stats.norm(0.2, 1.0)
    count = 20_000
    means = q.rvs((count, *mean.shape), random_state=1)
    # A cluster for each pixel and draw, by inverting the distribution function.
    picked = (rng.random((count, *x.shape, 1)) > phi.cumsum(axis=-1)).sum(axis=-1)
    of_picked = np.take_along_axis(means, picked[..., None], axis=-1)[..., 0]
    phi_picked = np.take_along_axis(np.broadcast_to(phi, means.shape), picked[..., None], -1)[
        ..., 0
    ]
    log_q = np.log(phi_picked).sum(axis=(1, 2, 3)) + q.logpdf(means).sum(axis=(1, 2, 3, 4))
    log_p = (-math.log(3) - 0.5 * (x - of_picked) ** 2).sum(axis=(1, 2, 3)) + prior.logpdf(
        means
    ).sum(axis=(1, 2, 3, 4))
    bound = log_q - log_p
    found = (
        terms.expected_square(x, mean, log_var, phi)
        + terms.gaussian_kl(mean, log_var, 0.2)
        + terms.categorical_kl(tf.constant(phi))
    )
    assert abs(found.numpy()[0] - bound.mean()) < 4 * bound.std() / np.sqrt(count)
