"""Graphs that TensorFlow froze, and what a user can get wrong."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.errors import (
    DamagedModelError,
    InvalidInputError,
    LayerNotFoundError,
    ModelNotFoundError,
    TfgenxaiError,
    UntrustedModelError,
    UsageError,
)
from tfgenxai.graph import Graph


@pytest.fixture(scope="module")
def graph(cvae):
    return Graph.from_keras(cvae)


@pytest.fixture
def images(rng):
    return rng.random((5, 16, 16, 1), np.float32)


# -- frozen files ------------------------------------------------------------------------------


def frozen_by_tensorflow(model, shape):
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    call = tf.function(model, input_signature=[tf.TensorSpec(shape, name="x")], autograph=False)
    function = convert_variables_to_constants_v2(call.get_concrete_function())
    return function.graph.as_graph_def(), function.outputs[0].name


def test_frozen_file(tmp_path, cvae, images):
    graph_def, output = frozen_by_tensorflow(cvae.encoder, (None, 16, 16, 1))
    (tmp_path / "encoder.pb").write_bytes(graph_def.SerializeToString())
    graph = Graph.from_frozen(tmp_path / "encoder.pb", ["x:0"], [output])
    np.testing.assert_allclose(
        graph.function("x", graph.layers[-1].name)(images), cvae.encoder(images), atol=1e-6
    )
    assert graph.parameter_count == cvae.encoder.count_params()
    assert graph["encoder_conv_1"].op.type == "BiasAdd"
    assert [layer.kind for layer in graph.layers] == [
        "Conv2D", "Conv2D", "LeakyReLU", "Flatten", "Dense",
    ]  # fmt: skip


def test_wrong_frozen_file(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.pb"):
        Graph.from_frozen(tmp_path / "nowhere.pb", ["x"], ["y"])
    (tmp_path / "broken.pb").write_bytes(b"\xff\xff not a graph")
    with pytest.raises(DamagedModelError, match="GraphDef"):
        Graph.from_frozen(tmp_path / "broken.pb", ["x"], ["y"])
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 2), name="entry")
        tf.nn.relu(x, name="exit")
    with pytest.raises(LayerNotFoundError, match="entry"):
        Graph.from_frozen(graph.as_graph_def(), ["entri"], ["exit"])


def test_frozen_graph_is_checked_unless_trusted():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.string, (), name="x")
        tf.io.read_file(x, name="y")
    with pytest.raises(UntrustedModelError, match="ReadFile"):
        Graph.from_frozen(graph.as_graph_def(), ["x"], ["y"])
    assert Graph.from_frozen(graph.as_graph_def(), ["x"], ["y"], trusted=True).outputs


def test_loop_of_tensorflow_1_is_refused():
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.disable_control_flow_v2()
        try:
            x = tf.compat.v1.placeholder(tf.float32, (None,), name="x")
            _, y = tf.compat.v1.while_loop(
                lambda i, _: i < 3, lambda i, v: (i + 1, v * 2.0), (tf.constant(0), x)
            )
            tf.identity(y, name="y")
        finally:
            tf.compat.v1.enable_control_flow_v2()
    assert any(node.op == "Enter" for node in graph.as_graph_def().node)
    with pytest.raises(TfgenxaiError, match="TensorFlow 1"):
        Graph.from_frozen(graph.as_graph_def(), ["x"], ["y"])


# -- wrong use ---------------------------------------------------------------------------------


def test_fetch_that_depends_on_more_names_it(branched):
    graph = Graph.from_keras(branched)
    with pytest.raises(UsageError, match="depends on 'picture' too"):
        graph.function("act", "sum")


def test_fetch_before_the_feed(graph):
    with pytest.raises(UsageError, match="does not depend on"):
        graph.function("encoder_conv_1", "encoder_conv_0")


def test_tensor_of_another_graph(graph, branched):
    with pytest.raises(LayerNotFoundError, match="not a tensor of the graph"):
        graph.function(Graph.from_keras(branched)["picture"], "output")


def test_same_feed_twice_and_none(graph):
    with pytest.raises(UsageError, match="fed twice"):
        graph.function(["input", "input"], "output")
    with pytest.raises(UsageError, match="at least one"):
        graph.function([], "output")


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((2, 16, 16)),
        np.zeros((2, 8, 8, 1)),
        "image",
        [["a"]],
        tf.zeros((1, 16, 16, 1), tf.float64),
    ],
)
def test_wrong_values(graph, value):
    with pytest.raises(InvalidInputError, match="'input' takes"):
        graph.function("input", "output")(value)


def test_wrong_number_of_values(graph, images):
    with pytest.raises(UsageError, match="takes 1 value"):
        graph.function("input", "output")(images, images)


def test_model_whose_input_is_not_known():
    model = keras.Sequential([layers.Dense(2, name="d")])
    with pytest.raises(UsageError, match="call it once"):
        Graph.from_keras(model)
    assert Graph.from_keras(model, inputs=(None, 3)).parameter_count == 8


def test_function_without_signature():
    with pytest.raises(UsageError, match="input_signature"):
        Graph.from_function(tf.function(lambda x: x))


def test_variable_that_the_model_changes_keeps_its_value():
    variable = tf.Variable(tf.zeros(3))

    @tf.function(input_signature=[tf.TensorSpec((None, 3), name="x")])
    def counts(x):
        return x + variable.assign_add(tf.ones(3))

    # An assignment whose result is read: the value is that of the frozen variable.
    graph = Graph.from_function(counts)
    np.testing.assert_array_equal(graph.function("x", "output")(np.zeros((1, 3))), np.zeros((1, 3)))


def test_custom_operation_is_named():
    graph_def = tf.compat.v1.GraphDef()
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    graph_def.node.add(name="y", op="NoSuchOperation", input=["x"])
    with pytest.raises(TfgenxaiError, match="NoSuchOperation"):
        Graph.from_frozen(graph_def, ["x"], ["y"], trusted=True)
