"""The DCGAN of the TensorFlow tutorial "Deep Convolutional Generative Adversarial Network"."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.adversarial import AdversarialModel, trackers, verdicts
from tfgenxai.models.gan_losses import discriminator_loss, generator_loss

NOISE_DIM = 100


def make_generator_model(noise_dim: int = NOISE_DIM) -> keras.Sequential:
    """Noise (N, 100) to images (N, 28, 28, 1) in [-1, 1]; 2,330,944 parameters."""
    up = {"kernel_size": 5, "padding": "same", "use_bias": False}
    return keras.Sequential(
        [
            keras.Input((noise_dim,)),
            layers.Dense(7 * 7 * 256, use_bias=False, name="generator_dense"),
            layers.BatchNormalization(name="generator_bn_0"),
            layers.LeakyReLU(name="generator_leaky_relu_0"),
            layers.Reshape((7, 7, 256), name="generator_reshape"),
            layers.Conv2DTranspose(128, strides=1, name="generator_conv_0", **up),
            layers.BatchNormalization(name="generator_bn_1"),
            layers.LeakyReLU(name="generator_leaky_relu_1"),
            layers.Conv2DTranspose(64, strides=2, name="generator_conv_1", **up),
            layers.BatchNormalization(name="generator_bn_2"),
            layers.LeakyReLU(name="generator_leaky_relu_2"),
            layers.Conv2DTranspose(1, strides=2, activation="tanh", name="generator_conv_2", **up),
        ],
        name="generator",
    )


def make_discriminator_model() -> keras.Sequential:
    """Images (N, 28, 28, 1) in [-1, 1] to logits (N, 1), real above 0; 212,865 parameters."""
    down = {"kernel_size": 5, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, name="discriminator_conv_0", **down),
            layers.LeakyReLU(name="discriminator_leaky_relu_0"),
            layers.Dropout(0.3, name="discriminator_dropout_0"),
            layers.Conv2D(128, name="discriminator_conv_1", **down),
            layers.LeakyReLU(name="discriminator_leaky_relu_1"),
            layers.Dropout(0.3, name="discriminator_dropout_1"),
            layers.Flatten(name="discriminator_flatten"),
            layers.Dense(1, name="discriminator_dense"),
        ],
        name="discriminator",
    )


@keras.saving.register_keras_serializable("tfgenxai")
class DCGAN(AdversarialModel):
    """Generator and discriminator, trained by one simultaneous update of both a batch."""

    def __init__(self, noise_dim: int = NOISE_DIM, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = noise_dim
        self.generator = make_generator_model(noise_dim)
        self.discriminator = make_discriminator_model()
        self.trackers = trackers()
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-4 for the generator; `compile` makes the discriminator's twin of it."""
        return keras.optimizers.Adam(1e-4 if learning_rate is None else learning_rate)

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Both losses, as in the tutorial."""
        fakes = self.generator(self.draw_codes(images), training=training)
        real_output = self.discriminator(2.0 * images - 1.0, training=training)
        fake_output = self.discriminator(fakes, training=training)
        return {
            "generator_loss": generator_loss(fake_output),
            "discriminator_loss": discriminator_loss(real_output, fake_output),
            **verdicts(real_output, fake_output),
        }

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"noise_dim": self.latent_dim}
