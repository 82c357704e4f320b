"""iNNvestigate against LRP of this package and against gradients of the live Keras models."""

import warnings
from importlib.util import find_spec

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.attribution import LRP, INNvestigate
from tfgenxai.attribution.lrp.innvestigate import ANALYZERS, INNvestigateWarning
from tfgenxai.attribution.lrp.messages import Message
from tfgenxai.attribution.lrp.worker_process import WORKER
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Output, Pixels, ReconstructionError, Unit

pytestmark = pytest.mark.skipif(
    find_spec("innvestigate") is None, reason="needs the packages of the extra lrp"
)


CLASS = ClassLogit(0)


class Live:
    """A Keras model with random weights and biases, its graph, and inputs."""

    def __init__(self, x, y, name, seed=0, count=7):
        self.model = keras.Model(x, y)
        random = np.random.default_rng(seed)
        for weight in self.model.weights:
            positive = "variance" in weight.path
            weight.assign(abs(random.standard_normal(weight.shape)) * 0.4 + 0.5 * positive)
            if not positive:
                weight.assign(random.standard_normal(weight.shape) * 0.4)
        self.inputs = random.random((count, *x.shape[1:]), dtype=np.float32)
        spec = tf.TensorSpec(x.shape, tf.float32, name="image" if len(x.shape) == 4 else "z")
        function = tf.function(lambda given: {name: self.model(given)}, input_signature=[spec])
        self.graph = Graph.from_function(function.get_concrete_function())

    def __call__(self, x):
        return tf.reshape(self.model(x), (len(x), -1))

    def gradient(self, element):
        """Of one element of the flattened output."""
        x = tf.constant(self.inputs)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = self(x)[:, element]
        return tape.gradient(value, x).numpy()


@pytest.fixture(scope="module")
def dense_and_conv():
    x = keras.Input((9, 9, 2))
    y = layers.Conv2D(4, 3, 2, "same", activation="relu")(x)
    y = layers.Conv2D(5, 3, activation="relu")(y)
    y = layers.Dense(6, activation="relu")(layers.Flatten()(y))
    return Live(x, layers.Dense(4)(y), "logits")


@pytest.fixture(scope="module")
def transposed():
    x = keras.Input((7, 6, 1))
    y = layers.Conv2D(3, 4, 2, "same", activation="relu")(x)
    y = layers.Dense(18, activation="relu")(layers.Flatten()(y))
    y = layers.Reshape((2, 3, 3))(y)
    y = layers.Conv2DTranspose(4, 3, 2, "same", activation="relu")(y)
    y = layers.Conv2DTranspose(3, 2, 3, "valid", activation="relu")(y)
    return Live(x, layers.Conv2DTranspose(2, 4, 2, "same")(y), "logits", seed=4)


@pytest.fixture(scope="module")
def routes():
    x = keras.Input((6, 7, 2))
    y = layers.UpSampling2D((2, 3))(layers.ZeroPadding2D(((1, 2), (0, 1)))(x))
    a = layers.Conv2D(4, 3, activation="relu", dilation_rate=2)(y)
    b = layers.Conv2D(4, 5, activation="relu")(y)
    y = layers.MaxPooling2D(2)(layers.Concatenate()([a, b]))
    y = layers.Permute((3, 1, 2))(y)
    return Live(x, layers.Dense(3)(layers.Flatten()(y)), "logits")


@pytest.fixture(scope="module")
def bilinear():
    x = keras.Input((3, 4, 2))
    y = layers.Conv2D(3, 2, activation="relu")(x)
    y = layers.UpSampling2D((2, 3), interpolation="bilinear")(y)
    y = layers.DepthwiseConv2D(3, depth_multiplier=2, activation="elu")(y)
    return Live(x, layers.Dense(3)(layers.Flatten()(y)), "logits")


@pytest.fixture(scope="module")
def branches():
    x = keras.Input((8, 8, 2))
    a = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.Activation("relu")(layers.Add()([a, layers.Conv2D(4, 3, padding="same")(a)]))
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(layers.AveragePooling2D(2)(y))
    y = layers.GlobalAveragePooling2D()(y)
    return Live(x, layers.Dense(3)(y), "logits")


