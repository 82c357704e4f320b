import json
from itertools import combinations
from math import factorial

import keras
import numpy as np
import pytest
import shap
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.attribution import SHAP
from tfgenxai.attribution.superpixels import superpixels
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    Output,
    Pixels,
    ReconstructionError,
)


def shapley(scalars, x, background, regions):
    """Values (T, F) by the definition, from the worth of every coalition."""
    features = list(np.unique(regions))
    coalitions = [set(c) for n in range(len(features) + 1) for c in combinations(features, n)]
    shown = np.array([np.isin(regions, list(coalition)) for coalition in coalitions])
    rows = np.where(shown.reshape(-1, 1, *x.shape), x, background).astype(np.float32)
    scores = np.float64(scalars(rows.reshape(-1, *x.shape)))
    means = scores.reshape(len(coalitions), len(background), -1).mean(1)
    worth = {frozenset(c): mean for c, mean in zip(coalitions, means, strict=True)}
    count = len(features)
    values = []
    for i in features:
        total = 0.0
        for coalition in worth:
            if i not in coalition:
                weight = factorial(len(coalition)) * factorial(count - len(coalition) - 1)
                total = total + weight * (worth[coalition | {i}] - worth[coalition])
        values.append(total / factorial(count))
    return np.transpose(values)


def slow_maps(scalars, inputs, background, regions):
    """Values (N, T, ...) of every sample, each region's shared among its elements."""
    maps = []
    for i, x in enumerate(inputs):
        values = shapley(lambda rows, i=i: scalars(rows, i), x, background, regions)
        shares = values / np.unique(regions, return_counts=True)[1]
        maps.append(shares[:, np.unique(regions, return_inverse=True)[1].reshape(x.shape)])
    return np.array(maps)


def dense(features, outputs, seed):
    """A random nonlinear model of vectors."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((features,), name="x")
    y = keras.layers.Dense(8, activation="tanh", bias_initializer="normal")(2.0 * x)
    y = keras.layers.Dense(8, activation="relu", bias_initializer="normal")(y)
    return keras.Model(x, keras.layers.Dense(outputs, name="out")(y))


def formula(function, features):
    """A graph `x` (N, features) -> `out` of a TensorFlow formula."""
    spec = tf.TensorSpec((None, features), tf.float32, name="x")
    traced = tf.function(lambda x: {"out": function(x)}, input_signature=[spec])
    return Graph.from_function(traced.get_concrete_function())


def totals(found):
    """Sums of the maps in float64."""
    return found.values.reshape(*found.convergence_delta.shape, -1).sum(-1, dtype=np.float64)


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(0, 999))
def test_equal_to_the_definition(features, outputs, samples, seed):
    model = dense(features, outputs, seed)
    draws = np.random.default_rng(seed)
    x, background = np.float32(draws.normal(size=(3, features))), draws.normal(size=(2, features))
    background = np.float32(background[:samples])
    expected = slow_maps(lambda rows, i: model(rows).numpy(), x, background, np.arange(features))
    found = SHAP(Graph.from_keras(model), background=background)(x, Output("out"))
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    whole = model(x).numpy() - model(background).numpy().mean(0)
    np.testing.assert_allclose(totals(found), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.convergence_delta, 0, atol=1e-5)


def test_of_a_decoder(decoder, codes, images):
    """Sigmoid pixels under a mask, and the error against an image of each sample's own."""
    mask = np.float32(np.random.default_rng(0).random((12, 12)) > 0.5)
    pixels = slow_maps(
        lambda z, i: (tf.sigmoid(decoder.model(z))[..., 0] * mask).numpy().sum((1, 2))[:, None],
        codes[:3],
        np.zeros((1, 5)),
        np.arange(5),
    )
    found = SHAP(decoder.graph)(codes[:3], Pixels(mask))
    assert found.values.shape == (3, 5) and not found.family
    np.testing.assert_allclose(found.values, pixels[:, 0], rtol=1e-4, atol=1e-4)
    errors = slow_maps(
        lambda z, i: (
            ((tf.sigmoid(decoder.model(z)) - images[i]) ** 2).numpy().sum((1, 2, 3))[:, None]
        ),
        codes[:3],
        codes[3:5],
        np.arange(5),
    )
    found = SHAP(decoder.graph, background=codes[3:5])(
        codes[:3], ReconstructionError(images[:3]), batch_size=2
    )
    np.testing.assert_allclose(found.values, errors[:, 0], rtol=1e-4, atol=1e-4)


