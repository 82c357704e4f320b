"""Every rule on every kind of layer, against its textbook form on the layer's whole matrix."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.attribution.lrp.architectures import in_type, randomise
from tests.attribution.lrp.matrix_forms import HIGH, LOW, matrix_of, textbook
from tfgenxai.attribution.lrp import engine, read, rules
from tfgenxai.attribution.lrp.engine import Flow, Site
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph

IMAGE = (5, 4, 2)
LAYERS = {
    "dense": ((6,), lambda: [layers.Dense(4)]),
    "dense of places": ((3, 2, 4), lambda: [layers.Dense(3)]),
    "dense without bias": ((6,), lambda: [layers.Dense(4, use_bias=False)]),
    "dense and normalisation": ((6,), lambda: [layers.Dense(4), layers.BatchNormalization()]),
    "conv": (IMAGE, lambda: [layers.Conv2D(3, 3)]),
    "conv, strided": (IMAGE, lambda: [layers.Conv2D(3, (3, 2), (2, 1), "same")]),
    "conv, dilated": (IMAGE, lambda: [layers.Conv2D(2, 2, dilation_rate=2, padding="same")]),
    "conv and normalisation": (
        IMAGE,
        lambda: [layers.Conv2D(3, 2, use_bias=False), layers.BatchNormalization()],
    ),
    "conv 1D": ((6, 3), lambda: [layers.Conv1D(2, 3, 2, "same")]),
    "depthwise": (
        IMAGE,
        lambda: [layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)],
    ),
    "depthwise and normalisation": (
        IMAGE,
        lambda: [layers.DepthwiseConv2D(2, 2, depth_multiplier=2), layers.BatchNormalization()],
    ),
    "transposed conv": ((3, 2, 3), lambda: [layers.Conv2DTranspose(2, 3, 2, "same")]),
    "transposed conv and normalisation": (
        (3, 2, 3),
        lambda: [layers.Conv2DTranspose(2, (2, 3), (1, 2)), layers.BatchNormalization()],
    ),
    "normalisation": (IMAGE, lambda: [layers.BatchNormalization()]),
    "rescaling": (IMAGE, lambda: [layers.Rescaling(2.0, -1.0)]),
}


@cache
def built(name):
    """A step read from a frozen layer in float64, and the layer's matrix and bias."""
    shape, make = LAYERS[name]
    model = in_type("float64", lambda: keras.Sequential([keras.Input(shape), *make()]))
    randomise(model, 3)
    graph = Graph.from_keras(model)
    (source,), (target,) = graph.inputs.values(), graph.outputs.values()
    network = read.read(graph, source, target)
    steps = [step for step in network.steps if step.weights is not None]
    assert len(steps) == 1
    return network, steps[0], *matrix_of(model, shape)


RULES = [
    rules.ZERO,
    rules.epsilon(0.3),
    rules.gamma(0.25),
    rules.gamma(10),
    rules.Z_PLUS,
    rules.alpha_beta(2, 1),
    rules.alpha_beta(1.5, 0.5),
    rules.W_SQUARE,
    rules.FLAT,
    rules.BOX,
]


@pytest.mark.parametrize("signs", ["both", "nonnegative"])
@pytest.mark.parametrize("name", LAYERS)
def test_rules_are_their_matrix_forms(name, signs):
    network, step, matrix, bias = built(name)
    generator = np.random.default_rng(5)
    shape, size = network.shapes[step.inputs[0]], len(matrix)
    x = generator.uniform(0 if signs == "nonnegative" else LOW, HIGH, (3, *shape))
    x[0].flat[1:] = 0
    values = network.forward(tf.constant(x.reshape(3, *network.shapes[0]))).numpy()
    relevance = generator.normal(size=(3, 2, size))
    given = tf.constant(relevance.reshape(3, 2, *network.shapes[step.output]))
    site = Site(
        step,
        tf.constant(x),
        tf.constant(values.reshape(3, *network.shapes[step.output])),
        signs == "nonnegative",
        (np.full((1, *shape), LOW), np.full((1, *shape), HIGH)),
    )
    for rule in RULES:
        found = engine.through_weights(site, rule, Flow(given))
        values = found.inputs[0].product().numpy().reshape(3, 2, -1)
        biases = np.zeros((3, 2)) if found.bias is None else found.bias
        rows = np.concatenate([values, np.stack([biases, found.stabiliser], axis=-1)], axis=-1)
        for i in range(3):
            for t in range(2):
                expected = textbook(rule, matrix, bias, x[i].ravel(), relevance[i, t])
                scale = np.abs(expected).max()
                np.testing.assert_allclose(
                    rows[i, t] / scale, expected / scale, atol=1e-11, err_msg=rule.name
                )


