"""Loops, branches and functions in a frozen graph."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfgenxai.graph import Graph


def test_loop_and_branch_with_variables(rng):
    class Module(tf.Module):
        def __init__(self):
            self.weight = tf.Variable([[0.5, 0.1], [-0.2, 0.4]], name="weight")
            self.shift = tf.Variable([0.3, -0.1], name="shift")

        @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])
        def __call__(self, x):
            for _ in tf.range(3):
                x = tf.tanh(x @ self.weight)
                if tf.reduce_sum(x) > 0.0:
                    x = x + self.shift
            return x

    module = Module()
    x = tf.constant(rng.normal(size=(4, 2)), tf.float32)
    graph = Graph.from_function(module.__call__)
    assert not any(node.op in ("ReadVariableOp", "VarHandleOp") for node in graph.graph_def.node)
    cut = graph.function("x", "output")
    results = []
    for function in (module.__call__, cut):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        results.append((y, tape.gradient(y, x)))
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-6)


def test_recurrent_model_has_gradients(rng):
    entry = layers.Input((6, 3), name="x")
    model = keras.Model(entry, layers.LSTM(4, name="lstm")(entry))
    x = tf.constant(rng.normal(size=(2, 6, 3)), tf.float32)
    gradients = []
    for function in (Graph.from_keras(model).function("x", "lstm"), model):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        gradients.append(tape.gradient(y, x))
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-6)


def test_function_called_twice_keeps_both_bodies(rng):
    weight = tf.Variable([[2.0, 0.0], [1.0, 3.0]], name="weight")

    @tf.function
    def inner(x):
        return tf.nn.relu(x @ weight, name="relu")

    @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])
    def outer(x):
        return inner(inner(x) - 1.0)

    graph = Graph.from_function(outer)
    x = rng.normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_allclose(graph.function("x", "output")(x), outer(x), rtol=1e-6)
    assert [node.op for node in graph.graph_def.node].count("Relu") == 2
    assert graph.parameter_count == 4  # one constant for both