def test_of_a_generated_image(decoder, classifier, discriminator, codes):
    def scores(model):
        return lambda z, i: model(tf.sigmoid(decoder.model(z))).numpy()

    method = SHAP(decoder.graph, background=0.5)
    for model, target in (
        (classifier, ClassLogit.all(classifier.graph)),
        (discriminator, Discriminator(discriminator.graph)),
    ):
        expected = slow_maps(scores(model.model), codes[:2], np.full((1, 5), 0.5), np.arange(5))
        found = method(codes[:2], target)
        expected = expected if found.family else expected[:, 0]
        np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-6)


def test_of_an_encoder_on_superpixels(encoder, images):
    regions = superpixels(images[:1], 6, "grid")[0][..., None]
    background = images[5:]
    expected = slow_maps(lambda x, i: encoder.model(x)[0].numpy(), images[:2], background, regions)
    options = {"background": background, "superpixels": "grid", "segments": 6}
    found = SHAP(encoder.graph, **options)(images[:2], Latent.all())
    assert found.values.shape == (2, 5, 12, 12, 1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)
    given = SHAP(encoder.graph, background=background, features=regions[..., 0])
    np.testing.assert_array_equal(given(images[:2], Latent.all()).values, found.values)
    one = SHAP(encoder.graph, **options)(images[:2], Latent(3))
    np.testing.assert_allclose(one.values, found.values[:, 3], rtol=1e-4, atol=1e-7)


def test_colours_of_a_pixel_count_together():
    keras.utils.set_random_seed(6)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3), name="image"),
            keras.layers.Conv2D(4, 3, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="out"),
        ]
    )
    images = np.random.default_rng(0).random((2, 6, 6, 3), dtype=np.float32)
    labels = np.array([7, 3, 5])[np.arange(36).reshape(6, 6) % 3]  # gaps, and in any order
    expected = slow_maps(
        lambda x, i: model(x).numpy(),
        images,
        np.full((1, 6, 6, 3), 0.25),
        np.broadcast_to(labels[..., None], (6, 6, 3)),
    )
    found = SHAP(Graph.from_keras(model), background=0.25, features=labels)
    np.testing.assert_allclose(found(images, Output("out")).values, expected, rtol=1e-4, atol=1e-6)


def test_every_sample_may_have_its_own_features(encoder, images):
    labels = np.stack([superpixels(images[:1], n, "grid")[0] for n in (2, 4, 6)])
    method = SHAP(encoder.graph, background=0.0, features=labels)
    found = method(images[:3], Latent(1), batch_size=2)
    for i in range(3):
        one = SHAP(encoder.graph, background=0.0, features=labels[i])
        np.testing.assert_array_equal(one(images[i : i + 1], Latent(1)).values[0], found.values[i])
    for count in (2, 4):
        with pytest.raises(InvalidInputError, match="rows for 3 samples"):
            method(images[:count], Latent(1))


@pytest.mark.parametrize("algorithm", ["auto", "kernel"])
def test_a_linear_model_in_closed_form(linear, images, algorithm):
    """w (x - E b) whatever the coalitions; 144 features are explained by permutations."""
    weights, graph = linear
    images, background = images[:1], images[5:]
    method = SHAP(graph, background=background, features="elements", algorithm=algorithm)
    found = method(images, Latent((0, 3)))
    rest = (images - background.mean(0)).reshape(1, 1, 144)
    expected = (rest * weights.T[[0, 3]]).reshape(1, 2, 12, 12, 1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=2e-5)
    np.testing.assert_allclose(found.convergence_delta, 0, atol=2e-5)


def test_one_permutation_there_and_back_is_exact_for_pairs():
    """x'Qx has the values x_i sum_j (Q_ij + Q_ji) x_j / 2."""
    draws = np.random.default_rng(2)
    q, x = np.float32(draws.normal(size=(20, 20))), np.float32(draws.normal(size=(2, 20)))
    graph = formula(lambda x: tf.einsum("ni,ij,nj->n", x, q, x)[:, None], 20)
    found = SHAP(graph, algorithm="permutation", samples=41)(x, Output("out", 0))
    expected = x * (x @ (q + q.T)) / 2
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)


