"""The plain autoencoder: the Stuttgart VAE's networks around a deterministic code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.base import ExplainableModel, side_by_side
from tfgenxai.models.conv_vae import before_sigmoid, encoder_trunk, make_decoder


@keras.saving.register_keras_serializable("tfgenxai")
class Autoencoder(ExplainableModel):
    """Minimises the mean-squared error of 128x128x3 images through `latent_dim` numbers."""

    image_shape = (128, 128, 3)

    def __init__(self, latent_dim: int = 200, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        images = keras.Input(self.image_shape, name="encoder_input")
        code = layers.Dense(latent_dim, name="code")(encoder_trunk(images))
        self.encoder = keras.Model(images, code, name="Encoder")
        self.decoder = make_decoder(latent_dim)
        self.decoder_logits = before_sigmoid(self.decoder)
        self.trackers = [keras.metrics.Mean("loss"), keras.metrics.Mean("mse")]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 5e-4, as its VAE."""
        return keras.optimizers.Adam(5e-4 if learning_rate is None else learning_rate)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Reconstructions (N, 128, 128, 3) in [0, 1]."""
        return self.decoder(self.encoder(inputs))

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reconstructions beside their originals."""
        return {"reconstructions": side_by_side(images, self(images))}

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """The squared error, averaged over pixels, channels and images."""
        mse = tf.reduce_mean(tf.square(images - self.call(images)))
        return {"loss": mse, "mse": mse}

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """encode, decode and reconstruct; `mean` and `z` of encode are both the code.

        There is no `logvar`, since the code has no spread, and no `sample`, since it has no prior.
        """
        code = tf.TensorSpec((None, self.latent_dim), tf.float32, name="z")

        @tf.function(input_signature=[self.image_spec()])
        def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
            code = self.encoder(image)
            return {"mean": code, "z": code}

        @tf.function(input_signature=[code])
        def decode(z: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = self.decoder_logits(z)
            return {"logits": logits, "image": tf.sigmoid(logits)}

        @tf.function(input_signature=[self.image_spec()])
        def reconstruct(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": self.call(image)}

        return {
            "encode": encode,
            "decode": decode,
            "reconstruct": reconstruct,
            "serving_default": reconstruct,
        }

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"latent_dim": self.latent_dim}
