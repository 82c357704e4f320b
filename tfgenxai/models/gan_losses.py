"""What a generator and a discriminator minimise, from the discriminator's logits."""

from __future__ import annotations

import tensorflow as tf


def _cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy from logits, a scalar in nats."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits))


def discriminator_loss(real_output: tf.Tensor, fake_output: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of real logits against 1 plus fake logits against 0 (Goodfellow 2014)."""
    real = _cross_entropy(tf.ones_like(real_output), real_output)
    return real + _cross_entropy(tf.zeros_like(fake_output), fake_output)


def generator_loss(fake_output: tf.Tensor) -> tf.Tensor:
    """The non-saturating loss: cross-entropy of fake logits against 1 (Goodfellow 2014, §3)."""
    return _cross_entropy(tf.ones_like(fake_output), fake_output)


def hinge_discriminator_loss(real_output: tf.Tensor, fake_output: tf.Tensor) -> tf.Tensor:
    """E max(0, 1 - D(real)) + E max(0, 1 + D(fake)) (Lim and Ye 2017; Zhang et al. 2019, eq. 4)."""
    real = tf.reduce_mean(tf.nn.relu(1.0 - real_output))
    return real + tf.reduce_mean(tf.nn.relu(1.0 + fake_output))


def hinge_generator_loss(fake_output: tf.Tensor) -> tf.Tensor:
    """-E D(fake): without a hinge, so that a good fake can still become a better one."""
    return -tf.reduce_mean(fake_output)


LOSSES = {
    "cross_entropy": (discriminator_loss, generator_loss),
    "hinge": (hinge_discriminator_loss, hinge_generator_loss),
}
"""Name -> the losses of discriminator and generator."""
