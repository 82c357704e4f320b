"""Losses against slow re-implementations in NumPy and SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from tfgenxai.models.autoencoder import Autoencoder
from tfgenxai.models.base import gaussian_kl, log_normal_pdf
from tfgenxai.models.classifier import Classifier
from tfgenxai.models.conv_vae import ConvVAE
from tfgenxai.models.cvae import CVAE
from tfgenxai.models.dcgan import DCGAN, discriminator_loss, generator_loss


def compiled(model):
    """The model with an optimizer, which counts the steps that its noise depends on."""
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    return model


def conv(x, kernel, bias):
    """Convolution with stride 2 and no padding, one output pixel at a time."""
    k = kernel.shape[0]
    rows, cols = ((n - k) // 2 + 1 for n in x.shape[1:3])
    out = np.empty((len(x), rows, cols, kernel.shape[3]))
    for i in range(rows):
        for j in range(cols):
            patch = x[:, 2 * i : 2 * i + k, 2 * j : 2 * j + k]
            out[:, i, j] = np.tensordot(patch, kernel, axes=3) + bias
    return out


def conv_transpose(x, kernel, bias, stride):
    """Every input pixel stamps the kernel onto the output, which is cropped to stride * input."""
    k, (n, rows, cols, _) = kernel.shape[0], x.shape
    out = np.zeros((n, (rows - 1) * stride + k, (cols - 1) * stride + k, kernel.shape[2]))
    for i in range(rows):
        for j in range(cols):
            stamp = np.tensordot(x[:, i, j], kernel, axes=(1, 3))
            out[:, i * stride : i * stride + k, j * stride : j * stride + k] += stamp
    crop = (k - stride) // 2
    return out[:, crop : crop + rows * stride, crop : crop + cols * stride] + bias


def relu(x):
    return np.maximum(x, 0)


def numpy_cvae(model):
    """encode(x) -> mean, logvar and decode(z) -> logits of a CVAE's weights, in float64."""
    e = [w.numpy().astype(np.float64) for w in model.encoder.weights]
    d = [w.numpy().astype(np.float64) for w in model.decoder.weights]

    def encode(x):
        hidden = relu(conv(relu(conv(x, *e[:2])), *e[2:4]))
        return np.split(hidden.reshape(len(x), -1) @ e[4] + e[5], 2, axis=1)

    def decode(z):
        hidden = relu(z @ d[0] + d[1]).reshape(-1, 7, 7, 32)
        hidden = relu(conv_transpose(relu(conv_transpose(hidden, *d[2:4], 2)), *d[4:6], 2))
        return conv_transpose(hidden, *d[6:8], 1)

    return encode, decode


def test_cvae_elbo(binary, rng):
    model = compiled(CVAE(3, seed=5))
    for weight in model.weights:  # biases start at 0, where a mistake would not show
        weight.assign_add(0.05 * rng.standard_normal(weight.shape))
    encode, decode = numpy_cvae(model)
    mean, logvar = encode(binary)
    noise = model.noise((5, 3)).numpy()
    z = mean + np.exp(logvar / 2) * noise
    probability = 1 / (1 + np.exp(-decode(z)))
    per_pixel = binary * np.log(probability) + (1 - binary) * np.log(1 - probability)
    log_likelihood = per_pixel.sum(axis=(1, 2, 3))
    log_prior = stats.norm.logpdf(z).sum(axis=1)
    log_posterior = stats.norm.logpdf(z, mean, np.exp(logvar / 2)).sum(axis=1)

    values = model.losses(tf.constant(binary), None)
    elbo = np.mean(log_likelihood + log_prior - log_posterior)
    assert values["elbo"].numpy() == pytest.approx(elbo, rel=1e-5)
    assert values["loss"].numpy() == pytest.approx(-elbo, rel=1e-5)
    assert values["reconstruction"].numpy() == pytest.approx(-log_likelihood.mean(), rel=1e-5)
    assert values["kl"].numpy() == pytest.approx((log_posterior - log_prior).mean(), rel=1e-3)
    np.testing.assert_allclose(model.decode(z.astype(np.float32)), decode(z), atol=1e-4)


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_beta_weighs_the_kl_and_leaves_the_elbo(binary, beta):
    plain = compiled(CVAE(3, seed=1))
    weighted = compiled(CVAE(3, beta=beta, seed=1))
    weighted.set_weights(plain.get_weights())
    one, other = (model.losses(tf.constant(binary), None) for model in (plain, weighted))
    assert other["elbo"].numpy() == one["elbo"].numpy()
    assert other["loss"].numpy() == pytest.approx(
        one["reconstruction"].numpy() + beta * one["kl"].numpy(), rel=1e-6
    )


