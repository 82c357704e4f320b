"""SmoothGrad and VarGrad, which draw the same noise."""

import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.attribution.conftest import freeze, image_spec
from tests.attribution.live import EXAMPLES, build, gradient, pictures, recipes
from tfgenxai.attribution import Saliency, SmoothGrad, VarGrad, gradients
from tfgenxai.attribution.noise import normal
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    NegativeElbo,
    Output,
    ReconstructionError,
)

SIZE = 6


def draws(shape, samples, seed=0, start=0):
    """The noise of so many samples for (n, ...) inputs, (samples, n, ...)."""
    place = tf.constant(start, tf.int64)
    return normal(seed, tf.range(samples), place, shape[0], tf.TensorShape(shape[1:])).numpy()


@pytest.fixture(scope="module")
def quadratic():
    """f = x'Ax/2 + c'x, whose gradient Ax + c is linear in noise."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(SIZE, SIZE)).astype(np.float32)
    a += a.T
    c = rng.normal(size=SIZE).astype(np.float32)
    spec = tf.TensorSpec((None, SIZE), name="x")

    def network(x):
        return {"y": tf.reduce_sum(x * (x @ a / 2 + c), axis=1, keepdims=True)}

    return a, c, freeze(network, spec)


def test_the_mean_gradient_of_a_quadratic_is_its_gradient(quadratic):
    a, c, graph = quadratic
    x = np.random.default_rng(1).normal(size=(20, SIZE)).astype(np.float32)
    found = SmoothGrad(graph, samples=400, sigma=0.3)(x, Output("y", 0), batch_size=7).values
    # The mean of 400 draws is A (mean noise) off, of this standard deviation:
    error = (found - (x @ a + c)) / (0.3 / 20 * np.linalg.norm(a, axis=1))
    assert np.abs(error).max() < 4.5
    assert 0.75 < np.sqrt(np.mean(error**2)) < 1.25


def test_the_variance_of_a_quadratic(quadratic):
    """sigma^2 |A_i|^2, whose estimate from S draws has the relative deviation sqrt(2/(S-1))."""
    a, _, graph = quadratic
    x = np.random.default_rng(1).normal(size=(20, SIZE)).astype(np.float32)
    found = VarGrad(graph, samples=400, sigma=0.3)(x, Output("y", 0)).values
    relative = found / (0.09 * np.sum(a**2, axis=1))
    assert np.abs(relative - 1).max() < 4.5 * np.sqrt(2 / 399)
    # Rows of x are independent, elements of a row are not: 20 chances at least to average.
    assert abs(relative.mean() - 1) < 4.5 * np.sqrt(2 / 399 / 20)


def test_a_small_variance_beside_a_large_mean(quadratic):
    """A difference of mean squares would drown in float32."""
    a, _, _ = quadratic
    spec = tf.TensorSpec((None, SIZE), name="x")

    def network(x):
        return {"y": tf.reduce_sum(x * (x @ a / 2 + 3e3), axis=1, keepdims=True)}

    x = np.zeros((2, SIZE), np.float32)
    found = VarGrad(freeze(network, spec), samples=30, sigma=1.0, seed=3)(x, Output("y", 0)).values
    slopes = draws(x.shape, 30, seed=3).astype(np.float64) @ a
    np.testing.assert_allclose(found, slopes.var(axis=0, ddof=1), rtol=2e-3)


@EXAMPLES
@given(recipe=recipes(), samples=st.integers(2, 9), noise=st.floats(0.01, 0.5))
def test_the_slow_loop_on_live_models(recipe, samples, noise):
    model, x = build(recipe), pictures(recipe, 3)
    graph, target = Graph.from_keras(model), Output(model.layers[-1].name, 1)
    extent = x.max(axis=(1, 2, 3), keepdims=True) - x.min(axis=(1, 2, 3), keepdims=True)
    slopes = np.stack(
        [
            gradient(lambda x: model(x)[:, 1], x + np.float32(noise) * extent * drawn)
            for drawn in draws(x.shape, samples, seed=7)
        ]
    )
    options = {"samples": samples, "noise": noise, "seed": 7}
    found = SmoothGrad(graph, **options)(x, target, batch_size=2).values
    expected = slopes.mean(axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(slopes).max())
    found = VarGrad(graph, **options)(x, target).values
    expected = slopes.var(axis=0, ddof=1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(slopes).max() ** 2)


@pytest.mark.parametrize(
    ("of", "change"), [("gradient", np.array), ("absolute", np.abs), ("square", np.square)]
)
def test_what_it_is_the_mean_of(encoder, images, of, change):
    method = SmoothGrad(encoder.graph, samples=4, sigma=0.2, of=of)
    found = method(images, Latent((0, 3)), batch_size=4).values
    noise = draws(images.shape, 4)
    for place, latent in enumerate((0, 3)):
        slopes = [
            gradient(
                lambda x, i=latent: encoder.model(x)[0][:, i], images + np.float32(0.2) * drawn
            )
            for drawn in noise
        ]
        expected = np.mean([change(slope) for slope in slopes], axis=0)
        np.testing.assert_allclose(found[:, place], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (3, 3, 1), (4, 2)])
def test_noise_belongs_to_the_sample_and_the_draw(shape):
    whole = draws((9, *shape), 5, seed=4)
    np.testing.assert_array_equal(draws((4, *shape), 5, seed=4, start=3), whole[:, 3:7])
    np.testing.assert_array_equal(draws((9, *shape), 3, seed=4), whole[:3])
    flat = whole.reshape(45, -1)
    assert len(np.unique(flat)) == flat.size
    assert not np.isin(draws((9, *shape), 5, seed=5), whole).any()


def test_noise_is_normal():
    noise = draws((40, 10, 10), 25).reshape(1000, 100)
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
    # Neither samples and draws nor places have anything to do with each other.
    for array in (noise, noise.T):
        correlation = np.corrcoef(array[:100])[np.triu_indices(100, 1)] * np.sqrt(array.shape[1])
        assert stats.kstest(correlation, "norm").pvalue > 1e-3


@pytest.mark.parametrize("method", [SmoothGrad, VarGrad])
def test_batches_and_portions_do_not_matter(encoder, images, method, monkeypatch):
    def explained(batch_size, seed=1):
        made = method(encoder.graph, samples=5, seed=seed)
        return made(images, Latent((1, 2)), batch_size=batch_size).values

    whole = explained(7)
    scale = np.abs(whole).max()
    assert np.abs(explained(7, seed=2) - whole).max() > 0.01 * scale
    monkeypatch.setattr(gradients, "ROWS", 10)  # draws come by 3 and 2; for the last sample, by 5
    np.testing.assert_allclose(explained(3), whole, rtol=1e-4, atol=1e-6 * scale)


def test_without_noise(encoder, images):
    """An image of one grey level has no range, and gets no noise; nor does sigma=0 give any."""
    grey = np.full_like(images, 0.4)
    for x, options in ((grey, {}), (images, {"sigma": 0.0}), (images, {"noise": 0.0})):
        options = {"samples": 3, **options}
        expected = Saliency(encoder.graph, signed=True)(x, Latent(2)).values
        found = SmoothGrad(encoder.graph, **options)(x, Latent(2)).values
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
        found = VarGrad(encoder.graph, **options)(x, Latent(2)).values
        assert np.abs(found).max() < 1e-9


def test_everything_is_repeated_with_the_samples(encoder, decoder, images, codes):
    mean, logvar = (np.asarray(t) for t in encoder.model(images))
    method = SmoothGrad(decoder.graph, samples=4, sigma=0.5)
    whole = method(codes, NegativeElbo(images, mean, logvar)).values
    parts = method(codes, NegativeElbo(images, mean, logvar), batch_size=2).values
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-4)

    # The noise of the posterior stays while that of the method changes.
    spec = image_spec()
    graph = freeze(lambda image: {"z": image * tf.random.normal(tf.shape(image))}, spec)
    target = Output("z", (3, 4, 0))
    found = SmoothGrad(graph, samples=9)(images, target)
    np.testing.assert_allclose(
        found.values, Saliency(graph, signed=True)(images, target).values, rtol=1e-5
    )
    assert np.abs(found.values).max() > 0.1


def test_other_models(autoencoder, discriminator, decoder, classifier, images, codes):
    pairs = [
        (autoencoder.graph, ReconstructionError(), images, autoencoder_error(autoencoder)),
        (discriminator.graph, Discriminator(), images, discriminator.model),
        (
            decoder.graph,
            ClassLogit(1, model=classifier.graph),
            codes,
            lambda z: classifier.model(tf.sigmoid(decoder.model(z)))[:, 1],
        ),
    ]
    for graph, target, x, scalar in pairs:
        found = SmoothGrad(graph, samples=3, sigma=0.1)(x, target, batch_size=3).values
        slopes = [gradient(scalar, x + np.float32(0.1) * drawn) for drawn in draws(x.shape, 3)]
        expected = np.mean(slopes, axis=0)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * scale)


def autoencoder_error(autoencoder):
    return lambda x: tf.reduce_sum((x - tf.sigmoid(autoencoder.model(x))) ** 2)


@pytest.mark.parametrize(("method", "dtype"), [(SmoothGrad, tf.bfloat16), (VarGrad, tf.float16)])
def test_half_precision(images, method, dtype):
    weights = np.random.default_rng(0).standard_normal((144, 2)).astype(np.float32) / 12

    def encode(image):
        kernel = tf.cast(weights, image.dtype)
        return {"mean": tf.reshape(image, (-1, 144)) ** 2 @ kernel}

    half = freeze(encode, tf.TensorSpec(image_spec().shape, dtype, name="image"))
    found = method(half, samples=6)(images, Latent.all()).values
    assert found.dtype == np.float32
    expected = method(freeze(encode, image_spec()), samples=6)(images, Latent.all()).values
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())


def test_it_is_compiled_once(encoder, images):
    method = SmoothGrad(encoder.graph, samples=3)
    for target in (Latent(0), Latent(4)):
        method(images, target, batch_size=3)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1


def test_settings(encoder):
    kept = json.loads(json.dumps(SmoothGrad(encoder.graph, of="square", sigma=0.1).settings()))
    assert kept == {
        "seed": 0, "wrt": "image", "samples": 50, "noise": 0.15, "sigma": 0.1, "of": "square"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (SmoothGrad, {"samples": 0}, "samples= must be a whole number, at least 1: not 0"),
        (VarGrad, {"samples": 1}, "at least 2: not 1"),
        (SmoothGrad, {"samples": 2.5}, "whole number"),
        (SmoothGrad, {"noise": -0.1}, "noise= is a standard deviation"),
        (VarGrad, {"sigma": np.nan}, "sigma= is a standard deviation"),
        (SmoothGrad, {"of": "cube"}, "not of 'cube'"),
    ],
)
def test_errors(encoder, method, options, message):
    with pytest.raises(UsageError, match=message):
        method(encoder.graph, **options)
