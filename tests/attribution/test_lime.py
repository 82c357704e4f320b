import json
import operator
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from lime.lime_image import LimeImageExplainer
from lime.lime_tabular import LimeTabularExplainer

from tfgenxai.attribution import LIME
from tfgenxai.attribution.superpixels import superpixels
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Output, Pixels

SLOPES = np.float32([[3.0, 0.5], [-2.0, 0.0], [1.0, -4.0], [0.0, 1.0]])


@pytest.fixture(scope="module")
def prior():
    """Draws (400, 5) from the prior, for the decoder."""
    return np.float32(np.random.default_rng(1).standard_normal((400, 5)))


@pytest.fixture(scope="module")
def vectors():
    """Samples (600, 4) whose features are spread differently."""
    draws = np.random.default_rng(2).standard_normal((600, 4))
    return np.float32(draws * [0.5, 1.0, 2.0, 1.0] + [0.0, 3.0, 0.0, -1.0])


@pytest.fixture(scope="module")
def plane():
    """x W + 1, from x (N, 4) to `out` (N, 2)."""
    spec = tf.TensorSpec((None, 4), tf.float32, name="x")
    traced = tf.function(lambda x: {"out": x @ SLOPES + 1.0}, input_signature=[spec])
    return Graph.from_function(traced.get_concrete_function())


def seeded(seed, number):
    """The generator of sample `number`."""
    return np.random.RandomState(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def totals(values, regions):
    """Sums (..., F) over regions of maps (..., H, W, C)."""
    return np.stack(
        [values[..., regions == r, :].sum((-2, -1)) for r in range(regions.max() + 1)], -1
    )


def test_the_values_themselves_have_the_slopes_of_a_linear_model(plane, vectors):
    found = LIME(plane, background=vectors, bins=None)(vectors[:3], Output("out"))
    assert found.values.shape == (3, 2, 4) and found.convergence_delta is None
    expected = np.broadcast_to((SLOPES * vectors.std(0)[:, None]).T, (3, 2, 4))
    np.testing.assert_allclose(found.values, expected, rtol=2e-3, atol=2e-3)


def test_the_fit_of_a_linear_model_is_perfect(plane, vectors):
    lime = LIME(plane, background=vectors, bins=None)
    table = lime.conditions(vectors[:2], Output("out"))
    assert (table.r2 > 0.99999).all()
    np.testing.assert_allclose(table.prediction, table.score, rtol=1e-2, atol=1e-2)
    scores = (vectors[:2] @ SLOPES + 1.0).ravel().repeat(4)
    np.testing.assert_allclose(table.score, scores, rtol=1e-5, atol=1e-5)
    order = np.argsort(-np.abs(SLOPES[:, 1] * vectors.std(0)))
    assert list(table.condition[4:8]) == [f"x{i}" for i in order]


def test_conditions_have_the_sign_and_order_of_a_linear_model(plane, vectors):
    """Within its quartile a feature adds slope (mean of the quartile - mean of the others)."""
    low, high = np.quantile(vectors, [0.1, 0.9], axis=0).astype(np.float32)
    x = np.stack([low, high])
    found = LIME(plane, background=vectors, samples=10_000)(x, Output("out", 0)).values
    edges = np.quantile(vectors, [0.25, 0.75], axis=0)
    inside = np.stack([vectors <= edges[0], vectors > edges[1]])
    apart = [
        [vectors[bin[:, i], i].mean() - vectors[~bin[:, i], i].mean() for i in range(4)]
        for bin in inside
    ]
    expected = np.array(apart) * SLOPES[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.15)
    assert (np.sign(found[:, :3]) == np.sign(expected[:, :3])).all()
    np.testing.assert_array_equal(np.argsort(-np.abs(found)), np.argsort(-np.abs(expected)))


def test_conditions_hold_and_are_bounded_by_the_quartiles(plane, vectors):
    table = LIME(plane, background=vectors, samples=50).conditions(vectors[:5], Output("out", 1))
    quartiles = np.percentile(vectors, [25, 50, 75], axis=0)
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt}
    assert len(table) == 20 and set(table.columns) >= {"sample", "target", "weight", "r2"}
    for row in table.itertuples():
        value = float(vectors[row.sample, row.feature])
        # z > 0.81, z <= 0.81 or 0.1 < z <= 0.81, rounded to two places
        words = row.condition.split()
        name = words.index(f"x{row.feature}")
        assert compare[words[name + 1]](
            value, float(words[name + 2]) + 0.006 * np.sign(-1 if words[name + 1] == ">" else 1)
        )
        if name:
            assert float(words[0]) - 0.006 < value
        for number in re.findall(r"-?\d+\.\d+", row.condition):
            assert np.abs(quartiles[:, row.feature] - float(number)).min() < 0.006


