"""Addressing, cutting and differentiating, against the live Keras model."""

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


# -- random numbers ----------------------------------------------------------------------------


def test_random_numbers_are_fresh_and_may_be_fed(graph, cvae, images, rng):
    (noise,) = graph.random
    cut = graph.function("input", "output")
    assert np.abs(cut(images) - cut(images)).max() > 1e-4
    drawn = rng.normal(size=(5, 3)).astype(np.float32)
    mean, logvar = tf.split(cvae.encoder(images), 2, axis=1)
    want = tf.sigmoid(cvae.decoder(mean + tf.exp(logvar * 0.5) * drawn))
    got = graph.function(["input", noise], "output")(images, drawn)
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_keras_seed_generator_does_not_freeze_the_noise(rng):
    class Sampling(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.seed_generator = keras.random.SeedGenerator(1)

        def call(self, mean):
            return mean + keras.random.normal(keras.ops.shape(mean), seed=self.seed_generator)

    entry = layers.Input((8,), name="x")
    model = keras.Model(entry, Sampling(name="z")(layers.Dense(4, name="mu")(entry)))
    graph = Graph.from_keras(model)
    assert [(row.name, row.kind) for row in graph.layers] == [("mu", "Dense"), ("z", "Sampling")]
    draw = graph.function("x", "z")
    x = np.ones((4000, 8), np.float32)
    first, second = draw(x) - model.layers[1](x), draw(x) - model.layers[1](x)
    assert np.abs(first - second).max() > 1
    np.testing.assert_allclose([np.mean(first), np.std(first)], [0, 1], atol=0.05)
    (noise,) = graph.random
    fixed = graph.function(["x", noise], "z")
    np.testing.assert_allclose(fixed(x[:2], np.zeros((2, 4))), model.layers[1](x[:2]), atol=1e-6)


def test_tf_random_generator():
    class Noise(tf.Module):
        def __init__(self):
            self.generator = tf.random.Generator.from_seed(1)

        @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])
        def __call__(self, x):
            return x + self.generator.normal(tf.shape(x))

    module = Noise()
    draw = Graph.from_function(module.__call__).function("x", "output")
    x = np.zeros((3000, 2))
    assert np.abs(draw(x) - draw(x)).max() > 1
    np.testing.assert_allclose(np.std(draw(x)), 1, atol=0.05)


def test_batch_size_that_is_read_from_the_image_comes_from_the_cut():
    class Encoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 3, 2, name="conv")
            self.flat = layers.Flatten()
            self.mu = layers.Dense(3, name="mu")

        def call(self, x):
            return self.mu(self.flat(self.conv(x))) + tf.random.normal((tf.shape(x)[0], 3))

    model = Encoder()
    model(np.zeros((1, 8, 8, 1)))
    cut = Graph.from_keras(model).function("conv", "output")
    for n in (1, 4):
        assert cut(np.zeros((n, 3, 3, 2))).shape == (n, 3)


# -- control flow ------------------------------------------------------------------------------


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