@pytest.fixture(scope="module")
def normalised():
    x = keras.Input((8, 8, 2))
    y = layers.Rescaling(2.0, -1.0)(x)
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(y))
    y = layers.BatchNormalization()(layers.Activation("relu")(y))  # not foldable: alone
    y = layers.BatchNormalization()(layers.MaxPooling2D()(y))
    y = layers.Conv2DTranspose(3, 3, 2, "same", use_bias=False)(y)
    y = layers.Activation("relu")(layers.BatchNormalization()(y))
    return Live(x, layers.Dense(3)(layers.Flatten()(y)), "logits")


@pytest.fixture(scope="module")
def leaky():
    x = keras.Input((4, 4, 1))
    y = layers.LeakyReLU()(layers.Conv2D(3, 3, 2, "same")(x))
    return Live(x, layers.Dense(2)(layers.Flatten()(y)), "logits")


# The default of iNNvestigate's epsilon is 1e-7, and that of LRP 1e-6.
EPSILON = {"epsilon": 1e-3}
RULES = {
    "lrp.z": "zero",
    "lrp.epsilon": "epsilon",
    "lrp.w_square": "w_square",
    "lrp.flat": "flat",
}


def check_equal_to_lrp(live, analyzer, target, **checks):
    options = EPSILON if analyzer == "lrp.epsilon" else {}
    method = INNvestigate(live.graph, analyzer, {**options, **checks})
    found = method(live.inputs, target, batch_size=4)
    native = LRP(live.graph, RULES[analyzer], **options)(live.inputs, target)
    scale = np.abs(native.values).max()
    assert scale > 1e-3 and found.values.shape == native.values.shape
    np.testing.assert_allclose(found.values, native.values, rtol=0, atol=1e-5 * scale)
    np.testing.assert_allclose(
        found.convergence_delta, native.convergence_delta, rtol=0, atol=1e-4 * scale
    )


@pytest.mark.parametrize("analyzer", RULES)
def test_equal_to_lrp_on_dense_and_transposed_convolutions(transposed, analyzer):
    check_equal_to_lrp(transposed, analyzer, Unit("logits", 1, 5, 7))


def test_equal_to_lrp_for_a_family(dense_and_conv):
    check_equal_to_lrp(dense_and_conv, "lrp.epsilon", ClassLogit.all())


def test_equal_to_lrp_past_layers_that_only_move_values(routes):
    check_equal_to_lrp(routes, "lrp.flat", ClassLogit(1))


def test_equal_to_lrp_on_branches_and_pools(branches):
    with pytest.raises(
        UsageError, match=r"only tested for conv.*\[DepthwiseConv2D\].*checks': True"
    ):
        check_equal_to_lrp(branches, "lrp.z", CLASS)
    check_equal_to_lrp(branches, "lrp.z", CLASS, disable_model_checks=True)


def test_batch_normalisation_is_handed_over_so_that_innvestigate_does_it_right(normalised):
    check_equal_to_lrp(normalised, "lrp.epsilon", ClassLogit(2))


def test_the_gradient(transposed, normalised, bilinear):
    for live, target, element in (
        (transposed, Output("logits", (4, 2, 1)), (4 * 36 + 2) * 2 + 1),
        (normalised, ClassLogit(0), 0),
        (bilinear, ClassLogit(2), 2),
    ):
        expected = live.gradient(element)
        found = INNvestigate(live.graph, "gradient")(live.inputs, target)
        assert found.convergence_delta is None
        scale = np.abs(expected).max()
        assert scale > 1e-3
        np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-5 * scale)


def test_input_times_gradient(normalised):
    expected = normalised.inputs * normalised.gradient(1)
    found = INNvestigate(normalised.graph, "input_t_gradient")(normalised.inputs, ClassLogit(1))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-5 * scale)


def test_lrp_z_is_gradient_times_input(dense_and_conv):
    # True of networks of ReLU with biases too, when the bias is in the denominator only.
    found = INNvestigate(dense_and_conv.graph, "lrp.z")(dense_and_conv.inputs, ClassLogit(1))
    expected = dense_and_conv.inputs * dense_and_conv.gradient(1)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-5 * scale)
    logits = dense_and_conv(dense_and_conv.inputs)[:, 1]
    delta = expected.sum((1, 2, 3)) - logits
    np.testing.assert_allclose(found.convergence_delta, delta, rtol=0, atol=1e-4)