def test_a_scale_that_waits_counts():
    _, step, *_ = built("dense")
    generator = np.random.default_rng(6)
    x, share = generator.normal(size=(4, 6)), generator.normal(size=(4, 3, 4))
    scale = generator.normal(size=(4, 4))
    z = x @ step.weights + step.bias
    site = Site(step, tf.constant(x), tf.constant(z))
    for rule in (rules.ZERO, rules.epsilon(0.1), rules.alpha_beta(2, 1)):
        lazy = engine.through_weights(site, rule, Flow(tf.constant(share), tf.constant(scale)))
        plain = engine.through_weights(site, rule, Flow(tf.constant(share * scale[:, None])))
        np.testing.assert_allclose(lazy.inputs[0].product(), plain.inputs[0].product(), rtol=1e-10)
        for i in (1, 2):
            np.testing.assert_allclose(1 + lazy[i], 1 + plain[i], rtol=1e-10)


def test_dead_outputs_lose_their_relevance_to_the_stabiliser():
    _, step, *_ = built("dense without bias")
    x = tf.zeros((1, 6), tf.float64)
    site = Site(step, x, tf.zeros((1, 4), tf.float64))
    relevance = Flow(tf.constant([[[1.0, -2.0, 0.5, 3.0]]], tf.float64))
    for rule in (rules.ZERO, rules.epsilon(1e-6), rules.Z_PLUS, rules.gamma()):
        found = engine.through_weights(site, rule, relevance)
        assert not found.inputs[0].product().numpy().any()
        np.testing.assert_allclose(found.stabiliser, [[2.5]])
    # Of alpha R + beta R with no contribution of either sign, alpha - beta = 1 part is lost.
    found = engine.through_weights(site, rules.alpha_beta(2, 1), relevance)
    np.testing.assert_allclose(found.stabiliser, [[2.5]])


def test_denominators_next_to_0_do_not_overflow():
    _, step, *_ = built("dense without bias")
    for tiny, dtype in ((1e-37, "float32"), (1e-44, "float32"), (1e-300, "float64")):
        x = tf.constant(np.full((1, 6), tiny), dtype)
        z = tf.matmul(x, tf.constant(step.weights, dtype))
        site = Site(step, x, z)
        for rule in RULES[:-1]:
            relevance = Flow(tf.constant([[[1e6, -2e6, 5e6, 3e6]]], dtype))
            found = engine.through_weights(site, rule, relevance)
            assert np.isfinite(found.inputs[0].product()).all(), rule.name
            total = tf.reduce_sum(found.inputs[0].product()) + found.stabiliser[0, 0]
            np.testing.assert_allclose(total, 7e6, rtol=1e-5)


def test_bad_parameters():
    with pytest.raises(UsageError, match="epsilon= must be a number that is not negative"):
        rules.epsilon(-1e-6)
    with pytest.raises(UsageError, match="gamma= must be"):
        rules.gamma(float("nan"))
    with pytest.raises(UsageError, match="alpha - beta must be 1"):
        rules.alpha_beta(2, 0.5)
    with pytest.raises(UsageError, match="beta not negative"):
        rules.alpha_beta(0.5, -0.5)
