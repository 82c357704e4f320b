"""`Graph.with_gradients`: other gradients, the same network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.graph import Graph


def rectified(op, gradient):
    return tf.nn.relu(gradient)


def tenfold(op, gradient):
    return 10.0 * gradient


def by_sight(op, gradient):
    """Uses all that a rule may look at."""
    return gradient * (op.inputs[0] + 2.0 * op.outputs[0] + op.get_attr("alpha"))


def gradient(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def jacobian(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.batch_jacobian(y, x).numpy()


@pytest.fixture
def x(rng):
    return rng.normal(size=(6, 3)).astype(np.float32)


@pytest.fixture
def weights(rng):
    return rng.normal(size=(3, 4)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32)


@pytest.fixture
def graph(weights):
    """y = leaky(relu(x A)) B."""
    a, b = weights

    @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
    def network(x):
        return {"y": tf.nn.leaky_relu(tf.nn.relu(x @ a) + x @ a, 0.25) @ b}

    return Graph.from_function(network)


def test_values_stay_and_gradients_change(graph, weights, x):
    a, b = weights
    slopes = np.where(x @ a > 0, 1.0, 0.25)[:, None] * b.T  # by what goes into LeakyRelu
    plain = (slopes * (1 + (x @ a > 0))[:, None]) @ a.T
    changed = graph.with_gradients({"Relu": rectified, "LeakyRelu": tenfold})
    expected = (10 * b.T + np.maximum(10 * b.T, 0)) @ a.T
    before, after = graph.function("x", "y"), changed.function("x", "y")
    np.testing.assert_array_equal(before(x), after(x))
    np.testing.assert_allclose(jacobian(before, x), plain, rtol=1e-5, atol=1e-6)
    found = jacobian(after, x)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-5, atol=1e-5)
    one_by_one = [gradient(lambda x, i=i: after(x)[:, i], x) for i in range(2)]
    np.testing.assert_allclose(found, np.stack(one_by_one, axis=1), rtol=1e-6)
    assert list(changed.layers) == list(graph.layers)


def test_only_the_kinds_that_are_named(graph, x):
    plain = gradient(graph.function("x", "y"), x)
    np.testing.assert_array_equal(
        gradient(graph.with_gradients({"Elu": tenfold}).function("x", "y"), x), plain
    )
    changed = graph.with_gradients({"LeakyRelu": tenfold})
    assert np.abs(gradient(changed.function("x", "y"), x) - plain).max() > 0.1


def test_a_rule_sees_its_operation(x):
    @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
    def network(x):
        return {"y": tf.nn.leaky_relu(x, 0.25)}

    graph = Graph.from_function(network).with_gradients({"LeakyRelu": by_sight})
    found = gradient(graph.function("x", "y"), x)
    np.testing.assert_allclose(found, x + 2 * np.where(x > 0, x, x / 4) + 0.25, rtol=1e-5)


def test_a_cut_behind_the_operation(graph, weights, x):
    """A cut has the rules of its own part, and is not confused with one of the plain graph."""
    changed = graph.with_gradients({"LeakyRelu": tenfold})
    (relu,) = (op for op in changed.graph.get_operations() if op.type == "Relu")
    maps = relu.outputs[0]
    tail = changed.function([changed.inputs["x"], maps], "y")
    a, b = weights
    inner = tf.constant(np.maximum(x @ a, 0))
    found = jacobian(lambda maps: tail(x, maps), inner.numpy())
    np.testing.assert_allclose(found, np.broadcast_to(10 * b.T, found.shape), rtol=1e-6)


def test_new_weights_keep_the_rules(graph, weights, x):
    changed = graph.with_gradients({"Relu": rectified, "LeakyRelu": rectified})
    doubled = changed.with_values({name: 2 * changed.value(name) for name in constants(changed)})
    a, b = weights
    back = np.maximum(2 * b.T, 0) @ (2 * a.T)
    found = jacobian(doubled.function("x", "y"), x)
    np.testing.assert_allclose(found, np.broadcast_to(2 * back, found.shape), rtol=1e-5, atol=1e-5)
    again = changed.with_gradients({"LeakyRelu": tenfold})
    found = jacobian(again.function("x", "y"), x)
    expected = (10 * b.T + np.maximum(10 * b.T, 0)) @ a.T
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-5, atol=1e-5)


def constants(graph):
    """The names of the two matrices."""
    return [
        node.name
        for node in graph.graph_def.node
        if node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim) == 2
    ]


def test_inside_loops(rng):
    """A recurrent layer's activations are in the body of a While."""
    entry = layers.Input((5, 3), name="x")
    states = layers.SimpleRNN(4, activation="relu", name="rnn")(entry)
    model = keras.Model(entry, layers.Dense(2, name="y")(states))
    x = rng.normal(size=(3, 5, 3)).astype(np.float32)
    graph = Graph.from_keras(model)
    assert any(node.op == "While" for node in graph.graph_def.node)
    plain = gradient(graph.function("x", "y"), x)
    changed = graph.with_gradients({"Relu": rectified})

    @tf.custom_gradient
    def live_relu(x):
        return tf.nn.relu(x), tf.nn.relu

    kernel, recurrent, bias, *head = (tf.constant(w) for w in model.get_weights())

    def unrolled(x):
        state = tf.zeros((3, 4))
        for t in range(5):
            state = live_relu(x[:, t] @ kernel + state @ recurrent + bias)
        return state @ head[0] + head[1]

    expected = gradient(unrolled, x)
    assert np.abs(expected - plain).max() > 1e-2
    np.testing.assert_allclose(
        gradient(changed.function("x", "y"), x), expected, rtol=1e-4, atol=1e-6
    )
    # The plain graph's loop goes by another name, and keeps its gradient.
    np.testing.assert_array_equal(gradient(graph.function("x", "y"), x), plain)


def test_inside_branches(x):
    @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
    def network(x):
        return {"y": tf.cond(tf.reduce_sum(x) > 0, lambda: tf.nn.relu(x), lambda: -tf.nn.relu(x))}

    graph = Graph.from_function(network).with_gradients({"Relu": tenfold})
    for given, sign in ((np.abs(x), 1), (-np.abs(x), -1)):
        found = gradient(graph.function("x", "y"), given)
        np.testing.assert_allclose(found, np.full_like(x, 10 * sign))
