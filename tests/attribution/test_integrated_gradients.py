import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution.conftest import freeze, image_spec
from tests.attribution.live import (
    EXAMPLES,
    SMOOTH,
    build,
    path_gradients,
    pictures,
    recipes,
)
from tfgenxai.attribution import IntegratedGradients, gradients
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Latent,
    NegativeElbo,
    Output,
    ReconstructionError,
    Scalar,
)


def quadrature(rule, steps):
    """Points and weights on [0, 1], in NumPy."""
    if rule == "gauss_legendre":
        points, weights = np.polynomial.legendre.leggauss(steps)
        return (1 + points) / 2, weights / 2
    weights = np.ones(steps)
    weights[0] = weights[-1] = 0.5
    return np.arange(steps) / (steps - 1), weights / weights.sum()


def slow(scalar, x, baseline, rule, steps):
    """The sum, point after point, in float64."""
    points, weights = quadrature(rule, steps)
    slopes = path_gradients(scalar, x, np.broadcast_to(baseline, x.shape), points)
    return (np.asarray(x, np.float64) - baseline) * np.tensordot(weights, slopes, 1)


def polynomial(power):
    """f(x) = sum of c_i x_i^power."""
    spec = tf.TensorSpec((None, 4), name="x")
    c = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
    return c, freeze(lambda x: {"y": tf.reduce_sum(c * x**power, axis=1, keepdims=True)}, spec)


@pytest.mark.parametrize("rule", ["gauss_legendre", "trapezoid"])
def test_of_a_linear_model_it_is_exact(linear, images, rule):
    weights, graph = linear
    baseline = np.random.default_rng(0).random((12, 12, 1), dtype=np.float32)
    method = IntegratedGradients(graph, baseline=baseline, steps=2, quadrature=rule)
    found = method(images, Latent.all(), batch_size=3)
    expected = (images - baseline)[:, None] * weights.T.reshape(1, -1, 12, 12, 1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.convergence_delta, np.zeros((7, 5)), atol=2e-5)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_gauss_legendre_is_exact_for_polynomials(steps):
    """Of degree 2 steps - 1 in the gradient; one more has the error of theory."""
    x = np.random.default_rng(1).uniform(-1.5, 1.5, (3, 4)).astype(np.float32)
    c, graph = polynomial(2 * steps)
    found = IntegratedGradients(graph, steps=steps)(x, Output("y", 0))
    np.testing.assert_allclose(found.values, c * x ** (2 * steps), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.convergence_delta, np.zeros(3), atol=1e-4)

    c, graph = polynomial(2 * steps + 1)
    found = IntegratedGradients(graph, steps=steps)(x, Output("y", 0))
    points, weights = quadrature("gauss_legendre", steps)
    ratio = (2 * steps + 1) * np.sum(weights * points ** (2 * steps))
    exact = c * x.astype(np.float64) ** (2 * steps + 1)
    np.testing.assert_allclose(found.values, ratio * exact, rtol=1e-4, atol=1e-6)
    delta = (ratio - 1) * exact.sum(axis=1)
    rounding = 2e-6 * np.abs(exact).sum(axis=1).max()
    assert np.abs(delta).max() > 20 * rounding
    np.testing.assert_allclose(found.convergence_delta, delta, atol=rounding)


def test_of_a_product(codes):
    """f = a b from 0: the gradient of either grows linearly, so that each gets half."""
    spec = tf.TensorSpec((None, 5), name="z")
    graph = freeze(lambda z: {"y": z[:, :1] * z[:, 1:2]}, spec)
    found = IntegratedGradients(graph, steps=3)(codes, Output("y", 0)).values
    half = codes[:, 0] * codes[:, 1] / 2
    expected = np.stack([half, half, *np.zeros((3, 7))], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def rounding(values, scores):
    """What float32 leaves open of sums of these values (N, ..., H, W, C) and of these scores."""
    return 2e-6 * (np.abs(values).sum(axis=(-3, -2, -1)).max() + np.abs(scores).max())


@EXAMPLES
@given(
    recipe=recipes(), rule=st.sampled_from(["gauss_legendre", "trapezoid"]), steps=st.integers(2, 9)
)
def test_the_slow_sum_on_live_models(recipe, rule, steps):
    model = build(recipe)
    x, baseline = pictures(recipe, 4)[:3], pictures(recipe, 4)[3]
    method = IntegratedGradients(
        Graph.from_keras(model), baseline=baseline, steps=steps, quadrature=rule
    )
    found = method(x, Output(model.layers[-1].name, 1), batch_size=2)
    expected = slow(lambda x: model(x)[:, 1], x, baseline, rule, steps)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5 * scale)

    # Whatever the error of the quadrature is, the delta tells it.
    scores = model(np.concatenate([x, baseline[None]])).numpy()[:, 1]
    error = rounding(found.values, scores)
    total = expected.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(scores[:3], total + scores[3] - found.convergence_delta, atol=error)

    # It is at most the largest weight x the total variation of df/dt, over kinks of rectifiers
    # too: the Peano kernel of a rule whose points separate the sums of its weights is a weight.
    fine = path_gradients(lambda x: model(x)[:, 1], x, baseline + 0 * x, np.linspace(0, 1, 300))
    along = (fine * (x - baseline)).sum(axis=(2, 3, 4))
    variation = np.abs(np.diff(along, axis=0)).sum(axis=0)
    bound = quadrature(rule, steps)[1].max() * variation
    assert (np.abs(found.convergence_delta) <= bound + error).all()