def test_free_bits_is_a_floor_under_every_dimension(binary):
    model = compiled(CVAE(3, beta=2.0, free_bits=0.5))
    bias = model.encoder.weights[-1]
    bias.assign([3.0, 0.0, 0.1, 0.0, -2.0, 0.0])  # two dimensions above the floor, one below
    values = model.losses(tf.constant(binary), None)
    mean, logvar = (part.numpy().astype(np.float64) for part in model.encode(binary))
    kl = (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0)
    assert (kl < 0.5).any() and (kl > 0.5).any()
    expected = values["reconstruction"].numpy() + 2.0 * sum(max(k, 0.5) for k in kl)
    assert values["loss"].numpy() == pytest.approx(expected, rel=1e-5)


def test_log_normal_pdf_is_scipys(rng):
    sample, mean, logvar = rng.normal(0, 2, (3, 7, 4))
    expected = stats.norm.logpdf(sample, mean, np.exp(logvar / 2)).sum(axis=1)
    tensors = [tf.constant(a, tf.float32) for a in (sample, mean, logvar)]
    np.testing.assert_allclose(log_normal_pdf(*tensors), expected, rtol=2e-4)
    standard = log_normal_pdf(tensors[0], 0.0, 0.0)
    np.testing.assert_allclose(standard, stats.norm.logpdf(sample).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize(("mean", "logvar"), [(0.0, 0.0), (1.5, -2.0), (-0.3, 0.8), (4.0, -5.0)])
def test_gaussian_kl_is_the_integral(mean, logvar):
    sd = np.exp(logvar / 2)

    def integrand(z):
        log_q = stats.norm.logpdf(z, mean, sd)
        return np.exp(log_q) * (log_q - stats.norm.logpdf(z))

    expected, _ = integrate.quad(integrand, mean - 12 * sd, mean + 12 * sd)
    kl = gaussian_kl(tf.constant([[mean]]), tf.constant([[logvar]]))
    assert kl.shape == (1, 1)
    assert kl.numpy().item() == pytest.approx(expected, abs=1e-5)


def test_gan_losses(rng):
    real, fake = rng.normal(0, 3, (2, 6, 1))
    probability = {"real": 1 / (1 + np.exp(-real)), "fake": 1 / (1 + np.exp(-fake))}
    discriminator = -np.log(probability["real"]).mean() - np.log(1 - probability["fake"]).mean()
    assert discriminator_loss(real, fake).numpy() == pytest.approx(discriminator, rel=1e-6)
    assert generator_loss(fake).numpy() == pytest.approx(-np.log(probability["fake"]).mean())
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    assert generator_loss(fake).numpy() == pytest.approx(float(bce(np.ones((6, 1)), fake)))
    assert np.isfinite(generator_loss(tf.constant([[-200.0], [200.0]])))


@pytest.mark.parametrize("factor", [1.0, 10_000.0])
def test_conv_vae_loss_factor(rng, factor):
    model = compiled(ConvVAE(latent_dim=4, loss_factor=factor))
    images = rng.random((2, 128, 128, 3), dtype=np.float32)
    mean, logvar = (part.numpy() for part in model.encode(images))
    z = mean + np.exp(logvar / 2) * model.noise((2, 4)).numpy()
    mse = np.mean((model.decoder(z).numpy() - images) ** 2)
    kl = (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).sum(axis=1).mean()
    values = model.losses(tf.constant(images), None)
    assert values["mse"].numpy() == pytest.approx(mse, rel=1e-5)
    assert values["kl"].numpy() == pytest.approx(kl, rel=1e-4)
    assert values["loss"].numpy() == pytest.approx(factor * mse + kl, rel=1e-5)
    restored = model.decode(z, apply_sigmoid=True)
    np.testing.assert_allclose(tf.sigmoid(model.decode(z)), restored, atol=1e-6)


def test_autoencoder_loss(rng):
    model = compiled(Autoencoder(latent_dim=4))
    images = rng.random((2, 128, 128, 3), dtype=np.float32)
    restored = model(images).numpy()
    values = model.losses(tf.constant(images), None)
    assert values["loss"].numpy() == pytest.approx(np.mean((restored - images) ** 2), rel=1e-5)


def test_classifier_loss(grey):
    model = compiled(Classifier())
    labels = np.array([3, 1, 4, 1, 5])
    logits = model(grey).numpy().astype(np.float64)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    values = model.losses(tf.constant(grey), tf.constant(labels))
    expected = -np.log(probability[np.arange(5), labels]).mean()
    assert values["loss"].numpy() == pytest.approx(expected, rel=1e-5)
    hits = np.mean(logits.argmax(axis=1) == labels)
    assert values["accuracy"].numpy() == pytest.approx(hits)


def test_the_classifier_moves_whole_batches_by_two_pixels_at_most(grey):
    model = compiled(Classifier())
    padded = np.pad(grey, [(0, 0), (2, 2), (2, 2), (0, 0)])
    moves = [padded[:, y : y + 28, x : x + 28] for y in range(5) for x in range(5)]
    seen = set()
    for step in range(12):
        model.optimizer.iterations.assign(step)
        shifted = model.shift(tf.constant(grey)).numpy()
        (move,) = (i for i, images in enumerate(moves) if np.array_equal(images, shifted))
        seen.add(move)
    assert len(seen) > 4


def test_noise_depends_on_seed_step_and_draw_alone():
    one, same, other = (
        compiled(CVAE(2, seed=1)),
        compiled(CVAE(2, seed=1)),
        compiled(CVAE(2, seed=2)),
    )
    tf.random.normal((3,))
    first = one.noise((400, 2)).numpy()
    np.testing.assert_array_equal(first, same.noise((400, 2)))
    assert not np.array_equal(first, other.noise((400, 2)))
    assert not np.array_equal(first, one.noise((400, 2), draw=1))
    one.optimizer.iterations.assign(7)
    assert not np.array_equal(first, one.noise((400, 2)))
    assert stats.kstest(first.ravel(), "norm").pvalue > 0.001


def test_the_label_of_a_conditional_cvae_enters_encoder_and_decoder(binary, rng):
    model = compiled(CVAE(2, num_classes=3))
    labels = np.array([0, 1, 2, 1, 0])
    one_hot = np.eye(3, dtype=np.float32)[labels]
    planes = np.ones((5, 28, 28, 3), np.float32) * one_hot[:, None, None]
    mean, logvar = model.encode(binary, labels)
    outputs = model.encoder(np.concatenate([binary, planes], axis=-1)).numpy()
    np.testing.assert_allclose(np.concatenate([mean, logvar], axis=1), outputs, atol=1e-6)
    z = rng.standard_normal((5, 2)).astype(np.float32)
    expected = model.decoder(np.concatenate([z, one_hot], axis=1))
    np.testing.assert_allclose(model.decode(z, label=labels), expected, atol=1e-6)
    assert not np.allclose(mean, model.encode(binary, (labels + 1) % 3)[0])
    values = model.losses(tf.constant(binary), tf.constant(labels))
    assert np.isfinite(values["loss"])
    assert model((binary, labels)).shape == (5, 28, 28, 1)
    previews = model.previews(tf.constant(binary), tf.zeros((4, 2)))["samples"].numpy()
    np.testing.assert_allclose(previews[0], previews[3], atol=1e-6)  # labels 0, 1, 2, 0
    assert not np.allclose(previews[0], previews[1])


def test_dcgan_networks_see_images_between_minus_one_and_one(grey, rng):
    model = DCGAN()
    np.testing.assert_allclose(model.discriminate(grey), model.discriminator(2 * grey - 1))
    z = rng.standard_normal((3, 100)).astype(np.float32)
    images = model(z).numpy()
    np.testing.assert_allclose(images, (model.generator(z) + 1) / 2, atol=1e-6)
    assert images.min() >= 0 and images.max() <= 1