def test_axioms():
    """Equal parts get equal values, idle features none, and sums of games sum their values."""

    def game(x):
        a, b = tf.nn.tanh(x[:, 0] + x[:, 1] - x[:, 2]), tf.nn.relu(x[:, 0] * x[:, 1])
        return tf.stack([a, b, a + b], axis=1)

    graph = formula(game, 5)
    x = np.float32([[1.5, 1.5, -0.3, 2.0, 0.0], [-0.7, -0.7, 0.9, 1.0, -4.0]])
    found = SHAP(graph)(x, Output("out")).values
    np.testing.assert_allclose(found[..., 0], found[..., 1], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found[..., 3:], 0, atol=1e-7)
    np.testing.assert_allclose(found[:, 2], found[:, 0] + found[:, 1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[:, 1, 2], 0, atol=1e-7)


def test_equal_to_shap_on_the_live_model(classifier, images):
    """Kernel SHAP's own draws, where coalitions are too many to try."""
    regions = superpixels(images[:1], 16, "grid")[0]
    method = SHAP(
        classifier.graph, background=0.0, features=regions, algorithm="kernel", samples=200, seed=5
    )
    found = method(images[:2], ClassLogit.all())
    for i in range(2):

        def model(shown, i=i):
            masked = images[i] * np.float32(shown)[:, regions][..., None]
            return classifier.model.predict_on_batch(masked)

        before = np.random.get_state()
        np.random.seed(np.random.SeedSequence([5, i]).generate_state(1)[0])
        explainer = shap.KernelExplainer(model, np.zeros((1, 16)))
        values = explainer.shap_values(np.ones((1, 16)), nsamples=200, l1_reg=False, silent=True)
        np.random.set_state(before)
        expected = np.moveaxis(values[0][regions], -1, 0)[..., None] / 9
        np.testing.assert_allclose(found.values[i], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("algorithm", ["kernel", "permutation"])
def test_samples_approach_the_exact_values(classifier, images, algorithm):
    """Seven times the permutations have sqrt(7) times less of an error."""
    options = {"background": 0.0, "segments": 9, "superpixels": "grid"}
    exact = SHAP(classifier.graph, algorithm="exact", **options)(images, ClassLogit(1)).values
    errors = [
        np.sqrt(np.mean((sampled(images, ClassLogit(1)).values - exact) ** 2) / np.mean(exact**2))
        for sampled in (
            SHAP(classifier.graph, algorithm=algorithm, samples=count, **options)
            for count in (60, 400)
        )
    ]
    assert 1e-4 < errors[0] < 0.3 and errors[1] < errors[0] / 2


@pytest.mark.parametrize("algorithm", ["kernel", "permutation"])
def test_draws_depend_on_the_seed_and_the_sample_alone(classifier, images, algorithm):
    regions = superpixels(images[:1], 16, "grid")[0]

    def values(seed, **call):
        options = {"background": 0.0, "features": regions, "samples": 70}
        method = SHAP(classifier.graph, algorithm=algorithm, seed=seed, **options)
        return method(images[:3], ClassLogit(2), **call).values

    np.random.seed(11)
    before = np.random.get_state()[1].copy()
    found = values(1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(12)
    np.testing.assert_array_equal(values(1, batch_size=2), found)
    assert np.abs(values(2) - found).max() > 1e-6


def test_what_equals_the_background_costs_and_gets_nothing(classifier, images):
    sparse = images[:3].copy()
    sparse[0, :, 4:] = 0.3
    sparse[1] = 0.3
    regions = superpixels(images[:1], 9, "grid")[0]
    options = {"background": 0.3, "features": regions}
    found = SHAP(classifier.graph, algorithm="exact", **options)(sparse, ClassLogit(0))
    assert not found.values[0, :, 4:].any() and not found.values[1].any()
    assert found.values[0].any() and found.convergence_delta[1] == 0
    # Three features differ, so seven samples suffice there; the third sample has nine.
    few = SHAP(classifier.graph, samples=7, **options)
    np.testing.assert_allclose(few(sparse[:2], ClassLogit(0)).values, found.values[:2], atol=1e-6)
    with pytest.raises(UsageError, match="samples=7 is too few for 9 features"):
        few(sparse, ClassLogit(0))


def test_noise_of_the_graph_stays_the_same(encoder, images):
    method = SHAP(encoder.graph, background=0.0, segments=4, superpixels="grid", seed=3)
    found = method(images, Latent.all(at="sample"))
    np.testing.assert_allclose(found.convergence_delta, 0, atol=1e-5)
    again = method(images, Latent.all(at="sample"), batch_size=2)
    np.testing.assert_array_equal(again.values, found.values)


def test_other_inputs_stay_the_sample_s_own():
    """f = scale[label] (x0 + x1 x2), of which x1 x2 is shared in halves."""

    def function(label, x):
        scale = tf.gather(tf.constant([1.0, -3.0]), label)
        return {"out": (scale * (x[:, 0] + x[:, 1] * x[:, 2]))[:, None]}

    specs = [
        tf.TensorSpec((None,), tf.int64, name="label"),
        tf.TensorSpec((None, 3), tf.float32, name="x"),
    ]
    graph = Graph.from_function(
        tf.function(function, input_signature=specs).get_concrete_function()
    )
    x, labels = np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), np.array([1, 0, 1])
    found = SHAP(graph)({"label": labels, "x": x}, Output("out", 0))
    pair = x[:, 1] * x[:, 2] / 2
    expected = np.array([-3, 1, -3])[:, None] * np.stack([x[:, 0], pair, pair], axis=1)
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_a_graph_of_a_fixed_batch():
    weights = np.float32([[1.0], [-2.0], [0.5]])
    spec = tf.TensorSpec((4, 3), tf.float32, name="x")
    traced = tf.function(lambda x: {"out": x @ weights}, input_signature=[spec])
    graph = Graph.from_function(traced.get_concrete_function())
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    found = SHAP(graph)(x, Output("out", 0))
    np.testing.assert_allclose(found.values, x * weights[:, 0], rtol=1e-5, atol=1e-6)


def test_it_is_compiled_once(encoder, images):
    method = SHAP(encoder.graph, background=images[:2], segments=4, superpixels="grid")
    for target in (Latent(0), Latent(4)):
        for batch in (images[:3], images[:1]):
            method(batch, target, batch_size=2)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1


def test_memory_bounds_what_is_scored_together(encoder, images, monkeypatch):
    options = {"background": images[3:], "segments": 4, "superpixels": "grid"}
    expected = SHAP(encoder.graph, **options)(images[:2], Latent(0)).values
    monkeypatch.setattr("tfgenxai.attribution.rescoring.MEMORY", 5 * 4 * 144)
    found = SHAP(encoder.graph, **options)(images[:2], Latent(0)).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_settings_are_json(encoder, images):
    labels = np.zeros((12, 12), int)
    for options in ({}, {"features": labels, "samples": np.int64(9), "background": images[0]}):
        method = SHAP(encoder.graph, **{"background": 0.5, **options})
        recorded = json.loads(json.dumps(method.settings()))
        assert recorded["algorithm"] == "auto"
        shape = recorded["background"] if "features" not in options else recorded["features"]
        assert shape == 0.5 or shape["shape"] == [12, 12]


def test_errors_of_the_call(encoder, decoder, images, codes):
    method = SHAP(encoder.graph, background=0.0, features="elements", algorithm="exact")
    with pytest.raises(UsageError, match=r"144 features would score 2\*\*144 coalitions"):
        method(images[:1], Latent(0))
    with pytest.raises(UsageError, match="at least 11"):
        SHAP(decoder.graph, samples=5)(codes, Pixels(np.ones((12, 12))))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, "pass background=0.0"),
        ({"background": 2.0}, InvalidInputError, r"does not fit the input. Images must lie"),
        ({"background": np.nan}, InvalidInputError, "NaN or infinite"),
        ({"background": "black"}, InvalidInputError, "array of numbers"),
        ({"background": np.zeros((3, 12))}, InvalidInputError, "must have shape"),
        ({"background": np.zeros((0, 12, 12, 1))}, InvalidInputError, "has no samples"),
        ({"features": "pixels"}, UsageError, "features= must be one of auto, elements"),
        ({"features": np.zeros((3, 3), int)}, InvalidInputError, r"shape \(3, 3\)"),
        ({"features": np.zeros((12, 12))}, InvalidInputError, "whole numbers"),
        ({"segments": 1}, UsageError, "segments="),
        ({"superpixels": "voronoi"}, UsageError, "not 'voronoi'"),
        ({"algorithm": "tree"}, UsageError, "auto, exact, kernel, permutation, not 'tree'"),
        ({"samples": 0}, UsageError, "samples= must be 'auto' or a whole number"),
        ({"samples": "many"}, UsageError, "samples= must be 'auto' or a whole number"),
    ],
)
def test_errors_of_the_options(encoder, options, error, message):
    defaults = {} if not options else {"background": 0.0}
    with pytest.raises(error, match=message):
        SHAP(encoder.graph, **{**defaults, **options})


def test_superpixels_want_images(decoder):
    with pytest.raises(UsageError, match="Superpixels are cut from images"):
        SHAP(decoder.graph, features="superpixels")
