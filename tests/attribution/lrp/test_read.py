"""What is read from a graph computes what the graph does, or is refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.attribution.conftest import freeze
from tests.attribution.lrp.architectures import randomise
from tfgenxai.attribution import LRP
from tfgenxai.attribution.lrp import read
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import Output


def network_of(graph, **target):
    source = next(iter(graph.inputs.values()))
    target = target.get("target", next(iter(graph.outputs.values())))
    return read.read(graph, source, target)


def check(network, function, inputs):
    for count in (1, 2, len(inputs)):
        found = network.forward(tf.constant(inputs[:count])).numpy()
        expected = np.asarray(function(tf.constant(inputs[:count])))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def kinds(network):
    return [step.options.get("how", step.kind) for step in network.steps]


def drawn(shape, count=4):
    return np.random.default_rng(1).random((count, *shape)).astype(np.float32)


IMAGE = (6, 5, 4)
KERAS = {
    "conv": ([layers.Conv2D(3, 3, 2, "same")], ["conv"]),
    "conv, normalised": ([layers.Conv2D(3, 3), layers.BatchNormalization()], ["conv"]),
    "conv, dilated": (
        [layers.Conv2D(3, 3, padding="same", dilation_rate=2), layers.BatchNormalization()],
        ["conv"],
    ),
    "conv, dilated, valid": ([layers.Conv2D(3, 2, dilation_rate=3)], ["conv"]),
    "depthwise, normalised": (
        [layers.DepthwiseConv2D(3, 2, depth_multiplier=2), layers.BatchNormalization()],
        ["depthwise"],
    ),
    "depthwise, dilated": ([layers.DepthwiseConv2D(2, dilation_rate=2)], ["depthwise"]),
    "separable": ([layers.SeparableConv2D(3, 3, padding="same")], ["depthwise", "conv"]),
    "transposed, normalised": (
        [layers.Conv2DTranspose(3, 3, 2, "same"), layers.BatchNormalization()],
        ["conv_transpose"],
    ),
    "transposed, valid": ([layers.Conv2DTranspose(2, (3, 2), (2, 1))], ["conv_transpose"]),
    "dense of places": ([layers.Dense(3, activation="relu")], ["dense", "activation"]),
    "normalised after the activation": (
        [layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization()],
        ["conv", "activation", "affine"],
    ),
    "normalised along another axis": (
        [layers.Conv2D(3, 3), layers.BatchNormalization(axis=1)],
        ["conv", "affine"],
    ),
    "rescaled and normalised": (
        [
            layers.Rescaling(2.0, -1.0),
            layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0]),
            layers.Conv2D(3, 3),
        ],
        ["affine", "conv"],
    ),
    "flattened and normalised": (
        [layers.Conv2D(3, 3), layers.Flatten(), layers.BatchNormalization()],
        ["conv", "reshape", "affine"],
    ),
    "activations": (
        [
            *map(layers.Activation, ("relu6", "selu", "softplus", "softsign", "elu", "tanh")),
            layers.ReLU(max_value=0.5),
            layers.Activation("sigmoid"),
        ],
        ["activation"] * 6 + ["activation"] * 3 + ["activation"],
    ),
    "PReLU": ([layers.PReLU()], ["activation", "affine", "activation", "affine", "add"]),
    "hard sigmoid": (
        [layers.Activation("hard_sigmoid")],
        ["affine", "activation", "affine"],
    ),
    "softmax": (
        [layers.Flatten(), layers.Dense(3, activation="softmax")],
        ["reshape", "dense", "activation"],
    ),
    "max pooling": ([layers.MaxPooling2D(2, padding="same")], ["max_pool"]),
    "average pooling": ([layers.AveragePooling2D((3, 2), 2, "same")], ["average_pool"]),
    "mean of places": ([layers.GlobalAveragePooling2D()], ["mean"]),
    "mean of places, kept": ([layers.GlobalAveragePooling2D(keepdims=True)], ["mean"]),
    "greatest place": ([layers.GlobalMaxPooling2D()], ["reshape", "max_pool", "reshape"]),
    "nearest": (
        [layers.UpSampling2D((2, 1))],
        ["reshape", "tile", "reshape", "reshape", "tile", "reshape"],
    ),
    "bilinear": ([layers.UpSampling2D(2, interpolation="bilinear")], ["resize"]),
    "cropped, padded, turned": (
        [layers.Cropping2D(1), layers.ZeroPadding2D((2, 1)), layers.Permute((2, 1, 3))],
        ["slice", "pad", "transpose"],
    ),
    "dropout": ([layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.Flatten()], ["reshape"]),
}
SEQUENCE = {
    "conv 1D, normalised": (
        [layers.Conv1D(3, 3, 2, "same"), layers.BatchNormalization()],
        ["reshape", "conv", "reshape"],
    ),
    "conv 1D, causal": ([layers.Conv1D(3, 3, padding="causal")], ["pad", "reshape", "conv"]),
    "transposed 1D": (
        [layers.Conv1DTranspose(3, 3, 2, "same"), layers.BatchNormalization()],
        ["reshape", "conv_transpose", "reshape"],
    ),
    "dense of places": ([layers.Dense(3), layers.BatchNormalization()], ["dense"]),
    "einsum": (
        [layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")],
        ["dense"],
    ),
    "pooling 1D": (
        [layers.MaxPooling1D(2), layers.AveragePooling1D(2)],
        ["reshape", "max_pool", "reshape", "reshape", "average_pool", "reshape"],
    ),
    "repeated": ([layers.Flatten(), layers.RepeatVector(2)], None),
}


@pytest.mark.parametrize(
    ("shape", "made", "expected"),
    [
        *(pytest.param(IMAGE, *value, id=name) for name, value in KERAS.items()),
        *(pytest.param((7, 4), *value, id=f"1D {name}") for name, value in SEQUENCE.items()),
    ],
)
def test_keras_layers(shape, made, expected):
    model = keras.Sequential([keras.Input(shape), *made])
    randomise(model, 2)
    network = network_of(Graph.from_keras(model))
    check(network, model, drawn(shape))
    if expected is not None:
        assert kinds(network)[: len(expected)] == expected
        assert len(network.steps) <= len(expected) + 1


def fixed(image):
    """A normalisation as TensorFlow 1 and tf-keras compute it, after a convolution and alone."""
    weights = np.random.default_rng(3).normal(size=(2, 2, 4, 3)).astype(np.float32)
    image = tf.nn.conv2d(image, weights, 1, "SAME")
    for activation in (tf.nn.relu, tf.identity):
        image = tf.raw_ops.FusedBatchNormV3(
            x=image,
            scale=tf.constant([1.0, 0.5, -2.0]),
            offset=tf.constant([0.1, 0.2, 0.3]),
            mean=tf.constant([0.3, 0.2, -0.1]),
            variance=tf.constant([0.5, 2.0, 1.0]),
            epsilon=0.01,
            is_training=False,
        ).y
        image = activation(image)
    return image


FUNCTIONS = {
    "fused normalisations": (fixed, ["conv", "activation", "affine"]),
    "slices": (lambda x: tf.stack([2 * x[:, 0, ..., :3], x[:, -1, :, 1:] - 1], -1), None),
    "slices with steps": (lambda x: x[:, ::-2, 1:4:2, tf.newaxis, -1], ["slice"]),
    "begin and size": (lambda x: tf.slice(x, [0, 1, 0, 2], [-1, 3, 5, 1]), ["slice"]),
    "split": (
        lambda x: tf.concat(tf.split(x, [1, 3], -1)[::-1], -1),
        ["slice", "slice", "concat"],
    ),
    "even split": (lambda x: tf.add_n(tf.split(x, 2, -1)), ["slice", "slice", "add"]),
    "unstack": (lambda x: tf.add_n(tf.unstack(x, axis=1)), None),
    "gather": (lambda x: tf.gather(x, [3, 0, 0], axis=-1), ["gather"]),
    "pads": (
        lambda x: tf.pad(
            tf.pad(x, [[0, 0], [1, 2], [0, 0], [0, 0]], "REFLECT"),
            [[0, 0], [0, 0], [2, 1], [0, 0]],
            constant_values=0.5,
        ),
        ["pad", "pad"],
    ),
    "tile and broadcast": (
        lambda x: tf.tile(x, [1, 2, 1, 1]) + x[:, :1, :1] * 2 + x[:, :1, :1, :1],
        None,
    ),
    "broadcast to": (lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)), ["slice", "broadcast"]),
    "blocks": (
        lambda x: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2), 2),
        ["depth_to_space", "space_to_depth"],
    ),
    "nearest": (lambda x: tf.image.resize(x, (9, 4), method="nearest"), ["nearest"]),
    "bilinear": (lambda x: tf.image.resize(x, (4, 8)), ["resize"]),
    "bilinear, corners aligned": (
        lambda x: tf.compat.v1.image.resize_bilinear(x, (4, 8), align_corners=True),
        ["resize"],
    ),
    "explicit padding": (
        lambda x: tf.nn.conv2d(x, tf.ones((2, 2, 4, 1)), 2, [[0, 0], [1, 0], [2, 3], [0, 0]]),
        ["conv"],
    ),
    "matrices": (
        lambda x: (
            tf.einsum("nhwc,cd->nhwd", x, tf.reshape(tf.range(8.0), (4, 2))) @ tf.ones((1, 1, 2, 3))
        ),
        ["dense", "dense"],
    ),
    "transposed matrix": (
        lambda x: tf.matmul(tf.reshape(x, (-1, 120)), tf.ones((2, 120)), transpose_b=True),
        ["reshape", "dense"],
    ),
    "arithmetic": (
        lambda x: (3.0 - x) / tf.constant([1.0, 2.0, 4.0, 8.0]) + -x - 2 * x,
        ["affine", "affine", "add", "affine", "add"],
    ),
    "sum": (lambda x: tf.reduce_sum(x, [1, 3]), ["sum"]),
    "clipped": (
        lambda x: tf.clip_by_value(x, 0.2, 0.6),
        ["activation", "activation"],
    ),
    "constants": (
        lambda x: tf.concat([x, tf.zeros_like(x), tf.fill((tf.shape(x)[0], 6, 5, 1), 2.0)], -1),
        ["constant", "constant", "concat"],
    ),
    "learned map": (
        lambda x: x + tf.reshape(tf.range(120.0), (1, 6, 5, 4)),
        ["affine"],
    ),
    "constant that enlarges": (
        lambda x: x[:, :1] * tf.reshape(tf.range(6.0), (6, 1, 1)),
        ["slice", "broadcast", "affine"],
    ),
    "whole numbers": (lambda x: tf.cast(x, tf.float32) * 2, None),
    "the shape of a value": (
        lambda x: tf.reshape(x, tf.stack([tf.shape(tf.round(x * 9))[0], 30, 4])),
        ["reshape"],
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, expected = FUNCTIONS[name]
    graph = freeze(lambda x: {"y": function(x)}, tf.TensorSpec((None, *IMAGE), name="x"))
    network = network_of(graph)
    check(network, function, drawn(IMAGE))
    if expected is not None:
        assert sorted(kinds(network)) == sorted(expected)


def test_a_kernel_that_others_read_keeps_its_value():
    x = keras.Input(IMAGE)
    shared = layers.Conv2D(3, 3)(x)
    both = layers.Add()([layers.BatchNormalization()(shared), shared])
    model = keras.Model(x, both)
    randomise(model, 4)
    network = network_of(Graph.from_keras(model))
    assert kinds(network) == ["conv", "affine", "add"]
    check(network, model, drawn(IMAGE))


def test_names_are_those_of_the_layers(encoder):
    network = network_of(encoder.graph, target=encoder.graph.outputs["mean"])
    named = [(step.kind, step.layer) for step in network.steps]
    assert named == [
        ("conv", "conv_0"),
        ("activation", "act_0"),
        ("conv", "conv_1"),
        ("activation", "act_1"),
        ("route", "flat"),
        ("dense", "mu"),
    ]
    assert network.shapes[0] == (12, 12, 1) and network.shapes[-1] == (5,)
    assert [step.inputs for step in network.steps] == [(place,) for place in range(6)]


def test_half_precision_is_computed_in_single():
    for policy, tolerance in (("mixed_float16", 0.01), ("mixed_bfloat16", 0.05)):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            model = keras.Sequential(
                [keras.Input(IMAGE), layers.Conv2D(3, 3), layers.BatchNormalization()]
            )
        finally:
            keras.config.set_dtype_policy(before)
        randomise(model, 5)
        network = network_of(Graph.from_keras(model))
        images = drawn(IMAGE)
        found = network.forward(tf.constant(images)).numpy()
        expected = np.asarray(tf.cast(model(images), tf.float32))
        assert found.dtype == np.float32 and kinds(network) == ["conv"]
        np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())


def test_where_the_logits_are(decoder):
    logits, image = (decoder.graph.outputs[name] for name in ("logits", "image"))
    network = network_of(decoder.graph, target=image)
    assert network.shapes[network.logits] == (12, 12, 1)
    assert network.steps[network.logits].options == {"name": "sigmoid"}
    network = network_of(decoder.graph, target=logits)
    assert network.logits == network.output
    spec = tf.TensorSpec((None, 4), name="x")
    for function, place in [
        (lambda x: (tf.tanh(x[:, :2]) + 1) / 2, 1),
        (lambda x: tf.reshape(1 - tf.sigmoid(2 * x), (-1, 2, 2)), 1),
        (lambda x: 1 + tf.nn.log_softmax(x), 0),
        (lambda x: tf.clip_by_value(tf.tanh(2 * x), 0.0, 1.0), 1),
        (lambda x: tf.nn.relu(2 * tf.tanh(x)), 3),
        (lambda x: 2 * x, 1),
    ]:
        network = network_of(freeze(lambda x, f=function: {"y": f(x)}, spec))
        assert network.logits == place


W = tf.ones((4, 4))
REFUSED = {
    "gelu": (tf.nn.gelu, "no rule for Erfc? in layer"),
    "swish": (tf.nn.silu, "no rule for Mul in layer .*multiplies two computed values"),
    "exp": (tf.exp, "no rule for Exp in layer 'Exp'"),
    "scores": (lambda x: tf.matmul(x, x, transpose_b=True), "MatMul.*multiplies two computed"),
    "weights that are no attention": (
        lambda x: tf.matmul(tf.nn.relu(x @ W @ tf.ones((4, 6))), x),
        "MatMul.*multiplies two computed",
    ),
    "attention to itself": (
        lambda x: tf.matmul(tf.nn.softmax(x), tf.nn.softmax(x), transpose_b=True),
        "Softmax .*is not the last",
    ),
    "matrix from the input": (lambda x: tf.ones((1, 3, 6)) @ x, "computed from the input"),
    "matrices of a batch": (
        lambda x: tf.matmul(tf.transpose(x, (1, 0, 2)), x[:1] @ W, False, True),
        "mixes the samples|takes samples",
    ),
    "division": (lambda x: x / tf.reduce_sum(x, -1, True), "RealDiv .*divides by a computed"),
    "softmax inside": (lambda x: tf.nn.softmax(x) @ W, "Softmax .*is not the last"),
    "mean of the batch": (lambda x: x - tf.reduce_mean(x, 0), "Mean .*mixes the samples"),
    "reshaped batch": (lambda x: tf.reshape(x, (-1, 2, 4)), "Reshape .*mixes the samples"),
    "turned batch": (lambda x: tf.transpose(x, (1, 0, 2)), "Transpose .*mixes the samples"),
    "first sample": (lambda x: x - x[:1], "StridedSlice .*takes samples"),
    "order": (lambda x: tf.cast(tf.argmax(x, -1), tf.float32), "no rule for ArgMax"),
    "rounded": (lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), "Cast .*rounds"),
    "maximum of two": (lambda x: tf.maximum(x, 2 * x), "Maximum .*compares computed"),
    "lookup": (lambda x: tf.gather(W, tf.cast(x, tf.int32)), "LRP has no rule for"),
    "sums of one factor": (lambda x: tf.einsum("nab,nac->nc", x, x), "of one factor alone"),
    "greatest channel": (lambda x: tf.reduce_max(x, -1), "Max .*more or less than the places"),
    "bilinear form": (lambda x: tf.einsum("nab,nac->nbc", x, x), "no rule for"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule(name):
    function, message = REFUSED[name]
    graph = freeze(lambda x: {"y": function(x)}, tf.TensorSpec((None, 6, 4), name="x"))
    with pytest.raises(UsageError, match=message):
        network_of(graph)


def test_convolutions_in_groups_have_no_rule():
    model = keras.Sequential([keras.Input(IMAGE), layers.Conv2D(4, 3, groups=2)])
    with pytest.raises(UsageError, match="Conv2D in layer .*is a convolution in groups"):
        network_of(Graph.from_keras(model))


def test_the_target_must_depend_on_the_source(decoder):
    (source,) = decoder.graph.inputs.values()
    with pytest.raises(UsageError, match="does not depend on"):
        read.read(decoder.graph, decoder.graph.outputs["image"], source)


@pytest.fixture(scope="module")
def conditional():
    """A code and a label's own map are joined, and a label's scale is added or multiplied."""

    def decode(z, label):
        spread = tf.one_hot(label, 3)
        y = tf.nn.relu(tf.concat([z, spread], -1) @ tf.reshape(tf.sin(tf.range(56.0)), (7, 8)))
        shift = tf.gather(tf.reshape(tf.cos(tf.range(24.0)), (3, 8)), label)
        return {"sum": y + shift, "product": y * shift, "label": spread}

    specs = [tf.TensorSpec((None, 4), name="z"), tf.TensorSpec((None,), tf.int64, name="label")]
    return freeze(decode, *specs), decode


def test_other_inputs_become_side_inputs(conditional):
    graph, decode = conditional
    network = network_of(graph, target=graph.outputs["sum"])
    sides = [step for step in network.steps if step.kind == "side"]
    assert [step.options["depends"] for step in sides] == ["label", "label"]
    z, label = drawn((4,)), np.array([2, 0, 1, 1])
    fed = [graph.inputs["label"].name.removesuffix(":0")]
    values = graph.function(fed, [graph.graph.get_tensor_by_name(n) for n in network.sides])(label)
    found = network.forward(tf.constant(z), dict(zip(network.sides, values, strict=True)))
    np.testing.assert_allclose(found, decode(z, label)["sum"], rtol=1e-5, atol=1e-6)


def test_a_product_with_another_input_scales(conditional):
    """What does not depend on the source is held: LRP-0 is the gradient times the input."""
    graph, decode = conditional
    z, label = drawn((4,)), np.array([2, 0, 1, 1])
    given = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = decode(given, label)["product"]
    expected = tape.batch_jacobian(found, given).numpy() * z[:, None]
    relevance = LRP(graph, "zero", wrt="z")({"z": z, "label": label}, Output("product"))
    np.testing.assert_allclose(relevance.values, expected, rtol=1e-4, atol=1e-5)
    total = relevance.values.sum(axis=2) + sum(relevance.delta_parts.values())
    np.testing.assert_allclose(total, found, rtol=1e-4, atol=1e-5)