@EXAMPLES
@given(recipe=recipes(tuple(SMOOTH)))
def test_completeness_of_smooth_networks(recipe):
    recipe["spatial"] = [layer for layer in recipe["spatial"] if layer[0] != "max"]
    model, x = build(recipe), pictures(recipe, 3)
    method = IntegratedGradients(Graph.from_keras(model), steps=24)
    found = method(x, Output(model.layers[-1].name))
    scores = model(np.concatenate([x, np.zeros_like(x[:1])])).numpy()
    error = rounding(found.values, scores)
    total = found.values.sum(axis=(2, 3, 4))
    np.testing.assert_allclose(total + scores[3], scores[:3], atol=error)
    assert np.abs(found.convergence_delta).max() <= error


def test_baselines(encoder, images):
    def explained(baseline, x=images, **options):
        method = IntegratedGradients(encoder.graph, baseline=baseline, steps=5)
        return method(x, Latent((1, 4)), **options)

    one = np.random.default_rng(3).random((12, 12, 1), dtype=np.float32)
    own = np.random.default_rng(4).random(images.shape, dtype=np.float32)
    for baseline in (0.25, one, own):
        found = explained(baseline, batch_size=3)
        whole = np.broadcast_to(np.float32(baseline), images.shape)
        for place, latent in enumerate((1, 4)):
            expected = slow(
                lambda x, i=latent: encoder.model(x)[0][:, i],
                images,
                whole,
                "gauss_legendre",
                5,
            )
            np.testing.assert_allclose(found.values[:, place], expected, rtol=1e-3, atol=1e-6)
    single = explained(own[4:5], images[4:5])
    np.testing.assert_allclose(found.values[4:5], single.values, rtol=1e-4, atol=1e-7)
    assert not explained(own, own).values.any()


def test_everything_is_repeated_with_the_samples(decoder, encoder, images, codes):
    """Row arguments, other inputs and noise belong to their samples at every point of the way."""
    mean, logvar = (np.asarray(t) for t in encoder.model(images))
    method = IntegratedGradients(decoder.graph, steps=6)
    together = method(codes, NegativeElbo(images, mean, logvar), batch_size=4)
    for i in (2, 6):
        rows = (array[i : i + 1] for array in (images, mean, logvar))
        alone = method(codes[i : i + 1], NegativeElbo(*rows))
        np.testing.assert_allclose(together.values[i : i + 1], alone.values, rtol=1e-4, atol=1e-4)

    sampled = IntegratedGradients(encoder.graph, steps=4, seed=2)
    target = Latent(0, at="sample")
    one = sampled(images, target).values
    np.testing.assert_allclose(sampled(images, target, batch_size=2).values, one, atol=1e-6)
    means = IntegratedGradients(encoder.graph, steps=4)(images, Latent(0)).values
    assert np.abs(one - means).max() > 1e-3

    specs = (tf.TensorSpec((None, 3), name="z"), tf.TensorSpec((None,), tf.int32, name="label"))
    table = np.random.default_rng(0).random((4, 3), dtype=np.float32)
    conditional = freeze(
        lambda z, label: {"y": tf.reduce_sum(tf.gather(table, label) * z**2, 1, keepdims=True)},
        *specs,
    )
    label = np.array([3, 0, 0, 1, 2, 2, 1])
    given = {"z": codes[:, :3], "label": label}
    found = IntegratedGradients(conditional, steps=2)(given, Output("y", 0), batch_size=3)
    np.testing.assert_allclose(found.values, table[label] * codes[:, :3] ** 2, rtol=1e-5)


def test_the_input_as_original_of_a_reconstruction(autoencoder, images):
    """f depends on x twice; the way from the baseline moves both."""

    def error(x):
        return tf.reduce_sum((x - tf.sigmoid(autoencoder.model(x))) ** 2, axis=(1, 2, 3))

    method = IntegratedGradients(autoencoder.graph, baseline=0.5, steps=12)
    found = method(images, ReconstructionError(), batch_size=5)
    expected = slow(error, images, 0.5, "gauss_legendre", 12)
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-6)
    change = error(images) - error(np.full_like(images, 0.5))
    np.testing.assert_allclose(found.values.sum(axis=(1, 2, 3)), change, rtol=1e-4)


