"""The convolutional VAE of the TensorFlow tutorial "Convolutional Variational Autoencoder"."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfgenxai.models.base import gaussian_kl, log_normal_pdf
from tfgenxai.models.vae import VariationalModel


def preprocess_images(images: np.ndarray) -> np.ndarray:
    """Binary images (N, 28, 28, 1) float32 of grey levels 0..255, the threshold at one half."""
    images = images.reshape((images.shape[0], 28, 28, 1)) / 255.0
    return np.where(images > 0.5, 1.0, 0.0).astype("float32")


@keras.saving.register_keras_serializable("tfgenxai")
class CVAE(VariationalModel):
    """Gaussian latent, Bernoulli pixels, trained on the one-sample ELBO of binarised digits.

    Args:
        latent_dim: dimensions d of the latent code.
        beta: weight of the KL term (Higgins et al. 2017); 1 is the ELBO.
        free_bits: nats a dimension may carry at no cost (Kingma et al. 2016); the KL is then
            the closed form instead of the tutorial's Monte-Carlo estimate.
        num_classes: above 0, the conditional variant: the label enters the encoder as constant
            one-hot planes and the decoder beside z.
    """

    image_shape = (28, 28, 1)
    binarizes = True

    def __init__(
        self,
        latent_dim: int = 10,
        *,
        beta: float = 1.0,
        free_bits: float = 0.0,
        num_classes: int = 0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        self.beta = beta
        self.free_bits = free_bits
        self.num_classes = num_classes
        self.encoder = keras.Sequential(
            [
                keras.Input((28, 28, 1 + num_classes)),
                layers.Conv2D(32, 3, strides=2, activation="relu", name="encoder_conv_0"),
                layers.Conv2D(64, 3, strides=2, activation="relu", name="encoder_conv_1"),
                layers.Flatten(name="encoder_flatten"),
                layers.Dense(2 * latent_dim, name="encoder_dense"),
            ],
            name="encoder",
        )
        up = {"kernel_size": 3, "padding": "same"}
        self.decoder = keras.Sequential(
            [
                keras.Input((latent_dim + num_classes,)),
                layers.Dense(7 * 7 * 32, activation="relu", name="decoder_dense"),
                layers.Reshape((7, 7, 32), name="decoder_reshape"),
                layers.Conv2DTranspose(
                    64, strides=2, activation="relu", name="decoder_conv_0", **up
                ),
                layers.Conv2DTranspose(
                    32, strides=2, activation="relu", name="decoder_conv_1", **up
                ),
                layers.Conv2DTranspose(1, strides=1, name="decoder_conv_2", **up),
            ],
            name="decoder",
        )
        self.trackers = [
            keras.metrics.Mean(name) for name in ("loss", "elbo", "reconstruction", "kl")
        ]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-4, as in the tutorial."""
        return keras.optimizers.Adam(1e-4 if learning_rate is None else learning_rate)

    def prepare(self, images: tf.Tensor) -> tf.Tensor:
        """Binarised at 0.5, as the tutorial trains and measures."""
        return tf.cast(images > 0.5, tf.float32)

    def encode(self, x: tf.Tensor, label: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Posterior mean and log-variance (N, d) each, of images (N, 28, 28, 1) in [0, 1]."""
        if self.num_classes:
            planes = tf.one_hot(label, self.num_classes)[:, None, None, :]
            shape = tf.concat([tf.shape(x)[:3], [self.num_classes]], axis=0)
            x = tf.concat([x, tf.broadcast_to(planes, shape)], axis=-1)
        mean, logvar = tf.split(self.encoder(x), num_or_size_splits=2, axis=1)
        return mean, logvar

    def decode(
        self, z: tf.Tensor, apply_sigmoid: bool = False, label: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Logits (N, 28, 28, 1) of codes (N, d), or with `apply_sigmoid` pixel probabilities."""
        if self.num_classes:
            z = tf.concat([z, tf.one_hot(label, self.num_classes)], axis=-1)
        logits = self.decoder(z)
        return tf.sigmoid(logits) if apply_sigmoid else logits

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Reconstructions in [0, 1] from the posterior mean; (images, labels) if conditional."""
        images, label = inputs if self.num_classes else (inputs, None)
        mean, _ = self.encode(images, label)
        return self.decode(mean, apply_sigmoid=True, label=label)

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """As every VAE; the conditional variant shows samples of all labels in turn."""
        if not self.num_classes:
            return super().previews(images, eps)
        labels = tf.range(tf.shape(eps)[0]) % self.num_classes
        return {"samples": self.decode(eps, apply_sigmoid=True, label=labels)}

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Tutorial's one-sample estimate: ELBO = E log p(x|z) + log p(z) - log q(z|x)."""
        mean, logvar = self.encode(images, labels)
        z = self.draw_posterior(mean, logvar)
        logits = self.decode(z, label=labels)
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=images)
        reconstruction = tf.reduce_mean(tf.reduce_sum(cross_entropy, axis=[1, 2, 3]))
        kl = tf.reduce_mean(log_normal_pdf(z, mean, logvar) - log_normal_pdf(z, 0.0, 0.0))
        penalty = kl
        if self.free_bits:
            per_dimension = tf.reduce_mean(gaussian_kl(mean, logvar), axis=0)
            penalty = tf.reduce_sum(tf.maximum(per_dimension, self.free_bits))
        return {
            "loss": reconstruction + self.beta * penalty,
            "elbo": -(reconstruction + kl),
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def label_specs(self) -> list[tf.TensorSpec]:
        """Digits (N,) int64, for the conditional variant."""
        spec = tf.TensorSpec((None,), tf.int64, name="label")
        return [spec] if self.num_classes else []

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "beta": self.beta,
            "free_bits": self.free_bits,
            "num_classes": self.num_classes,
        }
