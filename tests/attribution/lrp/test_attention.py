"""LRP through self-attention: the map is held constant, and relevance goes to what it mixes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.attribution.lrp.architectures import in_type, randomise
from tfgenxai.attribution import LRP, create
from tfgenxai.attribution.lrp import composites, facts, read
from tfgenxai.attribution.lrp.propagate import propagate
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.models.layers import self_attention
from tfgenxai.targets import Output, Unit

SIDE, CHANNELS = 4, 8
ATTENTION = "attention"


@pytest.fixture(scope="module", params=[False, True], ids=["all keys", "pooled keys"])
def live(request):
    """Images to three scores, without a bias: convolution, attention, ReLU, dense layer."""

    def build():
        x = keras.Input((SIDE, SIDE, 2), name="image")
        y = layers.Conv2D(CHANNELS, 3, padding="same", use_bias=False, name="conv")(x)
        y = layers.ReLU(name="relu_0")(y)
        y = self_attention(y, ATTENTION, pool_keys=request.param)
        y = layers.ReLU(name="relu_1")(y)
        y = layers.Flatten(name="flat")(y)
        return keras.Model(x, layers.Dense(3, use_bias=False, name="scores")(y))

    model = in_type("float64", build)
    randomise(model, 5)
    model.get_layer(f"{ATTENTION}_gain").gain.assign(1.7)
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).random((3, SIDE, SIDE, 2))


def kernel(model, part):
    return model.get_layer(part).kernel.numpy()


def pooled(values, live):
    """(n, HW, C) as keys and values are read: as they are, or 2x2 maxima."""
    if f"{ATTENTION}_key_pool" not in [layer.name for layer in live.layers]:
        return values
    square = tf.reshape(values, (-1, SIDE, SIDE, values.shape[-1]))
    return tf.reshape(tf.nn.max_pool2d(square, 2, 2, "VALID"), (-1, SIDE**2 // 4, values.shape[-1]))


def scores(live, x, held=None):
    """The scores of the live model, written out; `held` stands in for the attention map."""
    hidden = tf.nn.relu(tf.nn.conv2d(x, kernel(live, "conv"), 1, "SAME"))
    flat = tf.reshape(hidden, (-1, SIDE**2, CHANNELS))
    query, key, value, output = (
        kernel(live, f"{ATTENTION}_{part}")[0, 0] for part in ("query", "key", "value", "output")
    )
    if held is None:
        keys = pooled(flat @ key, live)
        held = tf.nn.softmax(tf.matmul(flat @ query, keys, transpose_b=True))
    mixed = held @ pooled(flat @ value, live) @ output
    found = tf.nn.relu(flat + 1.7 * mixed)
    return tf.reshape(found, (-1, SIDE**2 * CHANNELS)) @ kernel(live, "scores"), held


def test_lrp_0_is_gradient_times_input_with_the_map_held_constant(live, images):
    x = tf.constant(images)
    expected_scores, held = scores(live, x)
    np.testing.assert_allclose(expected_scores, live(x), rtol=1e-10)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        columns = tf.unstack(scores(live, x, held)[0], axis=1)
    slopes = np.stack([tape.gradient(column, x) for column in columns], axis=1)
    expected = slopes * images[:, None]
    graph = Graph.from_keras(live)
    (name,) = graph.outputs
    for composite, tolerance in (("zero", 1e-6), ("epsilon", 1e-3)):
        found = LRP(graph, composite, epsilon=1e-9, dtype="float64")(images, Output(name))
        np.testing.assert_allclose(
            found.values, expected, atol=tolerance * np.abs(expected).max(), err_msg=composite
        )
    # Had the weights a share too, the whole gradient times the input would have been found.
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = scores(live, x)[0][:, 0]
    whole = tape.gradient(score, x).numpy() * images
    assert np.abs(whole - expected[:, 0]).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("composite", ["zero", "epsilon", "epsilon_plus", "gamma", "alpha2_beta1"])
def test_relevance_is_conserved(live, images, composite):
    graph = Graph.from_keras(live)
    (name,) = graph.outputs
    found = LRP(graph, composite, dtype="float64")(images, Output(name))
    arrived = found.values.sum(axis=(2, 3, 4), dtype=np.float64)
    scale = np.abs(found.values).sum(axis=(2, 3, 4)).max()
    # z+ and alpha-beta keep relevance back where no contribution has the sign they share by.
    kept = found.delta_parts["stabiliser"]
    if composite in ("zero", "epsilon", "gamma"):
        np.testing.assert_allclose(kept / scale, 0, atol=1e-4)
    assert not found.delta_parts["bias"].any()
    np.testing.assert_allclose((arrived + kept) / scale, live(images) / scale, atol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-6, 0.2])
def test_the_shares_of_the_values(epsilon):
    """v_kc of z_qc = sum_k p_qk v_kc gets p_qk v_kc / (z_qc + eps sign z_qc) of each z_qc."""
    spec = tf.TensorSpec((None, 4, 3), name="x")

    def attend(x):
        weights = tf.nn.softmax(tf.matmul(x, 2 * x, transpose_b=True))
        return {"y": tf.matmul(weights, x[:, :, :2]), "weights": weights}

    frozen = tf.function(attend, input_signature=[spec]).get_concrete_function()
    graph = Graph.from_function(frozen)
    network = read.read(graph, graph.inputs["x"], graph.outputs["y"])
    known = facts.learn(network, 0.0, 1.0, is_nonnegative=False)
    rules = composites.assign(
        network, known, composites.composite("epsilon_plus", epsilon, 0.25), {}
    )
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    arriving = np.random.default_rng(2).normal(size=(2, 3, 4, 2))
    values = network.values(tf.constant(x))
    found = propagate(network, rules, known, values, tf.constant(arriving), network.output)
    expected = np.zeros((2, 3, 4, 3))
    for n in range(2):
        p = np.exp(2 * x[n] @ x[n].T)
        p /= p.sum(axis=1, keepdims=True)
        for t, q, c in np.ndindex(3, 4, 2):
            z = sum(p[q, k] * x[n, k, c] for k in range(4))
            share = arriving[n, t, q, c] / (z + epsilon * (1 if z >= 0 else -1))
            for k in range(4):
                expected[n, t, k, c] += p[q, k] * x[n, k, c] * share
    np.testing.assert_allclose(found.source, expected, rtol=1e-6, atol=1e-9)
    lost = arriving.sum(axis=(2, 3)) - expected.sum(axis=(2, 3))
    np.testing.assert_allclose(found.shares["stabiliser"], lost, rtol=1e-6, atol=1e-9)


def test_keras_heads():
    """Keras' own layer writes its products as einsums with an axis for the heads."""

    def build():
        x = keras.Input((5, 6))
        y = layers.MultiHeadAttention(2, 3, value_dim=4, use_bias=False, name=ATTENTION)(x, x)
        return keras.Model(x, layers.Add(name="joined")([x, y]))

    model = in_type("float64", build)
    x = np.random.default_rng(3).normal(size=(2, 5, 6))
    block = model.get_layer(ATTENTION)
    _, held = block(x, x, return_attention_scores=True)
    value = block._value_dense.kernel.numpy()
    output = block._output_dense.kernel.numpy()
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        mixed = tf.einsum("nhqk,nkhv->nqhv", held, tf.einsum("nki,ihv->nkhv", given, value))
        y = given + tf.einsum("nqhv,hvo->nqo", mixed, output)
        total = tf.reduce_sum(y[:, 2, 1])
    np.testing.assert_allclose(y, model(x), rtol=1e-9)
    expected = tape.gradient(total, given).numpy() * x
    graph = Graph.from_keras(model)
    (name,) = graph.outputs
    found = LRP(graph, "zero", dtype="float64")(x, Output(name, (2, 1)))
    np.testing.assert_allclose(found.values, expected, atol=1e-6 * np.abs(expected).max())


def test_what_makes_the_map_has_no_rule(live, images):
    graph = Graph.from_keras(live)
    (name,) = graph.outputs
    listed = dict(LRP(graph).rules(Output(name)))
    assert {"conv", f"{ATTENTION}_value", f"{ATTENTION}_mixed", ATTENTION} <= set(listed)
    assert not {f"{ATTENTION}_query", f"{ATTENTION}_key"} & set(listed)
    with pytest.raises(UsageError, match="no layer 'attention_query' with weights"):
        LRP(graph, layers={f"{ATTENTION}_query": "flat"})(images, Output(name))
    with pytest.raises(UsageError, match="attention_scores'.*multiplies two computed values"):
        LRP(graph)(images, Unit(f"{ATTENTION}_map", (0, 0)))
    with pytest.raises(UsageError, match="iNNvestigate has no layer for BatchMatMul"):
        create("innvestigate", graph)(images, Output(name, 0))