def test_a_generated_image_and_its_classifier(decoder, classifier, codes):
    method = IntegratedGradients(decoder.graph, steps=5)
    found = method(codes, ClassLogit(3, model=classifier.graph)).values
    expected = slow(
        lambda z: classifier.model(tf.sigmoid(decoder.model(z)))[:, 3],
        codes,
        0.0,
        "gauss_legendre",
        5,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("rows", [1, 14, 500])
def test_points_in_portions(encoder, images, rows, monkeypatch):
    """Also where the last portion is a smaller one."""
    monkeypatch.setattr(gradients, "ROWS", rows)
    found = IntegratedGradients(encoder.graph, steps=5)(images, Latent(1))
    expected = slow(lambda x: encoder.model(x)[0][:, 1], images, 0.0, "gauss_legendre", 5)
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-6)


def test_one_compiled_function_for_all_batches_and_baselines(encoder, images):
    method = IntegratedGradients(encoder.graph, steps=4, baseline=images)
    for target in (Latent(0), Latent(4)):
        method(images, target, batch_size=3)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision(images, dtype):
    weights = np.random.default_rng(0).standard_normal((144, 2)).astype(np.float32) / 12

    def encode(image):
        return {"mean": tf.tanh(tf.reshape(image, (-1, 144)) @ tf.cast(weights, dtype))}

    spec = tf.TensorSpec(image_spec().shape, dtype, name="image")
    found = IntegratedGradients(freeze(encode, spec), steps=8)(images, Latent.all())
    assert found.values.dtype == found.convergence_delta.dtype == np.float32
    change = np.tanh(images.reshape(7, 144) @ weights)
    np.testing.assert_allclose(found.values.sum(axis=(2, 3, 4)), change, atol=0.03)


def test_a_fixed_batch(linear, images):
    weights, _ = linear
    spec = tf.TensorSpec((2, 12, 12, 1), name="image")
    graph = freeze(lambda image: {"mean": tf.reshape(image, (2, 144)) @ weights}, spec)
    found = IntegratedGradients(graph, steps=3)(images, Latent(1)).values
    expected = images * weights[:, 1].reshape(1, 12, 12, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_settings(encoder, images):
    def settings(**options):
        return json.loads(json.dumps(IntegratedGradients(encoder.graph, **options).settings()))

    usual = settings()
    assert (usual["baseline"], usual["steps"], usual["quadrature"]) == (0.0, 50, "gauss_legendre")
    own = settings(baseline=images)["baseline"]
    assert own["shape"] == [7, 12, 12, 1] and own == settings(baseline=images)["baseline"]
    assert own["sha256"] != settings(baseline=images[::-1])["baseline"]["sha256"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"baseline": np.zeros((12, 12))}, InvalidInputError, r"shape .*\(12, 12, 1\).*\(12, 12\)"),
        ({"baseline": np.nan}, InvalidInputError, "NaN"),
        ({"baseline": -1.0}, InvalidInputError, r"must lie in \[0, 1\]"),
        ({"baseline": "black"}, UsageError, "a number or an array"),
        ({"steps": 0}, UsageError, "at least 1: not 0"),
        ({"steps": 7.5}, UsageError, "whole number"),
        ({"steps": 1, "quadrature": "trapezoid"}, UsageError, "at least 2"),
        ({"quadrature": "simpson"}, UsageError, "not 'simpson'"),
    ],
)
def test_errors(encoder, options, error, message):
    with pytest.raises(error, match=message):
        IntegratedGradients(encoder.graph, **options)


@pytest.mark.parametrize("count", [6, 8])
def test_as_many_baselines_as_samples(encoder, images, count):
    method = IntegratedGradients(encoder.graph, baseline=np.zeros((count, 12, 12, 1)), steps=2)
    with pytest.raises(InvalidInputError, match=f"{count} samples; there are 7"):
        method(images, Latent(0), batch_size=4)
    unknown = tf.data.Dataset.from_tensor_slices(images).filter(lambda x: True)
    with pytest.raises(InvalidInputError, match=f"{count} samples; there are"):
        method(unknown, Latent(0), batch_size=4)


def test_a_target_of_several_outputs(encoder, images):
    def squares(outputs):
        return tf.reduce_sum(outputs["mean"] ** 2, 1) + tf.reduce_sum(outputs["logvar"], 1)

    found = IntegratedGradients(encoder.graph, steps=6)(images, Scalar(squares, ("mean", "logvar")))
    mean, logvar = encoder.model(images)
    before = encoder.model(np.zeros((1, 12, 12, 1), np.float32))
    change = squares({"mean": mean, "logvar": logvar}) - squares(
        dict(zip(("mean", "logvar"), before))
    )
    total = found.values.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(total - found.convergence_delta, change, atol=1e-5)