def test_families_and_own_classes(dense_and_conv):
    method = INNvestigate(dense_and_conv.graph)
    family = method(dense_and_conv.inputs, ClassLogit.all(), batch_size=3)
    assert family.values.shape == (7, 4, 9, 9, 2) and family.convergence_delta.shape == (7, 4)
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    own = method(dense_and_conv.inputs, ClassLogit(labels), batch_size=2)
    np.testing.assert_allclose(own.values, family.values[np.arange(7), labels], atol=1e-6)
    np.testing.assert_allclose(
        own.convergence_delta, family.convergence_delta[np.arange(7), labels], atol=1e-5
    )
    one = method(dense_and_conv.inputs, ClassLogit(2))
    np.testing.assert_allclose(one.values, family.values[:, 2], atol=1e-6)
    assert one.settings["analyzer"] == "lrp.epsilon" and one.settings["options"] == {}


def test_relevance_starts_at_the_logits(dense_and_conv):
    live = dense_and_conv

    def outputs(image):
        return {
            "logits": live.model(image),
            "probabilities": tf.nn.softmax(live.model(image)),
            "image": (tf.tanh(tf.reshape(live.model(image), (-1, 2, 2, 1))) + 1) / 2,
            "fake": 1 - tf.sigmoid(live.model(image)),
        }

    spec = tf.TensorSpec((None, 9, 9, 2), tf.float32, name="image")
    graph = Graph.from_function(
        tf.function(outputs, input_signature=[spec]).get_concrete_function()
    )
    method = INNvestigate(graph)
    logit = method(live.inputs, ClassLogit(2))
    assert np.abs(logit.values).max() > 1e-2
    for target, sign in (
        (Output("probabilities", 2), 1),
        (Output("image", (1, 0, 0)), 1),
        (Output("fake", 2), -1),
    ):
        found = method(live.inputs, target)
        np.testing.assert_allclose(found.values, sign * logit.values, rtol=0, atol=1e-6)
        delta = sign * logit.convergence_delta
        np.testing.assert_allclose(found.convergence_delta, delta, rtol=0, atol=1e-5)


def test_a_split_output_has_its_elements_in_the_layer_before(dense_and_conv):
    def encode(image):
        mean, logvar = tf.split(dense_and_conv.model(image), 2, axis=1)
        return {"mean": mean, "logvar": logvar}

    spec = tf.TensorSpec((None, 9, 9, 2), tf.float32, name="image")
    graph = Graph.from_function(tf.function(encode, input_signature=[spec]).get_concrete_function())
    found = INNvestigate(graph)(dense_and_conv.inputs, Output("logvar", 1)).values
    expected = INNvestigate(dense_and_conv.graph)(dense_and_conv.inputs, ClassLogit(3)).values
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.fixture
def caught(monkeypatch):
    """The warnings of a call, which iNNvestigate need not answer for that."""

    def explain(job, network):
        count, shape = job.arrays["elements"].shape, job.arrays["inputs"].shape[1:]
        return Message(
            {}, {"values": np.zeros((*count[::-1], *shape)), "outputs": np.zeros((7, 4))}
        )

    monkeypatch.setattr(WORKER, "explain", explain)

    def call(method, live, target):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            method(live.inputs, target)
        assert all(w.filename == __file__ for w in found)
        return [str(w.message) for w in found if w.category is INNvestigateWarning]

    return call


def test_it_warns_once_where_innvestigate_is_wrong(leaky, dense_and_conv, caught):
    lrp = INNvestigate(leaky.graph)
    (said,) = caught(lrp, leaky, ClassLogit(0))
    assert "lrp.epsilon is wrong" in said and "LeakyReLU" in said
    assert not caught(lrp, leaky, ClassLogit(1))
    assert not caught(INNvestigate(leaky.graph, "gradient"), leaky, ClassLogit(0))
    for analyzer in ("lrp.alpha_1_beta_0", "lrp.alpha_beta", "lrp.sequential_preset_b_flat"):
        (said,) = caught(INNvestigate(dense_and_conv.graph, analyzer), dense_and_conv, CLASS)
        assert "biases" in said and "LeakyReLU" not in said
    for analyzer in ("lrp.alpha_1_beta_0_IB", "lrp.z", "deep_taylor", "gradient"):
        assert not caught(INNvestigate(dense_and_conv.graph, analyzer), dense_and_conv, CLASS)


