"""Addressing and cutting, against the live Keras model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.errors import (
    InvalidInputError,
    LayerNotFoundError,
)
from tfgenxai.graph import Graph


@pytest.fixture(scope="module")
def graph(cvae):
    return Graph.from_keras(cvae)


@pytest.fixture
def images(rng):
    return rng.random((5, 16, 16, 1), np.float32)


# -- addressing --------------------------------------------------------------------------------


def test_names(graph):
    conv = graph["encoder_conv_1"]
    assert graph["encoder/encoder_conv_1"] is conv  # the path
    assert graph[conv.name] is conv and graph[conv.op.name] is conv  # tensor, node
    assert graph["encoder_conv_1_1/BiasAdd"] is conv  # the end of a node's name
    assert graph["input"] is graph.inputs["input"]
    assert graph["output"] is graph.outputs["output"]
    assert "encoder_conv_1" in graph and "encoder_conv_9" not in graph


def test_second_output_of_a_node(graph):
    split = next(node.name for node in graph.graph_def.node if node.op == "Split")
    assert graph[f"{split}:1"].value_index == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("encoder_cnv_1", "'encoder_conv_1'"),
        ("decoder_cnv_0", "'decoder_conv_0'"),
        ("qqqq", "'encoder_conv_0'"),
    ],
)
def test_wrong_name_tells_the_closest(graph, name, said):
    with pytest.raises(LayerNotFoundError, match="no layer or tensor") as error:
        graph[name]
    assert said in str(error.value)


def test_ambiguous_name_lists_the_candidates(graph):
    with pytest.raises(LayerNotFoundError, match="could be any of") as error:
        graph["BiasAdd"]
    assert "encoder_conv_0_1/BiasAdd" in str(error.value)


def test_repr_says_what_it_takes_and_gives(graph):
    assert repr(graph) == (
        "<Graph 'cvae': input (None, 16, 16, 1) -> output (None, 16, 16, 1); "
        f"10 layers, {graph.parameter_count:,} parameters>"
    )


# -- values ------------------------------------------------------------------------------------


def test_every_layer_equals_the_live_model(graph, cvae, images):
    live = tf.constant(images)
    for layer in cvae.encoder.layers:
        live = layer(live)
        np.testing.assert_allclose(graph.function("input", layer.name)(images), live, atol=1e-6)


def test_every_layer_of_a_branched_model_equals_the_live_model(branched, rng):
    graph = Graph.from_keras(branched)
    x = rng.random((3, 16, 16, 3), np.float32)
    names = [layer.name for layer in branched.layers if layer.name not in ("picture", "drop")]
    live = keras.Model(branched.input, [branched.get_layer(name).output for name in names])
    got = graph.function("picture", names)(x)
    for name, value, want in zip(names, got, live(x, training=False), strict=True):
        np.testing.assert_allclose(value, want, atol=2e-6, err_msg=name)


def test_weights_are_copied(rng):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    x = rng.random((4, 3), np.float32)
    graph, before = Graph.from_keras(model), model(x).numpy()
    model.layers[0].kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(graph.function("input", "output")(x), before)


def test_one_stays_one_and_several_are_a_tuple(graph, images):
    one = graph.function("input", "encoder_conv_0")(images)
    several = graph.function(["input"], ["encoder_conv_0"])(images)
    assert tf.is_tensor(one)
    assert isinstance(several, tuple) and len(several) == 1
    np.testing.assert_array_equal(one, several[0])


def test_a_feed_may_be_fetched(graph, images):
    maps = graph.function("input", "encoder_conv_0")(images)
    same, code = graph.function("encoder_conv_0", ["encoder_conv_0", "encoder_dense"])(maps)
    np.testing.assert_array_equal(same, maps)
    assert code.shape == (5, 6)
    assert graph.function("encoder_dense", ["encoder_dense"])(code)[0].shape == (5, 6)


def test_where_input_and_output_share_a_name_the_fetch_is_the_output(rng):
    @tf.function(input_signature=[tf.TensorSpec((None, 2), name="image")])
    def double(image):
        return {"image": 2.0 * image}

    x = rng.random((3, 2), np.float32)
    np.testing.assert_allclose(Graph.from_function(double).function("image", "image")(x), 2 * x)


def test_only_what_depends_on_a_cut_is_computed(graph):
    """A NaN before the cut would show; so would a node that the cut does not need."""
    cut = graph.function("encoder_conv_1", "encoder_dense")
    ops = {op.type for op in cut.function.graph.get_operations()}
    assert "Conv2D" not in ops and "LeakyRelu" in ops and "Conv2DBackpropInput" not in ops


def test_two_feeds_on_different_paths(branched, rng):
    graph = Graph.from_keras(branched)
    x = rng.random((3, 16, 16, 3), np.float32)
    act, skip, total = graph.function("picture", ["act", "skip", "sum"])(x)
    cut = graph.function(["act", "picture"], "sum")
    np.testing.assert_allclose(cut(act, x), total, atol=1e-6)
    np.testing.assert_allclose(cut(act + 1, x), total + 1, atol=1e-6)
    np.testing.assert_allclose(
        graph.function(["act", "skip"], "sum")(act, 2 * skip), act + 2 * skip
    )


def test_other_weights(cvae, images):
    import copy

    graph = Graph.from_keras(cvae.encoder)
    first, *_, last = graph.layers
    rng = np.random.default_rng(0)
    changed = {}
    for name in (*first.variables, *last.variables):
        changed[name] = rng.normal(size=graph.value(name).shape)
    other = graph.with_values(changed)
    live = keras.models.clone_model(cvae.encoder)
    live.set_weights(copy.deepcopy(cvae.encoder.get_weights()))
    for layer, names in ((live.layers[0], first.variables), (live.layers[-1], last.variables)):
        for variable, name in zip(layer.weights, names, strict=True):
            assert graph.variables[name].endswith(variable.name)
            variable.assign(changed[name].reshape(variable.shape))
    before = cvae.encoder(images)
    np.testing.assert_allclose(
        other.function("input", "encoder_dense")(images), live(images), atol=1e-5
    )
    np.testing.assert_allclose(graph.function("input", "encoder_dense")(images), before, atol=1e-6)
    with pytest.raises(LayerNotFoundError, match="no constant 'nothing'"):
        graph.with_values({"nothing": np.zeros(1)})
    with pytest.raises(InvalidInputError, match="has shape"):
        graph.with_values({first.variables[0]: np.zeros(1)})


def test_a_weight_may_be_fed(cvae, images):
    graph = Graph.from_keras(cvae.encoder)
    bias = graph.layers["encoder_dense"].variables[1]
    cut = graph.function(["input", bias], "encoder_dense")
    got = cut(images, graph.value(bias) + 1)
    np.testing.assert_allclose(got, cvae.encoder(images) + 1, atol=1e-5)


# -- tracing -----------------------------------------------------------------------------------


def test_same_cut_is_the_same_object_and_is_traced_once(graph, images):
    cut = graph.function("input", "encoder_conv_1")
    assert graph.function(graph["input"], graph["encoder_conv_1"]) is cut
    assert graph.function("input", ("encoder_conv_1",)) is not cut
    for n in (1, 2, 5):
        assert cut(images[:n]).shape == (n, 3, 3, 5)
        with tf.GradientTape() as tape:
            x = tf.constant(images[:n])
            tape.watch(x)
            y = cut(x)
        tape.gradient(y, x)
    assert cut.traces == 1


def test_inside_another_function(graph, images):
    cut = graph.function("input", "encoder_conv_1")

    @tf.function
    def mean(x):
        return tf.reduce_mean(cut(x))

    np.testing.assert_allclose(mean(tf.constant(images)), np.mean(cut(images)), rtol=1e-5)
