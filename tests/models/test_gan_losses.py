"""The adversarial losses against closed forms; cross-entropy also in `test_losses`."""

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.models.gan_losses import (
    LOSSES,
    discriminator_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
)


def test_hinge_losses_one_image_at_a_time(rng):
    real, fake = rng.normal(0, 2, (2, 9, 1))
    expected = np.mean([max(0.0, 1 - d) for d in real.ravel()])
    expected += np.mean([max(0.0, 1 + d) for d in fake.ravel()])
    assert hinge_discriminator_loss(real, fake).numpy() == pytest.approx(expected)
    assert hinge_generator_loss(fake).numpy() == pytest.approx(-fake.mean())


def test_the_generators_hinge_loss_never_rests():
    outputs = tf.constant([[-3.0], [0.5], [1.0], [7.0]])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = hinge_generator_loss(outputs)
    np.testing.assert_allclose(tape.gradient(loss, outputs), np.full((4, 1), -1 / 4))


def test_the_discriminators_hinge_loss_rests_beyond_the_margin():
    real, fake = tf.constant([[1.5], [0.5]]), tf.constant([[-2.0], [0.0]])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = hinge_discriminator_loss(real, fake)
    of_real, of_fake = tape.gradient(loss, [real, fake])
    np.testing.assert_allclose(of_real, [[0.0], [-0.5]])
    np.testing.assert_allclose(of_fake, [[0.0], [0.5]])


def test_at_the_optimum_of_a_perfect_generator():
    """Where nothing can be told apart, D = 0 everywhere: 2 log 2, and for the hinge 2."""
    zeros = np.zeros((5, 1))
    assert LOSSES["cross_entropy"][0](zeros, zeros).numpy() == pytest.approx(2 * np.log(2))
    assert LOSSES["cross_entropy"][1](zeros).numpy() == pytest.approx(np.log(2))
    assert LOSSES["hinge"][0](zeros, zeros).numpy() == 2
    assert LOSSES["hinge"][1](zeros).numpy() == 0


def test_swapping_the_pairs_swaps_the_labels(rng):
    real, fake = rng.normal(0, 3, (2, 6, 1))
    swapped = np.logaddexp(0, real).mean() + np.logaddexp(0, -fake).mean()
    assert discriminator_loss(fake, real).numpy() == pytest.approx(swapped, rel=1e-6)
