"""The generator and its learner: Keras' own layers, loops, and what must hold of each term."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.variational import terms
from tfgenxai.variational.generator_learner import GeneratorLearner, images_of, patches_of

SHAPE = (6, 4, 2)
HIDDEN = 3


@pytest.fixture(scope="module")
def images():
    """Two images for each of two networks."""
    return np.random.default_rng(0).random((2, 2, *SHAPE), dtype=np.float32)


def fresh(networks=2, log_probability=None, **options):
    options = {"hidden": HIDDEN, "learner_steps": 2} | options
    return GeneratorLearner(networks, SHAPE, log_probability, **options)


@pytest.fixture(scope="module")
def model():
    """With weights of its own in every network."""
    made = fresh()
    rng = np.random.default_rng(1)
    for weight in made.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    return made


def test_patches_are_the_pixels_of_two_by_two(images):
    patches = patches_of(tf.constant(images)).numpy()
    for n, b, y, x in np.ndindex(2, 2, 3, 2):
        expected = images[n, b, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].reshape(4, 2)
        np.testing.assert_array_equal(patches[n, b, 2 * y + x], expected)
    np.testing.assert_array_equal(images_of(tf.constant(patches), SHAPE), images)


def weights_of(model, network):
    return {w.name: w.numpy()[network] for w in model.trainable_variables}


def test_the_learner_is_keras_convolution_norm_and_rectifier(model, images):
    found = model.encode(patches_of(tf.constant(images)))
    for network in range(2):
        w = weights_of(model, network)
        for head in range(2):
            conv = keras.layers.Conv2D(HIDDEN, 2, 2, use_bias=False)
            norm = keras.layers.GroupNormalization(-1, epsilon=1e-5)
            for layer in (conv, norm):
                layer.build((None, 3, 2, HIDDEN) if layer is norm else (None, *SHAPE))
            conv.kernel.assign(w["block_kernel"][head].reshape(2, 2, 2, HIDDEN))
            norm.gamma.assign(w["block_scale"][head])
            norm.beta.assign(w["block_offset"][head])
            maps = keras.layers.LeakyReLU(0.2)(norm(conv(images[network])))
            expected = maps @ w["head_kernel"][head][:, None] + w["head_bias"][head]
            np.testing.assert_allclose(
                found[head][network], tf.reshape(expected, (2, 6)), rtol=1e-4, atol=1e-5
            )


def transposed(z, kernel, bias, channels):
    """Keras' layer on codes (2, 6) of two images, (2, 6, 4, channels)."""
    layer = keras.layers.Conv2DTranspose(channels, 2, 2, use_bias=False)
    layer.build((None, 3, 2, 1))
    layer.kernel.assign(kernel.reshape(2, 2, channels, 1))
    each = np.tile(bias.reshape(2, 2, channels), (3, 2, 1))
    return layer(z.reshape(2, 3, 2, 1)).numpy() + each


def test_the_generator_is_keras_transposed_convolution(model, images):
    z = np.random.default_rng(2).normal(size=(2, 2, 6)).astype(np.float32)
    drawn, p = model.generate(tf.constant(z))
    for network in range(2):
        w = weights_of(model, network)
        first = transposed(z[network], w["draw_kernel"], w["draw_bias"], 2)
        level = np.broadcast_to(w["levels"][:, 0], first.shape)
        expected = (np.tanh(np.stack([first, level], axis=-1)) + 1) / 2
        found = images_of(tf.reshape(drawn[network], (1, 2, 6, 4, 4)), (6, 4, 4))
        np.testing.assert_allclose(
            tf.reshape(found, expected.shape), expected, rtol=1e-4, atol=1e-5
        )
        logits = transposed(z[network], w["map_kernel"], w["map_bias"], 2)
        expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        found = images_of(p[network : network + 1, ..., 0, :], (6, 4, 2))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def shared(images, context):
    return -context * tf.reduce_sum(tf.square(images - 0.8), axis=(1, 2, 3))


def test_the_objective_is_the_sum_of_its_terms(images):
    model = fresh(2, shared, weight=0.7, noise=0.4)
    noise = np.random.default_rng(3).normal(size=6).astype(np.float32)
    found = model.objective(tf.constant(images), noise, tf.constant(2.0), 1)
    mean, log_var = (each.numpy() for each in model.encode(patches_of(tf.constant(images))))
    z = mean + np.exp(log_var / 2) * noise
    drawn, p = (each.numpy() for each in model.generate(tf.constant(z)))
    patches = patches_of(tf.constant(images)).numpy()
    asked = (p * drawn).sum(axis=-1)
    for n in range(2):
        density = 0.5 * ((patches[n][..., None] - drawn[n]) / 0.4) ** 2
        density = density + 0.5 * np.log(2 * np.pi * 0.4**2)
        kl = 0.5 * (mean[n] ** 2 + np.exp(log_var[n]) - 1 - log_var[n]).sum()
        expected = (p[n] * density).sum() + kl + (p[n] * np.log(2 * p[n])).sum()
        expected += 0.7 * 2.0 * ((asked[n] - 0.8) ** 2).sum()
        assert found[n].numpy() == pytest.approx(expected, rel=1e-4)


