"""The InfoGAN's codes, the bound on their information, and what Q and E read."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from tfgenxai.errors import UsageError
from tfgenxai.models.bigan import BiGAN
from tfgenxai.models.info_cgan import InfoCGAN
from tfgenxai.models.infogan import InfoGAN


def small(cls=InfoGAN, **options):
    keras.utils.set_random_seed(6)
    model = cls(5, categories=3, continuous=2, **options)
    model.compile(optimizer="sgd", jit_compile=False)
    return model


def test_codes_have_three_parts(rng):
    model = small()
    assert model.latent_dim == 10
    noise, category, continuous = (
        part.numpy() for part in model.split(model.prior(rng.standard_normal((500, 10))))
    )
    assert noise.shape == (500, 5) and continuous.shape == (500, 2)
    assert set(category.sum(axis=1)) == {1.0} and set(category.ravel()) == {0.0, 1.0}
    for part in (noise, continuous):
        assert -1 < part.min() < -0.9 and 0.9 < part.max() < 1


@pytest.mark.parametrize("cls", [InfoGAN, InfoCGAN])
def test_both_losses_hold_the_bound(cls, grey, rng):
    grey, labels = tf.constant(grey), tf.constant([3, 1, 4, 1, 5])
    model, plain = small(cls, information=0.5), small(cls, information=0.0)
    for weight in model.discriminator.get_layer("code").weights:
        weight.assign(0.3 * rng.standard_normal(weight.shape))
    plain.set_weights(model.get_weights())
    given = [labels] if model.num_classes else []
    _, category, continuous = (p.numpy() for p in model.split(model.draw_codes(grey)))
    z = model.draw_codes(grey)
    fake = model.generator([z, *given] if given else z)
    _, code = model.discriminator([fake, *given] if given else fake)
    logits, mean = np.split(code.numpy().astype(np.float64), [3], axis=1)
    of_category = -np.mean(np.sum(category * special.log_softmax(logits, axis=1), axis=1))
    of_continuous = -np.mean(stats.norm.logpdf(continuous, mean, 1).sum(axis=1))

    found, without = model.losses(grey, labels), plain.losses(grey, labels)
    assert found["category_loss"].numpy() == pytest.approx(of_category, rel=1e-4)
    assert found["continuous_loss"].numpy() == pytest.approx(of_continuous, rel=1e-4)
    hits = np.mean(logits.argmax(axis=1) == category.argmax(axis=1))
    assert found["category_accuracy"].numpy() == pytest.approx(hits)
    for name in ("generator_loss", "discriminator_loss"):
        difference = found[name].numpy() - without[name].numpy()
        assert difference == pytest.approx(0.5 * (of_category + of_continuous), rel=1e-4)


def test_q_shares_the_trunk_and_reads_images(grey):
    model = small()
    logits, mean = model.infer(grey)
    assert logits.shape == (5, 3) and mean.shape == (5, 2)
    _, code = model.discriminator(2 * grey - 1)
    np.testing.assert_allclose(tf.concat([logits, mean], axis=1), code, atol=1e-6)
    np.testing.assert_allclose(
        model.discriminate(grey), model.discriminator(2 * grey - 1)[0], atol=1e-6
    )
    own = {"code_dense", "code_bn", "code_leaky_relu", "code"}
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.discriminator(grey)[1] ** 2)
    gradients = tape.gradient(loss, model.discriminator.trainable_weights)
    for weight, gradient in zip(model.discriminator.trainable_weights, gradients, strict=True):
        head = weight.path.split("/")[-2] == "discriminator_dense_1"
        assert (gradient is None) == head, weight.path
    assert own <= {layer.name for layer in model.discriminator.layers}


def test_the_bigan_encodes_and_restores(grey):
    keras.utils.set_random_seed(2)
    model = BiGAN(7)
    code = model.encode(grey)
    assert code.shape == (5, 7)
    np.testing.assert_allclose(model.reconstruct(grey), model.generate(code), atol=1e-6)
    verdict = model.discriminator([tf.constant(2 * grey - 1), code])
    np.testing.assert_allclose(model.discriminate(grey), verdict, atol=1e-6)
    shown = model.previews(tf.constant(grey), tf.zeros((4, 7)))
    assert shown["samples"].shape == (4, 28, 28, 1)
    assert shown["reconstructions"].shape == (10, 28, 28, 1)


def test_the_bigans_discriminator_can_be_held_by_spectral_norms():
    model = BiGAN(7, normalised="spectral")
    kinds = [type(layer).__name__ for layer in model.discriminator.layers]
    assert kinds.count("SpectralNormalization") == 3 and "BatchNormalization" not in kinds
    pair = [tf.random.normal((4, 28, 28, 1)), tf.random.normal((4, 7))]
    for _ in range(60):  # power iterations
        model.discriminator(pair, training=True)
    for layer in model.discriminator.layers:
        if type(layer).__name__ == "SpectralNormalization":
            norm = np.linalg.norm(layer.layer.kernel.numpy(), ord=2)
            assert norm == pytest.approx(1, abs=0.05), layer.name
    assert BiGAN.from_config(model.get_config()).normalised == "spectral"
    with pytest.raises(UsageError, match="batch or spectral, not 'none'"):
        BiGAN(7, normalised="none")
