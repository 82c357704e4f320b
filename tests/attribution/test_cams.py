"""Class activation maps of tf-keras-vis; what is particular to Grad-CAM is in test_grad_cam."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import zoom
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.scorecam import Scorecam

import tfgenxai
from tfgenxai.attribution import GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    Output,
    Pixels,
    ReconstructionError,
    Scalar,
    Unit,
)


def peer(visualisation, model, score, inputs, layer, **options):
    """tf-keras-vis on the live Keras model, which the graph knows nothing of."""
    return visualisation(model, clone=False)(
        score,
        inputs,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        normalize_cam=False,
        expand_cam=False,
        **options,
    )


def halves(model, layer):
    at = model.get_layer(layer).output
    return keras.Model(model.input, at), keras.Model(at, model.output)


def slow_slopes(before, scalar, inputs):
    """A, df/dA and f of each sample, in float64."""
    maps, slopes, values = [], [], []
    for x in inputs:
        a = before(x[None])
        with tf.GradientTape() as tape:
            tape.watch(a)
            f = tf.reduce_sum(scalar(a))
        maps.append(a.numpy()[0])
        slopes.append(tape.gradient(f, a).numpy()[0])
        values.append(float(f))
    return np.float64(maps), np.float64(slopes), np.float64(values)


def slow_layer_cam(a, g):
    return np.maximum((np.maximum(g, 0) * a).sum(-1), 0)


def slow_grad_cam_plus_plus(a, g, f):
    """As the paper writes it, of exp(f): the map times exp(f)."""
    y = np.exp(f)[:, None, None, None]
    first, second, third = y * g, y * g**2, y * g**3
    below = 2 * second + third * a.sum((1, 2), keepdims=True)
    alpha = np.divide(second, below, out=np.zeros_like(below), where=second != 0)
    total = alpha.sum((1, 2), keepdims=True)
    alpha = np.divide(alpha, total, out=alpha, where=total != 0)
    w = (alpha * np.maximum(first, 0)).sum((1, 2))
    return np.maximum(np.einsum("nhwk,nk->nhw", a, w), 0)


def slow_score_cam(before, scalar, images):
    """Every channel of every image by itself."""
    found = []
    for image in images:
        a = before(image[None]).numpy()[0]
        total = np.zeros(a.shape[:2])
        for k in range(a.shape[-1]):
            factors = np.divide(image.shape[:2], a.shape[:2])
            mask = zoom(a[..., k], factors, order=1, mode="nearest")
            mask = (mask - mask.min()) / (mask.max() - mask.min() + 1e-7)
            total += float(scalar((image * mask[..., None])[None])) * a[..., k]
        found.append(np.maximum(total, 0))
    return np.array(found)


@pytest.fixture(scope="module", autouse=True)
def quiet_keras():
    """The peer draws Keras' progress bar."""
    keras.utils.disable_interactive_logging()
    yield
    keras.utils.enable_interactive_logging()


@pytest.fixture(scope="module")
def saved(classifier, tmp_path_factory):
    """The classifier, exported, and read back without its source."""
    path = tmp_path_factory.mktemp("models") / "classifier"
    classifier.model.export(str(path), verbose=False)
    return tfgenxai.load(path)["serving_default"]


@pytest.mark.parametrize("layer", ["conv_0", "conv_1"])
def test_equal_to_tf_keras_vis_on_the_source_model(classifier, saved, images, layer):
    def score(logits):
        return logits[:, 3]

    plus = peer(GradcamPlusPlus, classifier.model, score, images, layer)
    expected = {
        GradCAM: peer(Gradcam, classifier.model, score, images, layer),
        LayerCAM: peer(Layercam, classifier.model, score, images, layer),
        GradCAMPlusPlus: plus / np.exp(classifier.model(images).numpy()[:, 3, None, None]),
        ScoreCAM: peer(Scorecam, classifier.model, score, images, layer),
    }
    for graph in (saved, Graph.from_keras(classifier.model), classifier.graph):
        for method, values in expected.items():
            found = method(graph, layer)(images, ClassLogit(3), batch_size=4).values
            assert np.asarray(values).any()
            np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-7)


