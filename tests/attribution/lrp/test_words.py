"""LRP through a generator of words: gains of conditional normalisation, and attention, are held."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.attribution.lrp.architectures import in_type
from tests.words import tiny
from tfgenxai.attribution import LRP
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.models.scrabble_layers import Modulate, SumOverPlaces
from tfgenxai.targets import Discriminator, Output, Pixels
from tfgenxai.words import character_pixels

WORD = [0, 2]
MASK = character_pixels(2, 1)


@pytest.fixture(scope="module")
def live():
    return in_type("float64", tiny.generator)


@pytest.fixture(scope="module")
def held():
    """The same network, through whose gains and attention map no gradient flows."""

    class Held(Modulate):
        def call(self, inputs):
            x, gain, bias = inputs
            return super().call([x, tf.stop_gradient(gain), bias])

    class Map(keras.layers.Softmax):
        def call(self, inputs):
            return tf.stop_gradient(super().call(inputs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tfgenxai.models.layers.layers.Softmax", Map)
        return in_type("float64", lambda: tiny.generator(Held))


@pytest.fixture(scope="module")
def graph(live):
    return tiny.graph_of(live, tf.float64)


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(3).standard_normal((3, tiny.CODE))


def explained(model, codes):
    """The masked sum of what comes before the tanh (N,), and its gradient times the codes."""
    given = tf.constant(codes)
    with tf.GradientTape() as tape:
        tape.watch(given)
        logits = model([given, tf.constant([WORD] * len(codes), tf.int64)])
        total = tf.reduce_sum(logits[..., 0] * MASK, axis=(1, 2))
    return total.numpy(), tape.gradient(total, given).numpy() * codes


def test_lrp_0_is_gradient_times_input_with_gains_and_map_held(live, held, graph, codes):
    target, whole = explained(live, codes)
    same, wanted = explained(held, codes)
    np.testing.assert_allclose(same, target, rtol=1e-9)
    word = graph.with_inputs({"label": WORD})
    found = LRP(word, "zero", dtype="float64")(codes, Pixels(MASK))
    np.testing.assert_allclose(found.values, wanted, atol=1e-6 * np.abs(wanted).max())
    # With a share for gains and maps it would be the whole gradient.
    assert np.abs(whole - wanted).max() > 0.01 * np.abs(wanted).max()
    # Codes, biases and stabiliser together have all that there was.
    total = found.values.sum(axis=1, dtype=np.float64) + sum(found.delta_parts.values())
    np.testing.assert_allclose(total, target, rtol=1e-6)
    assert np.abs(found.delta_parts["stabiliser"]).max() < 1e-6 * np.abs(target).max()


def test_what_follows_the_filters(live, graph, codes):
    """Relevance at a layer: the style that passes it by is a side input, with its own share."""
    rest = graph.with_shapes({"label": (2,)}).after("generator_filters")
    assert set(rest.inputs) == {"z", "generator_filters"}
    part = keras.Model(live.inputs, live.get_layer("generator_filters").output)
    label = tf.constant([WORD] * len(codes), tf.int64)
    filters = part([tf.constant(codes), label]).numpy()
    lrp = LRP(rest, "epsilon_plus", wrt="generator_filters", dtype="float64")
    found = lrp({"z": codes, "generator_filters": filters}, Pixels(MASK))
    total = found.values.sum(axis=(1, 2), dtype=np.float64) + sum(found.delta_parts.values())
    target = explained(live, codes)[0]
    np.testing.assert_allclose(
        total, target, atol=1e-5 * np.abs(found.values).sum(axis=(1, 2)).max()
    )
    assert np.abs(found.delta_parts["z"]).min() > 0
    rules = dict(lrp.rules(Pixels(MASK)))
    assert {"up_conv", "attention_value"} <= set(rules)
    assert not {"up_gain", "attention_query"} & set(rules)


def test_a_discriminator_of_words():
    """Means of 2 x 2 places, and the sum over all of them."""

    def build():
        image = keras.Input((8, None, 1), name="image")
        x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
        x = SumOverPlaces()(keras.layers.AveragePooling2D(2)(x))
        return keras.Model(image, keras.layers.Dense(1)(x))

    model = tiny.fill(in_type("float64", build), 2)
    spec = tf.TensorSpec((None, 8, None, 1), tf.float64, name="image")
    frozen = tf.function(lambda image: {"logits": model(image)}, input_signature=[spec])
    graph = Graph.from_function(frozen.get_concrete_function()).with_shapes({"image": (8, 6, 1)})
    images = np.random.default_rng(5).random((2, 8, 6, 1))
    given = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = model(given)
    expected = tape.gradient(total, given).numpy() * images
    found = LRP(graph, "zero", dtype="float64")(images, Discriminator()).values
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_only_a_gain_of_all_places_is_held():
    """Conditional normalisation by hand, and products that are none."""
    spec = tf.TensorSpec((None, 3, 4, 2), tf.float64, name="x")

    def frozen(function):
        found = tf.function(lambda x: {"y": function(x)}, input_signature=[spec])
        return Graph.from_function(found.get_concrete_function())

    def mean(x):
        return tf.reduce_mean(x, axis=(1, 2), keepdims=True)

    x = np.random.default_rng(4).standard_normal((2, 3, 4, 2))
    for function in (lambda x: x * (1 + mean(x)), lambda x: mean(x) * x):
        found = LRP(frozen(function), "zero", dtype="float64")(x, Output("y", (1, 2, 0)))
        expected = np.zeros_like(x)
        expected[:, 1, 2, 0] = function(tf.constant(x)).numpy()[:, 1, 2, 0]
        np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-9)
    for function in (lambda x: x * tf.nn.relu(x), lambda x: x[:, :1] * x, lambda x: x * x[..., :1]):
        with pytest.raises(UsageError, match="multiplies two computed values"):
            LRP(frozen(function))(x, Output("y", (1, 2, 0)))
