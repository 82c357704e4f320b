"""Guided backpropagation, deconvnet and Guided Grad-CAM."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given

from tests.attribution.conftest import code_spec, freeze, image_spec
from tests.attribution.live import ACTIVATIONS, EXAMPLES, build, gradient, pictures, recipes
from tfgenxai.attribution import Deconvnet, GuidedBackprop, GuidedGradCAM, Saliency
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    Output,
    Pixels,
    ReconstructionError,
)

#: derivatives of rectifiers where they are active
SLOPES = {
    "relu": lambda x: 1.0,
    "relu6": lambda x: tf.cast(x < 6, tf.float32),
    "leaky_relu": lambda x: 1.0,
    "elu": lambda x: 1.0,
    "selu": lambda x: 1.0507009873554805,
}


def live(method):
    """The activations of live models with the gradients of this method."""

    def changed(name, function):
        @tf.custom_gradient
        def activation(x):
            def back(g):
                if method is Deconvnet:
                    return tf.where(g > 0, g, 0.0)
                return tf.where((g > 0) & (x > 0), g * SLOPES[name](x), 0.0)

            return function(x), back

        return activation

    return {
        name: changed(name, function) if name in SLOPES else function
        for name, function in ACTIVATIONS.items()
    }


def numpy_network(rng):
    """Weights of conv 3x3 -> ReLU -> dense -> ReLU -> dense, for images (6, 6, 1)."""
    shapes = {"k": (3, 3, 1, 2), "b": (2,), "d": (32, 5), "e": (5,), "o": (5, 2)}
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def by_hand(w, image, unit, rule):
    """Forward and backward of one image in plain loops, float64."""
    maps = np.zeros((4, 4, 2))
    for y, x, c in np.ndindex(maps.shape):
        patch = image[y : y + 3, x : x + 3, 0].astype(np.float64)
        maps[y, x, c] = np.sum(patch * w["k"][:, :, 0, c]) + w["b"][c]
    hidden = np.maximum(maps, 0).ravel() @ w["d"] + w["e"]
    back = rule(w["o"][:, unit].astype(np.float64), hidden)
    back = rule((w["d"] @ back).reshape(maps.shape), maps)
    found = np.zeros((6, 6, 1))
    for y, x, c in np.ndindex(maps.shape):
        found[y : y + 3, x : x + 3, 0] += back[y, x, c] * w["k"][:, :, 0, c]
    return found


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        (GuidedBackprop, lambda g, x: g * (g > 0) * (x > 0)),
        (Deconvnet, lambda g, x: g * (g > 0)),
        (Saliency, lambda g, x: g * (x > 0)),  # so that the loops are right
    ],
)
def test_by_hand(method, rule):
    rng = np.random.default_rng(2)
    w = numpy_network(rng)

    def network(image):
        maps = tf.nn.relu(tf.nn.conv2d(image, w["k"], 1, "VALID") + w["b"])
        return {"y": tf.nn.relu(tf.reshape(maps, (-1, 32)) @ w["d"] + w["e"]) @ w["o"]}

    graph = freeze(network, tf.TensorSpec((None, 6, 6, 1), name="image"))
    images = rng.random((3, 6, 6, 1), dtype=np.float32)
    expected = [[by_hand(w, image, unit, rule) for unit in (0, 1)] for image in images]
    options = {"signed": True} if method is Saliency else {}
    found = method(graph, **options)(images, Output("y"), batch_size=2)
    assert found.values.dtype == np.float32 and found.convergence_delta is None
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    one = method(graph, **options)(images, Output("y", 1)).values
    np.testing.assert_allclose(one, found.values[:, 1], rtol=1e-5, atol=1e-6)


def gradients_of_outputs(model, x):
    """(N, 3, ...), one backward pass for each of three outputs."""
    return np.stack([gradient(lambda x, k=k: model(x)[:, k], x) for k in range(3)], axis=1)


@EXAMPLES
@given(recipe=recipes())
def test_live_models_with_such_gradients(recipe):
    if recipe["hidden"] not in SLOPES:
        recipe = {**recipe, "hidden": "relu6"}
    model, x = build(recipe), pictures(recipe, 3)
    graph, target = Graph.from_keras(model), Output(model.layers[-1].name)
    for method in (GuidedBackprop, Deconvnet):
        expected = gradients_of_outputs(build(recipe, live(method)), x)
        found = method(graph)(x, target, batch_size=2).values
        scale = np.abs(expected).max() + 1e-30
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("method", [GuidedBackprop, Deconvnet])
def test_decoders_and_the_model_of_the_target(method):
    """Transposed convolutions, and the ReLUs of the classifier that judges the image."""

    def models(relu):
        keras.utils.set_random_seed(5)
        decoder = keras.Sequential(
            [
                keras.Input((5,)),
                keras.layers.Dense(3 * 3 * 4, activation=relu),
                keras.layers.Reshape((3, 3, 4)),
                keras.layers.Conv2DTranspose(4, 3, 2, "same", activation=relu),
                keras.layers.Conv2DTranspose(1, 3, 2, "same", activation="sigmoid"),
            ]
        )
        judge = keras.Sequential(
            [
                keras.Input((12, 12, 1)),
                keras.layers.Conv2D(4, 3, activation=relu),
                keras.layers.Flatten(),
                keras.layers.Dense(3),
            ]
        )
        return decoder, judge

    decoder, judge = models(tf.nn.relu)
    graph = freeze(lambda z: {"image": decoder(z)}, code_spec())
    scorer = freeze(lambda image: {"logits": judge(image)}, image_spec())
    decoder, judge = models(live(method)["relu"])
    z = np.random.default_rng(3).normal(size=(5, 5)).astype(np.float32)
    mask = np.zeros((12, 12), np.float32)
    mask[2:5, 7:] = 1
    made = method(graph)

    found = made(z, Pixels(mask), batch_size=2).values
    expected = gradient(lambda z: decoder(z) * mask[..., None], z)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

    found = made(z, ClassLogit(1, model=scorer), batch_size=2).values
    expected = gradient(lambda z: judge(decoder(z))[:, 1], z)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    plain = Saliency(graph, signed=True)(z, ClassLogit(1, model=scorer)).values
    assert np.abs(found - plain).max() > 0.1 * np.abs(plain).max()

    family = made(z, ClassLogit.all(model=scorer)).values
    np.testing.assert_allclose(family[:, 1], found, rtol=1e-4, atol=1e-7)
    made(z, ClassLogit(2, model=scorer))
    assert len(made._compiled) == 3  # of masks, of a class, of all classes


def test_tf_keras_vis_agrees_on_relus(classifier, images):
    from tf_keras_vis.saliency import Saliency as Peer
    from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation

    peer = Peer(classifier.model, model_modifier=GuidedBackpropagation(), clone=True)
    expected = peer(
        lambda logits: logits[:, 2],
        images,
        keepdims=True,
        gradient_modifier=None,
        normalize_map=False,
    )
    found = GuidedBackprop(classifier.graph)(images, ClassLogit(2)).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    plain = Saliency(classifier.graph, signed=True)(images, ClassLogit(2)).values
    assert np.abs(found - plain).max() > 0.1 * np.abs(plain).max()


def test_of_encoders_discriminators_and_autoencoders(encoder, discriminator, autoencoder, images):
    for graph, target in (
        (encoder.graph, Latent(1)),
        (discriminator.graph, Discriminator()),
        (autoencoder.graph, ReconstructionError()),
    ):
        whole = GuidedBackprop(graph)(images, target).values
        assert whole.any()
        parts = GuidedBackprop(graph)(images, target, batch_size=3).values
        np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-6)


def bilinear(maps, size):
    """Maps (h, w) as large as (H, W), between pixel centres, in plain loops."""
    h, w = maps.shape
    found = np.zeros(size)
    for y, x in np.ndindex(*size):
        v = np.clip((y + 0.5) * h / size[0] - 0.5, 0, h - 1)
        u = np.clip((x + 0.5) * w / size[1] - 0.5, 0, w - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
        upper = maps[top, left] * (1 - u + left) + maps[top, right] * (u - left)
        lower = maps[bottom, left] * (1 - u + left) + maps[bottom, right] * (u - left)
        found[y, x] = upper * (1 - v + top) + lower * (v - top)
    return found


@pytest.mark.parametrize("layer", [None, "conv_0"])
def test_guided_grad_cam(classifier, images, layer):
    """Grad-CAM by hand and guided backpropagation by tf-keras-vis."""
    from tf_keras_vis.saliency import Saliency as Peer
    from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation

    method = GuidedGradCAM(classifier.graph, layer)
    at = method.layer_name
    assert at == (layer or "conv_1")
    one = method(images, ClassLogit(2), batch_size=3)
    assert (one.layer, one.values.shape) == (at, images.shape)

    both = keras.Model(
        classifier.model.inputs, [classifier.model.get_layer(at).output, *classifier.model.outputs]
    )
    with tf.GradientTape() as tape:
        maps, logits = both(images)
        score = tf.reduce_sum(logits[:, 2])
    alpha = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2), keepdims=True)
    cams = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1)).numpy()
    peer = Peer(classifier.model, model_modifier=GuidedBackpropagation(), clone=True)
    slopes = peer(
        lambda logits: logits[:, 2],
        images,
        keepdims=True,
        gradient_modifier=None,
        normalize_map=False,
    )
    expected = slopes * np.stack([bilinear(cam, (12, 12)) for cam in cams])[..., None]
    np.testing.assert_allclose(one.values, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    family = method(images, ClassLogit.all()).values
    np.testing.assert_allclose(
        family[:, 2], one.values, rtol=1e-4, atol=1e-6 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    ("method", "dtype"), [(GuidedBackprop, tf.float16), (Deconvnet, tf.bfloat16)]
)
def test_half_precision(images, method, dtype):
    weights = np.random.default_rng(0).standard_normal((144, 3)).astype(np.float32)

    def encode(image):
        hidden = tf.nn.leaky_relu(tf.reshape(image, (-1, 144)) @ tf.cast(weights, image.dtype))
        return {"mean": hidden - 2 * hidden[:, ::-1]}

    half = freeze(encode, tf.TensorSpec(image_spec().shape, dtype, name="image"))
    found = method(half)(images, Latent(0)).values
    assert found.dtype == np.float32 and found.any()
    expected = method(freeze(encode, image_spec()))(images, Latent(0)).values
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())


def test_errors(linear, decoder, images, codes):
    _, graph = linear
    message = "no ReLU, nor a relative of it, between 'image' and z0.*would be the gradient"
    for method in (GuidedBackprop, Deconvnet):
        with pytest.raises(UsageError, match=message):
            method(graph)(images, Latent(0))
    with pytest.raises(UsageError, match="explains images .* 'z' has shape"):
        GuidedGradCAM(decoder.graph)

    x = keras.Input((12, 12, 1), name="image")
    y = keras.layers.PReLU(name="bend", alpha_initializer="ones")(keras.layers.Conv2D(2, 3)(x))
    y = keras.layers.Flatten()(y)
    graph = Graph.from_keras(keras.Model(x, keras.layers.Dense(2, name="scores")(y)))
    with pytest.raises(UsageError, match="bend.* is the negative half .* as PReLU is"):
        GuidedBackprop(graph)(images, Output("scores", 0))


def test_rectifiers_behind_the_target_do_not_count(images):
    def network(image):
        flat = tf.reshape(image, (-1, 144))[:, :4]
        return {"mean": flat, "image": tf.nn.relu(flat)}

    graph = freeze(network, image_spec())
    with pytest.raises(UsageError, match="no ReLU"):
        GuidedBackprop(graph)(images, Latent(0))
    assert GuidedBackprop(graph)(images, Output("image", 0)).values.any()


def test_rectifiers_in_loops_count():
    entry = keras.Input((5, 3), name="x")
    states = keras.layers.SimpleRNN(4, activation="relu")(entry)
    model = keras.Model(entry, keras.layers.Dense(2, name="y")(states))
    x = np.random.default_rng(0).normal(size=(3, 5, 3)).astype(np.float32)
    found = GuidedBackprop(Graph.from_keras(model))(x, Output("y", 1)).values
    rnn, head = model.layers[1:]
    kernel, recurrent, bias = rnn.get_weights()
    relu = live(GuidedBackprop)["relu"]

    def unrolled(x):
        state = tf.zeros((3, 4))
        for t in range(5):
            state = relu(x[:, t] @ kernel + state @ recurrent + bias)
        return head(state)[:, 1]

    np.testing.assert_allclose(found, gradient(unrolled, x), rtol=1e-4, atol=1e-6)