def test_the_table_holds_the_values(decoder, codes, prior, classifier):
    lime = LIME(decoder.graph, background=prior, samples=200)
    target = ClassLogit.all(classifier.graph)
    values = lime(codes[:3], target).values
    table = lime.conditions(codes[:3], target, batch_size=2)
    assert len(table) == 3 * 4 * 5 and list(table.target[:6]) == ["class 0"] * 5 + ["class 1"]
    for (i, target), fit in table.groupby(["sample", "target"]):
        np.testing.assert_allclose(fit.weight, values[i, int(target[-1])][fit.feature], rtol=1e-6)
        assert (np.diff(np.abs(fit.weight)) <= 0).all() and fit.r2.nunique() == 1
        # x itself is where all conditions hold
        np.testing.assert_allclose(fit.intercept + fit.weight.sum(), fit.prediction, rtol=1e-9)
        image = tf.sigmoid(decoder.model(codes[i : i + 1]))
        score = classifier.model(image).numpy()[0, int(target[-1])]
        np.testing.assert_allclose(fit.score, score, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bins", ["quartile", "decile", None])
def test_equal_to_lime_on_the_live_decoder(decoder, discriminator, codes, prior, bins):
    method = LIME(decoder.graph, background=prior, bins=bins, samples=300, seed=4)
    found = method(codes[:2], Discriminator(discriminator.graph)).values

    def model(z):
        return discriminator.model(tf.sigmoid(decoder.model(np.float32(z)))).numpy()[:, 0]

    for i in range(2):
        explainer = LimeTabularExplainer(
            np.float64(prior),
            mode="regression",
            feature_selection="none",
            discretize_continuous=bins is not None,
            discretizer=bins,
            sample_around_instance=True,
            random_state=seeded(4, i),
        )
        fit = explainer.explain_instance(np.float64(codes[i]), model, num_samples=300)
        weights = dict(fit.as_map()[1])
        expected = [weights[k] for k in range(5)]
        np.testing.assert_allclose(found[i], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("hidden", [None, 0.0])
def test_equal_to_lime_on_the_live_encoder(encoder, images, hidden):
    """Superpixels of grey images, all latents from the same perturbed images."""
    options = {"background": hidden, "segments": 9, "samples": 150, "seed": 2}
    found = LIME(encoder.graph, **options)(images[:2], Latent.all())
    assert found.values.shape == (2, 5, 12, 12, 1)
    labels = superpixels(images[:2], 9)
    for i in range(2):
        explainer = LimeImageExplainer(feature_selection="none", random_state=seeded(2, i))
        fit = explainer.explain_instance(
            images[i, ..., 0],
            lambda colour: encoder.model.predict_on_batch(colour[..., :1])[0],
            labels=range(5),
            top_labels=None,
            hide_color=hidden,
            num_samples=150,
            segmentation_fn=lambda _, i=i: labels[i],
        )
        for t in range(5):
            weights = dict(fit.local_exp[t])
            expected = [weights[r] for r in range(labels[i].max() + 1)]
            shares = totals(found.values[i, t], labels[i])
            np.testing.assert_allclose(shares, expected, rtol=1e-3, atol=1e-5)


def test_superpixels_of_a_linear_model(linear, images):
    """A superpixel weighs w (x - what hides it); ridge regression takes off less than 2%."""
    weights, graph = linear
    rest = np.float32(np.random.default_rng(3).random((12, 12, 1)))
    options = {"background": rest, "superpixels": "grid", "segments": 9, "samples": 4000}
    found = LIME(graph, **options)(images[:2], Latent((0, 3)))
    (labels,) = superpixels(images[:1], 9, "grid")
    moved = (images[:2] - rest)[:, None] * weights.T[[0, 3]].reshape(2, 12, 12, 1)
    np.testing.assert_allclose(
        totals(found.values, labels), totals(moved, labels), rtol=0.03, atol=0.02
    )
    shared = found.values[:, :, labels == 4]
    np.testing.assert_allclose(shared, np.broadcast_to(shared[:, :, :1], shared.shape))


def test_colour_images_and_labels_of_your_own():
    """A model that reads the left half only, in all channels."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((6, 8, 3), name="image"),
            keras.layers.Cropping2D(((0, 0), (0, 4))),
            keras.layers.Flatten(),
            keras.layers.Dense(1, name="out"),
        ]
    )
    images = np.random.default_rng(0).random((2, 6, 8, 3), dtype=np.float32)
    labels = np.arange(8) // 2 * 5 + np.zeros((6, 1), int)
    lime = LIME(Graph.from_keras(model), features=labels, background=0.0, samples=400)
    found = lime(images, Output("out", 0)).values
    assert found.shape == (2, 6, 8, 3)
    kernel = model.layers[-1].get_weights()[0].reshape(6, 4, 3)
    effects = totals(images[:, :, :4] * kernel, labels[:, :4] // 5)
    expected = np.concatenate([effects, np.zeros((2, 2))], axis=1)
    np.testing.assert_allclose(
        totals(found, labels // 5), expected, atol=0.03 * np.abs(effects).max()
    )
    table = lime.conditions(images[:1], Output("out", 0))
    assert sorted(table.condition) == [f"superpixel {i} shown" for i in range(4)]


def test_a_family_is_its_members(encoder, decoder, images, codes, prior, classifier):
    on_images = LIME(encoder.graph, segments=6, superpixels="grid", samples=80)
    family = on_images(images[:2], Latent((4, 1))).values
    for place, i in enumerate((4, 1)):
        one = on_images(images[:2], Latent(i)).values
        np.testing.assert_allclose(family[:, place], one, rtol=1e-4, atol=1e-7)
    on_codes = LIME(decoder.graph, background=prior, samples=80)
    family = on_codes(codes[:2], ClassLogit.all(classifier.graph)).values
    one = on_codes(codes[:2], ClassLogit(3, classifier.graph)).values
    np.testing.assert_allclose(family[:, 3], one, rtol=1e-4, atol=1e-7)


def test_a_sparse_fit_uses_so_many_features(plane, decoder, codes, prior, vectors):
    lime = LIME(plane, background=vectors, num_features=2, samples=300)
    found = lime(vectors[:4], Output("out")).values
    assert (np.count_nonzero(found, axis=-1) == 2).all()
    table = LIME(decoder.graph, background=prior, num_features=3, samples=100).conditions(
        codes[:2], Pixels(np.ones((12, 12)))
    )
    assert len(table) == 6 and not table.isna().any(axis=None)


@pytest.mark.parametrize("bins", ["quartile", None])
def test_draws_depend_on_the_seed_and_the_sample_alone(decoder, codes, prior, bins):
    def values(seed, **call):
        method = LIME(decoder.graph, background=prior, bins=bins, samples=60, seed=seed)
        return method(codes, Pixels(np.ones((12, 12))), **call).values

    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    found = values(0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    np.testing.assert_array_equal(values(0, batch_size=3), found)
    assert np.abs(values(1) - found).max() > 1e-4
    method = LIME(decoder.graph, background=prior, bins=bins, samples=60)
    np.testing.assert_array_equal(method(codes, Pixels(np.ones((12, 12)))).values, found)
    np.testing.assert_array_equal(method(codes[:2], Pixels(np.ones((12, 12)))).values, found[:2])


def test_draws_of_images_depend_on_the_seed_and_the_sample_alone(encoder, images, capfd):
    def values(seed, **call):
        method = LIME(encoder.graph, segments=6, superpixels="grid", samples=60, seed=seed)
        return method(images[:3], Latent(0), **call).values

    found = values(0)
    np.random.seed(2)
    np.testing.assert_array_equal(values(0, batch_size=1), found)
    assert np.abs(values(1) - found).max() > 1e-6
    assert "it/s" not in capfd.readouterr().err  # lime's own bar


def test_noise_of_the_graph_stays_the_same(encoder, images):
    """Were z drawn anew for every perturbed image, no fit would be good."""
    lime = LIME(encoder.graph, segments=6, superpixels="grid", samples=100)
    table = lime.conditions(images[:2], Latent.all(at="sample"))
    assert table.r2.min() > 0.5
    np.testing.assert_array_equal(
        table.weight, lime.conditions(images[:2], Latent.all(at="sample"), batch_size=1).weight
    )


def test_settings_are_json(encoder, decoder, images, prior):
    for method in (
        LIME(encoder.graph, background=0.5, samples=np.int64(50)),
        LIME(encoder.graph, background=images[0], num_features=np.int64(4)),
        LIME(decoder.graph, background=prior, kernel_width=np.float32(2.0)),
    ):
        recorded = json.loads(json.dumps(method.settings()))
        assert {"seed", "background", "samples", "bins", "num_features"} <= set(recorded)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, r"pass background=, samples \(M, d\)"),
        ({"background": 0.0}, UsageError, r"pass background=, samples \(M, d\)"),
        ({"background": np.zeros(5)}, UsageError, r"pass background=, samples \(M, d\)"),
        ({"background": np.zeros((9, 4))}, InvalidInputError, "must have shape"),
        ({"background": np.ones((9, 5))}, InvalidInputError, "only one value of z0"),
        ({"features": np.zeros(5, int)}, UsageError, "one by one"),
        ({"features": "superpixels"}, UsageError, "cut from images"),
        ({"bins": "entropy"}, UsageError, "'quartile', 'decile' or None"),
        ({"samples": 3}, UsageError, "samples= must be a whole number from 10 on"),
        ({"num_features": 0}, UsageError, "num_features= must be a whole number from 1 on"),
        ({"num_features": "auto"}, UsageError, "num_features="),
        ({"samples": None}, UsageError, "samples="),
        ({"kernel_width": 0.0}, UsageError, "kernel_width= must be above 0"),
    ],
)
def test_errors_for_vectors(decoder, prior, options, error, message):
    defaults = {} if not options else {"background": prior}
    with pytest.raises(error, match=message):
        LIME(decoder.graph, **{**defaults, **options})


def test_errors_for_images(encoder, images):
    with pytest.raises(UsageError, match="one image or number, not several"):
        LIME(encoder.graph, background=images)
    with pytest.raises(InvalidInputError, match=r"must lie in \[0, 1\]"):
        LIME(encoder.graph, background=-1.0)
    two = Graph.from_keras(
        keras.Sequential(
            [keras.Input((6, 6, 2)), keras.layers.Flatten(), keras.layers.Dense(1, name="out")]
        )
    )
    with pytest.raises(InvalidInputError, match="grey or colour images"):
        LIME(two, superpixels="grid", samples=10)(np.zeros((1, 6, 6, 2)), Output("out", 0))