def test_the_factor_that_grad_cam_plus_plus_lacks(classifier, images):
    """The same call, of a score that counts from its own value: equal without any factor."""

    def score(logits):
        return logits[:, 2] - tf.stop_gradient(logits[:, 2])

    expected = peer(GradcamPlusPlus, classifier.model, score, images, "conv_1")
    found = GradCAMPlusPlus(classifier.graph, "conv_1")(images, ClassLogit(2)).values
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("at", ["classifier", "decoder", "discriminator", "encoder"])
def test_gradient_maps_against_the_formulas(request, images, codes, at):
    """Also of a transposed convolution, which tf-keras-vis does not find by itself."""
    tiny = request.getfixturevalue(at)
    inputs, layer, target, pick = {
        "classifier": (images, "conv_0", ClassLogit(1), lambda s: s[:, 1]),
        "decoder": (codes, "up_0", Unit("up_1", 0, 4, 5), lambda s: s[:, 4, 5, 0]),
        "discriminator": (images, tiny.model.layers[1].name, Discriminator(), lambda s: s[:, 0]),
        "encoder": (images, "conv_0", Latent(2), lambda s: s[0][:, 2]),
    }[at]
    before, after = halves(tiny.model, layer)
    a, g, f = slow_slopes(before, lambda a: pick(after(a)), inputs)
    found = LayerCAM(tiny.graph, layer)(inputs, target, batch_size=3).values
    assert found.any()
    np.testing.assert_allclose(found, slow_layer_cam(a, g), rtol=1e-5, atol=1e-7)
    found = GradCAMPlusPlus(tiny.graph, layer)(inputs, target, batch_size=3).values
    expected = slow_grad_cam_plus_plus(a, g, f) / np.exp(f)[:, None, None]
    assert found.any()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_grad_cam_plus_plus_of_large_targets(classifier, images):
    """exp(f) is 10^174 here, and infinite in single precision."""
    method = GradCAMPlusPlus(classifier.graph, "conv_1")
    small = method(images, Scalar(lambda o: o["logits"][:, 0] + 1.0)).values
    large = method(images, Scalar(lambda o: o["logits"][:, 0] + 400.0)).values
    assert small.any()
    np.testing.assert_allclose(large, small, rtol=1e-5)


