"""The Stuttgart convolutional VAE: 128x128 colour images, 200 latent dimensions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.base import gaussian_kl
from tfgenxai.models.vae import VariationalModel

FILTERS = (32, 64, 64, 64)


@keras.saving.register_keras_serializable("tfgenxai")
class Sampling(layers.Layer):
    """A draw from N(mu, exp(log_var)): the published encoder's Lambda layer, (N, d)."""

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """z = mu + exp(log_var / 2) * eps with fresh standard normal eps."""
        mu, log_var = inputs
        return mu + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mu))


def encoder_trunk(images: Any) -> Any:
    """The four convolutions, (N, 128, 128, 3) to (N, 4096)."""
    x = images
    for index, filters in enumerate(FILTERS):
        x = layers.Conv2D(filters, 3, 2, padding="same", name=f"encoder_conv_{index}")(x)
        x = layers.LeakyReLU(name="leaky_re_lu" + (f"_{index}" if index else ""))(x)
    return layers.Flatten(name="flatten")(x)


def make_encoder(latent_dim: int = 200) -> keras.Model:
    """Images (N, 128, 128, 3) to (mu, log_var, sampled z), (N, d) each; 1,732,048 parameters."""
    images = keras.Input((128, 128, 3), name="encoder_input")
    x = encoder_trunk(images)
    mu = layers.Dense(latent_dim, name="mu")(x)
    log_var = layers.Dense(latent_dim, name="log_var")(x)
    z = Sampling(name="encoder_output")([mu, log_var])
    return keras.Model(images, [mu, log_var, z], name="Encoder")


def make_decoder(latent_dim: int = 200) -> keras.Model:
    """Codes (N, d) to images (N, 128, 128, 3) in [0, 1]; 916,483 parameters."""
    code = keras.Input((latent_dim,), name="decoder_input")
    x = layers.Dense(4096, name="dense")(code)
    x = layers.Reshape((8, 8, 64), name="reshape")(x)
    for index, filters in enumerate((64, 64, 32, 3)):
        up = layers.Conv2DTranspose(
            filters, 3, strides=2, padding="same", name=f"decoder_conv_{index}"
        )
        x = up(x)
        if index < 3:
            x = layers.LeakyReLU(name=f"leaky_re_lu_{index + 4}")(x)
    x = layers.Activation("sigmoid", name="activation")(x)
    return keras.Model(code, x, name="Decoder")


def before_sigmoid(decoder: keras.Model) -> keras.Model:
    """The decoder of `make_decoder` without its last activation; the weights are shared."""
    return keras.Model(decoder.input, decoder.get_layer("decoder_conv_3").output)


@keras.saving.register_keras_serializable("tfgenxai")
class ConvVAE(VariationalModel):
    """Mean-squared error weighted by `loss_factor`, plus the summed KL.

    `loss_factor=1` is the published loss, whose KL term outweighs an error averaged over 49,152
    values, so that latents collapse; 10,000 is the weight of its authors' sibling notebook.
    """

    image_shape = (128, 128, 3)

    def __init__(
        self,
        latent_dim: int = 200,
        *,
        loss_factor: float = 10_000.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        self.loss_factor = loss_factor
        self.encoder = make_encoder(latent_dim)
        self.decoder = make_decoder(latent_dim)
        self.decoder_logits = before_sigmoid(self.decoder)
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "mse", "kl")]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 5e-4, as published."""
        return keras.optimizers.Adam(5e-4 if learning_rate is None else learning_rate)

    def encode(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Posterior mean and log-variance (N, d) each, of images (N, 128, 128, 3) in [0, 1]."""
        mu, log_var, _ = self.encoder(x)
        return mu, log_var

    def decode(self, z: tf.Tensor, apply_sigmoid: bool = False) -> tf.Tensor:
        """Logits (N, 128, 128, 3) of codes (N, d), or with `apply_sigmoid` images in [0, 1]."""
        return self.decoder(z) if apply_sigmoid else self.decoder_logits(z)

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """`loss_factor` times the squared error (mean over pixels) plus the KL in nats."""
        mean, logvar = self.encode(images)
        restored = self.decode(self.draw_posterior(mean, logvar), apply_sigmoid=True)
        mse = tf.reduce_mean(tf.square(images - restored))
        kl = tf.reduce_mean(tf.reduce_sum(gaussian_kl(mean, logvar), axis=1))
        return {"loss": self.loss_factor * mse + kl, "mse": mse, "kl": kl}

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "loss_factor": self.loss_factor,
        }