def test_a_leaky_relu_loses_relevance_as_the_warning_says(leaky):
    """By hand: the first layer gets R times the slope, where LRP hands on R."""
    with pytest.warns(INNvestigateWarning):
        found = INNvestigate(leaky.graph, "lrp.flat")(leaky.inputs, ClassLogit(0))
    z = leaky.model.layers[1](leaky.inputs).numpy().reshape(7, -1)
    # The flat rule gives every input of the dense layer the same share of the logit.
    share = leaky(leaky.inputs).numpy()[:, :1] / z.shape[1]
    kept = (share * np.where(z > 0, 1.0, leaky.model.layers[2].negative_slope)).sum(1)
    np.testing.assert_allclose(found.values.sum((1, 2, 3)), kept, rtol=1e-4)


def test_options_reach_the_analyzer(dense_and_conv):
    """The box rule of Montavon et al. 2017 for the layer that reads the image."""
    live = dense_and_conv
    options = {"rule": "Flat", "input_layer_rule": [0, 1]}
    found = INNvestigate(live.graph, "lrp", options)(live.inputs, CLASS)
    first = next(layer.name for layer in live.graph.layers if layer.kind == "Conv2D")
    native = LRP(live.graph, "flat", layers={first: "box"})(live.inputs, CLASS)
    scale = np.abs(native.values).max()
    np.testing.assert_allclose(found.values, native.values, rtol=0, atol=1e-5 * scale)


def test_what_innvestigate_refuses(leaky, dense_and_conv):
    inputs = leaky.inputs
    with pytest.raises(UsageError, match=r"only supports ReLU.*layers: \[LeakyReLU\]"):
        INNvestigate(leaky.graph, "deep_taylor")(inputs, ClassLogit(0))
    preset = INNvestigate(leaky.graph, "lrp.sequential_preset_a", {"epsilon": 0.1})
    with (
        pytest.warns(INNvestigateWarning),
        pytest.raises(UsageError, match=r"not advised for networks with non-ReLU"),
    ):
        preset(inputs, ClassLogit(0))
    with pytest.raises(UsageError, match="epsilon must be > 0"):
        INNvestigate(dense_and_conv.graph, options={"epsilon": 0})(
            dense_and_conv.inputs, ClassLogit(0)
        )


def test_what_it_cannot_hand_over(dense_and_conv):
    spec = tf.TensorSpec((None, 4, 4, 1), tf.float32, name="image")

    def graph(function):
        return Graph.from_function(
            tf.function(function, input_signature=[spec]).get_concrete_function()
        )

    kernel = tf.ones((3, 3, 1, 2))
    summed = graph(lambda x: {"logits": tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME"), [1, 2])})
    inputs = np.ones((2, 4, 4, 1), np.float32)
    with pytest.raises(UsageError, match="no layer for Sum as '.*' uses it: .*LRP"):
        INNvestigate(summed)(inputs, ClassLogit(0))


def test_bad_calls(dense_and_conv, transposed):
    graph = dense_and_conv.graph
    pid = WORKER.pid
    with pytest.raises(UsageError, match=r"'lrp\.epsilom'; try lrp\.epsilon"):
        INNvestigate(graph, "lrp.epsilom")
    with pytest.raises(UsageError, match=ANALYZERS[0]):
        INNvestigate(graph, 3)
    with pytest.raises(UsageError, match="numbers, texts, or lists"):
        INNvestigate(graph, options={"rule": keras.layers.Dense})
    with pytest.raises(UsageError, match="not masked pixels: use LRP"):
        INNvestigate(transposed.graph)(
            transposed.inputs, Pixels(np.ones((24, 36)), output="logits")
        )
    with pytest.raises(UsageError, match="not reconstruction error: use LRP"):
        INNvestigate(transposed.graph)(
            transposed.inputs, ReconstructionError(np.ones((7, 24, 36, 2)), output="logits")
        )
    assert WORKER.pid == pid