def test_layer_cam_of_a_linear_model(images):
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 2)).astype(np.float32)
    dense = np.random.default_rng(1).standard_normal((12 * 12 * 2, 4)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def classify(image):
        maps = tf.identity(tf.nn.conv2d(image, kernel, 1, "SAME"), name="maps")
        return {"logits": tf.reshape(maps, (-1, 288)) @ dense}

    graph = Graph.from_function(classify.get_concrete_function())
    maps = tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
    positive = np.maximum(dense[:, 3].reshape(12, 12, 2), 0)
    expected = np.maximum((maps * positive).sum(-1), 0)
    found = LayerCAM(graph, "maps")(images, ClassLogit(3)).values
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["class", "probability", "logit", "latent", "discriminator"])
def test_score_cam_against_the_loop(classifier, encoder, discriminator, images, kind):
    """The weight of a class is its probability, of any other target its value."""
    tiny, layer, target, pick = {
        "class": (classifier, "conv_1", ClassLogit(1), lambda s: tf.nn.softmax(s)[:, 1]),
        "probability": (
            classifier,
            "conv_1",
            Output("probabilities", 1),
            lambda s: tf.nn.softmax(s)[:, 1],
        ),
        "logit": (classifier, "conv_0", Output("logits", 1), lambda s: s[:, 1]),
        "latent": (encoder, "conv_0", Latent(4), lambda s: s[0][:, 4]),
        "discriminator": (
            discriminator,
            discriminator.model.layers[1].name,
            Discriminator(),
            lambda s: s[:, 0],
        ),
    }[kind]
    expected = slow_score_cam(
        halves(tiny.model, layer)[0], lambda x: pick(tiny.model(x))[0], images[:3]
    )
    found = ScoreCAM(tiny.graph, layer)(images[:3], target, batch_size=2).values
    assert found.any()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_score_cam_of_a_decoded_image(autoencoder, classifier, images):
    """Transposed convolutions, a target that reads the masked input, and one of another model."""
    to_maps = autoencoder.graph.function("image", "up_0")

    def image(x):
        return tf.sigmoid(autoencoder.model(np.float32(x)))

    cases = {
        ReconstructionError(): lambda x: tf.reduce_sum((x - image(x)) ** 2),
        Pixels(np.eye(12)): lambda x: tf.reduce_sum(image(x)[0, :, :, 0] * np.eye(12)),
        ClassLogit(2, classifier.graph): lambda x: tf.nn.softmax(classifier.model(image(x)))[0, 2],
    }
    for target, scalar in cases.items():
        expected = slow_score_cam(to_maps, scalar, images[:2])
        found = ScoreCAM(autoencoder.graph, "up_0")(images[:2], target).values
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_score_cam_repeats_noise_with_the_samples(encoder, images):
    noise = np.stack([np.random.default_rng([3, 0, i]).standard_normal(5) for i in range(3)])
    found = ScoreCAM(encoder.graph, "conv_1", seed=3)(images[:3], Latent(1, at="sample"))
    for i in range(3):
        row = np.float32(noise[i])

        def sample(x, row=row):
            mean, logvar = encoder.model(np.float32(x))
            return (mean + tf.exp(0.5 * logvar) * row)[0, 1]

        before = halves(encoder.model, "conv_1")[0]
        expected = slow_score_cam(before, sample, images[i : i + 1])
        np.testing.assert_allclose(found.values[i : i + 1], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", [GradCAMPlusPlus, LayerCAM, ScoreCAM])
def test_families_and_own_classes(classifier, images, method):
    cam = method(classifier.graph)
    every = cam(images, ClassLogit.all(), batch_size=4)
    assert every.values.shape[:2] == (7, 4) and every.layer == "conv_1"
    single = cam(images, ClassLogit(2), batch_size=7)
    np.testing.assert_allclose(every.values[:, 2], single.values, rtol=1e-5, atol=1e-7)
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    own = cam(images, ClassLogit(labels), batch_size=3).values
    np.testing.assert_allclose(own, every.values[np.arange(7), labels], rtol=1e-5, atol=1e-7)


def test_faster_score_cam(classifier, images):
    """Each image has its own maps; the peer, given a batch, uses those that any image chooses."""
    method = ScoreCAM(classifier.graph, "conv_1", max_N=2)
    found = method(images, ClassLogit(0), batch_size=7)
    assert found.settings["max_N"] == 2
    for i, image in enumerate(images):
        expected = peer(
            Scorecam, classifier.model, lambda s: s[:, 0], image[None], "conv_1", max_N=2
        )
        np.testing.assert_allclose(found.values[i : i + 1], expected, rtol=1e-5, atol=1e-7)
    all_maps = ScoreCAM(classifier.graph, "conv_1")(images, ClassLogit(0)).values
    assert np.abs(all_maps - found.values).max() > 1e-3


def test_score_cam_prints_nothing(classifier, images, capfd):
    keras.utils.enable_interactive_logging()
    ScoreCAM(classifier.graph)(images[:1], ClassLogit(0))
    assert capfd.readouterr().out == ""


def test_memory_bounds_the_batch(classifier, images, monkeypatch):
    monkeypatch.setattr("tfgenxai.attribution.score_cam.MEMORY", 40_000)
    method = ScoreCAM(classifier.graph, "conv_1")
    assert method.rows_at_once(ClassLogit(0).on(classifier.graph)) == 40_000 // (24 * 144 * 5)
    found = method(images, ClassLogit(0)).values
    monkeypatch.undo()
    np.testing.assert_allclose(found, method(images, ClassLogit(0)).values, rtol=1e-5, atol=1e-7)


def test_errors(classifier, decoder, images):
    for method in (GradCAMPlusPlus, LayerCAM, ScoreCAM):
        with pytest.raises(UsageError, match="does not depend on layer 'conv_1'"):
            method(classifier.graph, "conv_1")(images, Unit("conv_0", 0))
    with pytest.raises(UsageError, match="ScoreCAM masks images"):
        ScoreCAM(decoder.graph)
    for wrong in (0, 6, 1.5):
        with pytest.raises(UsageError, match="max_N= must be from 1 to 5, the maps of conv_1"):
            ScoreCAM(classifier.graph, max_N=wrong)