def test_it_learns_an_image_and_is_sure_where_the_image_says_so(images):
    alone = images[:, :1]
    model = fresh(rate=0.05, noise=0.1)
    before = model(tf.constant(alone)).numpy()
    found = model.explain(alone, steps=60)
    after = model(tf.constant(alone)).numpy()
    assert np.square(after - alone).mean() < 0.5 * np.square(before - alone).mean()
    assert (found.objective[-1] < found.objective[0]).all()
    assert found.variance.shape == (2, 6, 4) and (found.variance > 0).all()
    assert found.variance.mean() < 0.5  # the prior's is 1
    cells = found.variance.reshape(2, 3, 2, 2, 2)
    assert np.ptp(cells, axis=(2, 4)).max() == 0  # a site of z stands for four pixels
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, rtol=1e-5)


def test_no_image_sees_another_and_the_class_is_asked_for(images):
    """Another second image leaves the first as it was; what is asked for is met, or fled from."""
    first, other = images[:, :1], images[::-1, :1].copy()
    other[0] = first[0]
    distance = {}
    model = fresh(2, shared, rate=0.05, noise=1.0)
    for wish in (3.0, -3.0):
        found = model.explain(first, steps=30, context=tf.constant(wish))
        distance[wish] = np.square(model(tf.constant(first)).numpy() - 0.8).mean()
        again = model.explain(other, steps=30, context=tf.constant(wish))
        np.testing.assert_allclose(again.variance[0], found.variance[0], rtol=1e-4)
        assert np.abs(again.variance[1] - found.variance[1]).max() > 1e-3
    assert distance[3.0] < 0.5 * distance[-3.0]


def test_a_blend_is_the_image_where_the_second_mixture_has_it(images):
    model = fresh(blend=True)
    patches = patches_of(tf.constant(images))
    drawn, p = model.generate(model.encode(patches)[0])
    p0, d0 = p.numpy()[..., 0], drawn.numpy()[..., 0]
    expected = images_of(p0 * d0 + (1 - p0) * patches, SHAPE)
    np.testing.assert_allclose(model(tf.constant(images)), expected, rtol=1e-5)


def test_a_tanh_before_the_softmax_keeps_the_map_from_the_threshold():
    z = tf.constant(np.linspace(-50, 50, 12, dtype=np.float32).reshape(1, 2, 6))
    low, high = (1 / (1 + np.exp(x)) for x in (2, -2))
    bounded = fresh(1, notes="tanh").generate(z)[1].numpy()
    assert round(low, 3) == 0.119 and round(high, 3) == 0.881
    assert bounded.min() >= low - 1e-6 and bounded.max() <= high + 1e-6
    assert bounded.max() > 0.88  # it gets there
    free = fresh(1).generate(z)[1].numpy()
    assert free.min() < 0.01 and free.max() > 0.99


def test_the_notes_learner_sees_the_classifier_only(images):
    model = fresh(2, shared, notes="learner")
    noise = tf.zeros(6)
    learner = model.objective(tf.constant(images), noise, tf.constant(1.0), 0)
    asked = model(tf.constant(images)).numpy()
    np.testing.assert_allclose(learner, ((asked - 0.8) ** 2).sum(axis=(1, 2, 3, 4)), rtol=1e-4)
    whole = model.objective(tf.constant(images), noise, tf.constant(1.0), 1)
    assert (whole.numpy() > learner.numpy()).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="even height and width, not 5 x 4"):
        GeneratorLearner(1, (5, 4, 1))
    with pytest.raises(UsageError, match="noise="):
        fresh(noise=0.0)
    with pytest.raises(UsageError, match="not 'square'"):
        fresh(notes="square")


def test_the_terms_of_the_notes_are_used(images):
    noise = tf.ones(6)
    right = fresh().objective(tf.constant(images), noise, (), 1)
    for name in ("likelihood", "gaussian_kl", "categorical_kl", "draw"):
        other = fresh(notes=name).objective(tf.constant(images), noise, (), 1)
        assert np.abs(other - right).min() > 1e-3, name
    # A mean over what is summed elsewhere.
    patches = patches_of(tf.constant(images))
    model = fresh()
    mean, log_var = model.encode(patches)
    drawn, p = model.generate(mean + tf.exp(log_var / 2))
    gap = terms.negative_log_likelihood(patches, drawn, p, noise=0.25) - tf.reduce_mean(
        p * tf.square(patches[..., None] - drawn), axis=range(1, 6)
    )
    notes = fresh(notes="likelihood").objective(tf.constant(images), noise, (), 1)
    np.testing.assert_allclose(right - notes, gap, rtol=1e-4)
