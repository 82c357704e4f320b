"""The BiGAN: a GAN with an encoder, learnt beside it against one discriminator of pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.errors import UsageError
from tfgenxai.models.adversarial import AdversarialModel, trackers, verdicts
from tfgenxai.models.base import side_by_side
from tfgenxai.models.gan_losses import discriminator_loss
from tfgenxai.models.layers import spectral
from tfgenxai.models.prior import uniform

LATENT_DIM = 50
PIXELS = 28 * 28
WIDTH = 1024
NORMALISED = ("batch", "spectral")


def make_generator(latent_dim: int = LATENT_DIM) -> keras.Model:
    """Codes (N, 50) to images (N, 28, 28, 1) in [-1, 1]."""
    return keras.Sequential(
        [
            keras.Input((latent_dim,), name="z"),
            layers.Dense(WIDTH, use_bias=False, name="generator_dense_0"),
            layers.BatchNormalization(name="generator_bn_0"),
            layers.ReLU(name="generator_relu_0"),
            layers.Dense(WIDTH, use_bias=False, name="generator_dense_1"),
            layers.BatchNormalization(name="generator_bn_1"),
            layers.ReLU(name="generator_relu_1"),
            layers.Dense(PIXELS, activation="tanh", name="generator_dense_2"),
            layers.Reshape((28, 28, 1), name="generator_reshape"),
        ],
        name="generator",
    )


def make_encoder(latent_dim: int = LATENT_DIM) -> keras.Model:
    """Images (N, 28, 28, 1) in [-1, 1] to codes (N, 50)."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Flatten(name="encoder_flatten"),
            layers.Dense(WIDTH, name="encoder_dense_0"),
            layers.LeakyReLU(0.2, name="encoder_leaky_relu_0"),
            layers.Dense(WIDTH, use_bias=False, name="encoder_dense_1"),
            layers.BatchNormalization(name="encoder_bn_1"),
            layers.LeakyReLU(0.2, name="encoder_leaky_relu_1"),
            layers.Dense(latent_dim, name="encoder_dense_2"),
        ],
        name="encoder",
    )


def make_discriminator(latent_dim: int = LATENT_DIM, *, normalised: str = "batch") -> keras.Model:
    """Pairs of images (N, 28, 28, 1) in [-1, 1] and codes (N, 50) to logits (N, 1).

    `normalised` by the statistics of the batch, as published, or by `spectral` norms.
    """

    def dense(units: int, name: str, **options: Any) -> Any:
        layer = layers.Dense(units, name=name, **options)
        return spectral(layer) if normalised == "spectral" else layer

    batch = normalised == "batch"
    image = keras.Input((28, 28, 1), name="image")
    z = keras.Input((latent_dim,), name="z")
    pixels = layers.Flatten(name="discriminator_flatten")(image)
    x = layers.Concatenate(name="discriminator_concat")([pixels, z])
    x = dense(WIDTH, "discriminator_dense_0")(x)
    x = layers.LeakyReLU(0.2, name="discriminator_leaky_relu_0")(x)
    x = dense(WIDTH, "discriminator_dense_1", use_bias=not batch)(x)
    if batch:
        x = layers.BatchNormalization(name="discriminator_bn_1")(x)
    x = layers.LeakyReLU(0.2, name="discriminator_leaky_relu_1")(x)
    logits = dense(1, "discriminator_dense_2")(x)
    return keras.Model([image, z], logits, name="discriminator")


@keras.saving.register_keras_serializable("tfgenxai")
class BiGAN(AdversarialModel):
    """Encoder E and generator G that make (x, E(x)) and (G(z), z) alike; codes are U(-1, 1).

    Where the discriminator can no longer tell the pairs apart, E inverts G (Donahue et al.,
    "Adversarial Feature Learning", 2017; the perceptrons for MNIST).

    Args:
        latent_dim: dimensions d of the code.
        normalised: what holds the discriminator back, `batch` statistics as published or
            `spectral` norms. A batch is of real pairs or of drawn ones: its statistics tell which.
    """

    def __init__(
        self,
        latent_dim: int = LATENT_DIM,
        *,
        normalised: str = "batch",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if normalised not in NORMALISED:
            raise UsageError(f"normalised is {' or '.join(NORMALISED)}, not {normalised!r}.")
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        self.normalised = normalised
        self.generator = make_generator(latent_dim)
        self.encoder = make_encoder(latent_dim)
        self.discriminator = make_discriminator(latent_dim, normalised=normalised)
        self.trackers = trackers()
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 2e-4 with beta_1 = 0.5, for both sides."""
        rate = 2e-4 if learning_rate is None else learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.5)

    def drawing_weights(self) -> list[Any]:
        """The encoder learns with the generator."""
        return self.generator.trainable_variables + self.encoder.trainable_variables

    def prior(self, eps: tf.Tensor) -> tf.Tensor:
        """Codes U(-1, 1) of standard normal draws (N, d)."""
        return uniform(eps)

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Codes (N, d) of images in [0, 1]."""
        return self.encoder(2.0 * images - 1.0, training=False)

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """G(E(x)) in [0, 1] of images in [0, 1]."""
        return self.generate(self.encode(images))

    def discriminate(self, images: tf.Tensor, label: tf.Tensor | None = None) -> tf.Tensor:
        """Logits (N, 1) of images in [0, 1], each paired with its own code."""
        images = tf.convert_to_tensor(images)
        return self.discriminator([2.0 * images - 1.0, self.encode(images)], training=False)

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """Samples, and reconstructions beside their originals."""
        pairs = side_by_side(images, self.reconstruct(images))
        return super().previews(images, eps) | {"reconstructions": pairs}

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Cross-entropy of telling the pairs apart, and of taking each kind for the other."""
        real, z = 2.0 * images - 1.0, self.draw_codes(images)
        code = self.encoder(real, training=training)
        fake = self.generator(z, training=training)
        real_output = self.discriminator([real, code], training=training)
        fake_output = self.discriminator([fake, z], training=training)
        return {
            "generator_loss": discriminator_loss(fake_output, real_output),
            "discriminator_loss": discriminator_loss(real_output, fake_output),
            **verdicts(real_output, fake_output),
        }

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """As every GAN, with `prior`, `encode` and `reconstruct`."""

        @tf.function(input_signature=[self.image_spec()])
        def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
            code = self.encode(image)
            return {"mean": code, "z": code}

        @tf.function(input_signature=[self.image_spec()])
        def reconstruct(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": self.reconstruct(image)}

        own = {"encode": encode, "reconstruct": reconstruct, "prior": self.prior_signature()}
        return super().export_signatures() | own

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"latent_dim": self.latent_dim, "normalised": self.normalised}
        return super().get_config() | own
