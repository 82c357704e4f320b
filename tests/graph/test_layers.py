"""The table of layers, against what Keras says of its own models."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.graph import Graph


def described(graph: Graph) -> list[tuple]:
    return [(row.name, row.kind, row.output_shape, row.parameters) for row in graph.layers]


def expected(model: keras.Model, skip: tuple[str, ...] = ("InputLayer", "Dropout")) -> list[tuple]:
    return [
        (layer.name, type(layer).__name__, tuple(layer.output.shape), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ not in skip
    ]


def test_functional_model_has_keras_own_summary(branched):
    names = {"elu": "ELU"}  # Keras calls it Activation; the graph only shows which
    wanted = [(n, names.get(n, k), s, p) for n, k, s, p in expected(branched)]
    assert sorted(described(Graph.from_keras(branched)), key=str) == sorted(wanted, key=str)


def test_sequential_model_in_order(cvae):
    wanted = [*expected(cvae.encoder), *expected(cvae.decoder)]
    rows = described(Graph.from_keras(cvae))
    assert rows[:-1] == wanted
    assert rows[-1][:2] == ("Sigmoid", "Sigmoid")


def test_parameter_count_is_that_of_keras(cvae, branched):
    for model in (cvae, branched):
        graph = Graph.from_keras(model)
        assert graph.parameter_count == model.count_params()
        assert sum(layer.parameters for layer in graph.layers) == model.count_params()


def test_names_in_nested_models_get_the_model_in_front_only_if_needed():
    image = layers.Input((8, 8, 1))

    def branch(name: str) -> keras.Model:
        parts = [layers.Conv2D(2, 3, name="conv"), layers.Flatten(name=f"{name}_flat")]
        return keras.Sequential(parts, name=name)

    left, right = branch("left"), branch("right")
    model = keras.Model(image, layers.Concatenate(name="join")([left(image), right(image)]))
    names = Graph.from_keras(model).layers.names
    assert sorted(names) == ["join", "left/conv", "left_flat", "right/conv", "right_flat"]


def test_model_whose_variables_lack_the_layers_name():
    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = layers.Conv2D(2, 3, name="conv")
            self.flat = layers.Flatten(name="flat")
            self.code = layers.Dense(3, name="code")

        def call(self, x):
            return self.code(self.flat(self.conv(x)))

    model = Plain()
    model(np.zeros((1, 8, 8, 1)))
    function = tf.function(model, input_signature=[tf.TensorSpec((None, 8, 8, 1))], autograph=False)
    assert model.conv.kernel.value.name == "plain/kernel:0"  # the trap
    assert Graph.from_keras(model).layers.names == ("conv", "flat", "code")
    assert Graph.from_function(function).layers.names == ("conv", "flat", "code")


def test_tf_keras_model():
    import tf_keras

    old = tf_keras.layers
    model = tf_keras.Sequential(
        [
            old.Conv2D(4, 3, name="conv_a", input_shape=(12, 12, 1)),
            old.LeakyReLU(),
            old.BatchNormalization(),
            old.Flatten(),
            old.Dense(16, activation="relu", name="hidden"),
            old.Reshape((4, 4, 1)),
            old.Conv2DTranspose(2, 3, strides=2, padding="same", name="up"),
        ]
    )
    wanted = [
        (row.name, type(row).__name__, tuple(row.output_shape), row.count_params())
        for row in model.layers
    ]
    assert described(Graph.from_keras(model)) == wanted


def test_module_without_scopes():
    class Module(tf.Module):
        def __init__(self) -> None:
            self.kernel = tf.Variable(tf.ones((3, 3, 1, 4)))
            self.bias = tf.Variable(tf.zeros(4))
            self.dense = tf.Variable(tf.ones((4, 2)))  # all three are called "Variable"

        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1), name="x")])
        def __call__(self, x):
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, self.kernel, 1, "SAME"), self.bias))
            return tf.nn.softmax(tf.reduce_mean(x, [1, 2]) @ self.dense)

    module = Module()
    graph = Graph.from_function(module.__call__)
    assert [row[1:] for row in described(graph)] == [
        ("Conv2D", (None, 8, 8, 4), 40),
        ("ReLU", (None, 8, 8, 4), 0),
        ("Dense", (None, 2), 8),
        ("Softmax", (None, 2), 0),
    ]
    assert graph.layers[0].node == "BiasAdd"
    assert graph.parameter_count == 48


def test_output_is_after_the_bias_and_before_a_separate_activation(cvae):
    graph = Graph.from_keras(cvae)
    assert graph["encoder_conv_0"].op.type == "Relu"  # its own activation
    assert graph["encoder_conv_1"].op.type == "BiasAdd"
    assert graph["encoder_act"].op.type == "LeakyRelu"


def test_layer_called_twice_is_listed_twice():
    dense = layers.Dense(4, name="shared")
    entry = layers.Input((4,))
    model = keras.Model(
        entry, layers.ReLU(name="end")(dense(layers.ReLU(name="mid")(dense(entry))))
    )
    graph = Graph.from_keras(model)
    assert [layer.kind for layer in graph.layers] == ["Dense", "ReLU", "Dense", "ReLU"]
    assert len(set(graph.layers.names)) == 4
    assert graph.parameter_count == 20


def test_recurrent_layers():
    tokens = layers.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, name="embed")(tokens)
    x = layers.LSTM(5, name="lstm", return_sequences=True)(x)
    x = layers.Bidirectional(layers.GRU(3, name="gru"), name="both")(x)
    graph = Graph.from_keras(keras.Model(tokens, x))
    kinds = [(row.name, row.kind, row.parameters) for row in graph.layers]
    assert kinds == [
        ("embed", "Embedding", 160),
        ("lstm", "RNN", 280),
        ("forward_gru", "RNN", 90),
        ("backward_gru", "RNN", 90),
    ]


def test_table_as_text(cvae):
    table = Graph.from_keras(cvae).layers
    lines = str(table).splitlines()
    assert lines[0].split() == ["name", "kind", "output", "shape", "parameters"]
    assert lines[1].split() == ["encoder_conv_0", "Conv2D", "(None,", "7,", "7,", "4)", "40"]
    assert len(lines) == len(table) + 1
    assert table["encoder_conv_1"].parameters == 185
    with pytest.raises(KeyError):
        table["nothing"]
