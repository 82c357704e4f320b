"""Bounds against closed forms, numerical integration and a loop over images and draws."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, special, stats

from tfgenxai.graph import Graph
from tfgenxai.metrics.likelihood import active_units, importance_bound

PIXELS = (2, 3, 1)


class TinyVae:
    """One Bernoulli layer over d latents, and a linear posterior: everything in plain sight."""

    def __init__(self, latents: int, exact: bool = False) -> None:
        rng = np.random.default_rng(4)
        self.weights = rng.normal(0, 1.5, (latents, 6)).astype(np.float32)
        self.bias = rng.normal(0, 0.5, 6).astype(np.float32)
        self.to_mean = rng.normal(0, 0.15, (6, latents)).astype(np.float32)
        self.logvar = rng.uniform(-0.2, 0.3, latents).astype(np.float32)
        if exact:  # no information in z: the posterior is the prior
            self.weights[:] = self.to_mean[:] = self.logvar[:] = 0

        @tf.function(input_signature=[tf.TensorSpec((None, *PIXELS), tf.float32, "image")])
        def encode(image):
            mean = tf.reshape(image, (-1, 6)) @ self.to_mean
            return {"mean": mean, "logvar": tf.zeros_like(mean) + self.logvar}

        @tf.function(input_signature=[tf.TensorSpec((None, latents), tf.float32, "z")])
        def decode(z):
            return {"logits": tf.reshape(z @ self.weights + self.bias, (-1, *PIXELS))}

        self.encode = Graph.from_function(encode.get_concrete_function())
        self.decode = Graph.from_function(decode.get_concrete_function())

    def posterior(self, image):
        return image.ravel() @ self.to_mean, np.exp(self.logvar / 2)

    def log_likelihood(self, image, z):
        signs = 2 * image.ravel() - 1
        return special.log_expit(signs * (z @ self.weights + self.bias)).sum(axis=-1)

    def log_marginal(self, image):
        """log p(x) of a model with one latent, by quadrature."""
        value, _ = integrate.quad(
            lambda z: np.exp(self.log_likelihood(image, np.array([z])) + stats.norm.logpdf(z)),
            -12,
            12,
            limit=200,
        )
        return np.log(value)

    def elbo(self, image):
        """E_q[log p(x|z)] by quadrature, less the KL in closed form, for one latent."""
        (mean,), (sd,) = self.posterior(image)
        likelihood, _ = integrate.quad(
            lambda z: stats.norm.pdf(z, mean, sd) * self.log_likelihood(image, np.array([z])),
            mean - 10 * sd,
            mean + 10 * sd,
        )
        return likelihood - (0.5 * (mean**2 + sd**2 - 1) - np.log(sd))


@pytest.fixture
def images():
    return np.random.default_rng(9).integers(0, 2, (4, *PIXELS)).astype(np.float32)


def test_many_samples_reach_the_marginal_likelihood(images):
    model = TinyVae(1)
    exact = np.array([model.log_marginal(image) for image in images])
    bounds = importance_bound(model.encode, model.decode, images, samples=20_000)
    np.testing.assert_allclose(bounds, exact, atol=0.03)
    assert bounds.dtype == np.float64


def test_one_sample_is_unbiased_for_the_elbo_and_more_samples_are_tighter(images):
    model = TinyVae(1)
    repeated = np.repeat(images, 3000, axis=0)
    means = {}
    for samples in (1, 8):
        values = importance_bound(model.encode, model.decode, repeated, samples=samples)
        means[samples] = values.reshape(4, -1).mean(axis=1)
        errors = values.reshape(4, -1).std(axis=1) / np.sqrt(3000)
    exact = np.array([model.elbo(image) for image in images])
    np.testing.assert_allclose(means[1], exact, atol=0.15)
    marginal = np.array([model.log_marginal(image) for image in images])
    assert (means[1] < means[8] - errors).all()
    assert (means[8] < marginal + 4 * errors).all()


def test_a_model_that_ignores_its_code_has_an_exact_bound(images):
    model = TinyVae(3, exact=True)
    exact = [model.log_likelihood(image, np.zeros(3)) for image in images]
    for samples in (1, 7):
        bounds = importance_bound(model.encode, model.decode, images, samples=samples)
        np.testing.assert_allclose(bounds, exact, rtol=1e-5)


def test_every_weight_is_what_a_loop_computes(images):
    """The draws are those of the first chunk: one image, few samples."""
    model, samples = TinyVae(2), 5
    noise = tf.random.stateless_normal((samples, 1, 2), seed=[3, 0]).numpy()[:, 0]
    mean, sd = model.posterior(images[0])
    weights = []
    for eps in noise:
        z = mean + sd * eps
        weights.append(
            model.log_likelihood(images[0], z)
            + stats.norm.logpdf(z).sum()
            - stats.norm.logpdf(z, mean, sd).sum()
        )
    bound = importance_bound(model.encode, model.decode, images[:1], samples=samples, seed=3)
    assert bound[0] == pytest.approx(special.logsumexp(weights) - np.log(samples), rel=1e-5)


@pytest.mark.parametrize("chunk", [900, 7000, 30_000])
def test_chunks_change_the_draws_alone(images, chunk):
    model = TinyVae(1)
    exact = np.array([model.log_marginal(image) for image in images])
    bounds = importance_bound(model.encode, model.decode, images, samples=20_000, chunk=chunk)
    np.testing.assert_allclose(bounds, exact, atol=0.06)


def test_seeds(images):
    model = TinyVae(2)
    one, same, other = (
        importance_bound(model.encode, model.decode, images, samples=3, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_active_units():
    rng = np.random.default_rng(0)
    means = rng.normal(0, [1.0, 0.2, 0.05, 0.0], (5000, 4)) + [0, 5, 5, 5]
    assert active_units(means) == 2  # variances 1, 0.04, 0.0025, 0
    assert active_units(means, threshold=0.001) == 3
    assert active_units(means, threshold=0.5) == 1
