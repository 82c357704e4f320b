"""The InfoGAN: codes that the discriminator's twin reads back from what is drawn with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.errors import UsageError
from tfgenxai.models.adversarial import AdversarialModel, trackers, verdicts, with_label
from tfgenxai.models.base import log_normal_pdf
from tfgenxai.models.gan_losses import discriminator_loss, generator_loss
from tfgenxai.models.prior import one_hot, uniform


class CodedGAN(AdversarialModel):
    """A GAN part of whose input is a code, with a network Q that reads the code of an image.

    z = [noise U(-1, 1) | a category, one-hot | continuous codes U(-1, 1)], in this order. Q shares
    the discriminator's layers but for its head. Both losses hold the negative of the bound on the
    mutual information of code and image, of which the entropy of the codes, a constant, is left
    out (Chen et al., "InfoGAN: Interpretable Representation Learning", 2016, eq. 5 and 6). A
    subclass builds `generator`, and `discriminator` with the outputs logits (N, 1) and Q (N,
    categories + continuous).

    Args:
        noise: dimensions of the noise.
        categories: classes of the categorical code.
        continuous: number of continuous codes; Q takes them for Gaussian with variance 1.
        information: weight lambda of the bound in both losses.
    """

    def __init__(
        self,
        noise: int = 62,
        *,
        categories: int = 10,
        continuous: int = 2,
        information: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if noise < 1 or categories < 2 or continuous < 0:
            raise UsageError("At least one noise dimension and two categories are needed.")
        super().__init__(seed=seed, **kwargs)
        self.noise_dim = noise
        self.categories = categories
        self.continuous = continuous
        self.information = information
        self.latent_dim = noise + categories + continuous
        self.trackers = trackers(("category_loss", "continuous_loss", "category_accuracy"))
        self.built = True

    def split(self, z: tf.Tensor) -> list[tf.Tensor]:
        """Noise, category and continuous codes of `z` (N, d), in this order."""
        return tf.split(z, [self.noise_dim, self.categories, self.continuous], axis=-1)

    def prior(self, eps: tf.Tensor) -> tf.Tensor:
        """Codes (N, d) of standard normal draws (N, d)."""
        noise, category, continuous = self.split(eps)
        return tf.concat([uniform(noise), one_hot(category), uniform(continuous)], axis=-1)

    def discriminate(self, images: tf.Tensor, label: tf.Tensor | None = None) -> tf.Tensor:
        """Logits (N, 1) of images in [0, 1]; above 0 the image is taken for real."""
        return self.discriminator(with_label(2.0 * images - 1.0, label), training=False)[0]

    def infer(
        self, images: tf.Tensor, label: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Q of images in [0, 1]: logits of the category (N, K), means of the continuous codes."""
        _, code = self.discriminator(with_label(2.0 * images - 1.0, label), training=False)
        logits, mean = tf.split(code, [self.categories, self.continuous], axis=-1)
        return logits, mean

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Cross-entropies of the GAN, each with `information` times Q's negative log-likelihood."""
        label = labels if self.num_classes else None
        z = self.draw_codes(images)
        _, category, continuous = self.split(z)
        fake = self.generator(with_label(z, label), training=training)
        real_output, _ = self.discriminator(
            with_label(2.0 * images - 1.0, label), training=training
        )
        fake_output, code = self.discriminator(with_label(fake, label), training=training)
        logits, mean = tf.split(code, [self.categories, self.continuous], axis=-1)
        category_loss = tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(labels=category, logits=logits)
        )
        continuous_loss = -tf.reduce_mean(log_normal_pdf(continuous, mean, tf.zeros_like(mean)))
        penalty = self.information * (category_loss + continuous_loss)
        hits = tf.equal(tf.argmax(logits, axis=-1), tf.argmax(category, axis=-1))
        return {
            "generator_loss": generator_loss(fake_output) + penalty,
            "discriminator_loss": discriminator_loss(real_output, fake_output) + penalty,
            "category_loss": category_loss,
            "continuous_loss": continuous_loss,
            "category_accuracy": tf.reduce_mean(tf.cast(hits, tf.float32)),
            **verdicts(real_output, fake_output),
        }

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """As every GAN, with `prior`, and `infer` for Q."""
        labels = self.label_specs()

        @tf.function(input_signature=[self.image_spec(), *labels])
        def infer(image: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            logits, mean = self.infer(image, label)
            probabilities = tf.nn.softmax(logits)
            return {"logits": logits, "probabilities": probabilities, "continuous": mean}

        own = {"infer": infer, "prior": self.prior_signature()}
        return super().export_signatures() | own

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "noise": self.noise_dim,
            "categories": self.categories,
            "continuous": self.continuous,
            "information": self.information,
        }


def code_head(features: Any, width: int) -> Any:
    """Q's own layers: features (N, F) to `width` logits and means, by one hidden layer of 128."""
    x = layers.Dense(128, use_bias=False, name="code_dense")(features)
    x = layers.BatchNormalization(name="code_bn")(x)
    x = layers.LeakyReLU(0.1, name="code_leaky_relu")(x)
    return layers.Dense(width, name="code")(x)


def make_generator(latent_dim: int = 74) -> keras.Model:
    """Codes (N, 74) to images (N, 28, 28, 1) in [-1, 1]."""
    up = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((latent_dim,), name="z"),
            layers.Dense(1024, use_bias=False, name="generator_dense_0"),
            layers.BatchNormalization(name="generator_bn_0"),
            layers.ReLU(name="generator_relu_0"),
            layers.Dense(7 * 7 * 128, use_bias=False, name="generator_dense_1"),
            layers.BatchNormalization(name="generator_bn_1"),
            layers.ReLU(name="generator_relu_1"),
            layers.Reshape((7, 7, 128), name="generator_reshape"),
            layers.Conv2DTranspose(64, use_bias=False, name="generator_conv_0", **up),
            layers.BatchNormalization(name="generator_bn_2"),
            layers.ReLU(name="generator_relu_2"),
            layers.Conv2DTranspose(1, activation="tanh", name="generator_conv_1", **up),
        ],
        name="generator",
    )


def make_discriminator(code: int = 12) -> keras.Model:
    """Images (N, 28, 28, 1) in [-1, 1] to logits (N, 1) and Q's answer (N, 12)."""
    down = {"kernel_size": 4, "strides": 2, "padding": "same"}
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(64, name="discriminator_conv_0", **down)(image)
    x = layers.LeakyReLU(0.1, name="discriminator_leaky_relu_0")(x)
    x = layers.Conv2D(128, use_bias=False, name="discriminator_conv_1", **down)(x)
    x = layers.BatchNormalization(name="discriminator_bn_0")(x)
    x = layers.LeakyReLU(0.1, name="discriminator_leaky_relu_1")(x)
    x = layers.Flatten(name="discriminator_flatten")(x)
    x = layers.Dense(1024, use_bias=False, name="discriminator_dense_0")(x)
    x = layers.BatchNormalization(name="discriminator_bn_1")(x)
    x = layers.LeakyReLU(0.1, name="discriminator_leaky_relu_2")(x)
    logits = layers.Dense(1, name="discriminator_dense_1")(x)
    return keras.Model(image, [logits, code_head(x, code)], name="discriminator")


@keras.saving.register_keras_serializable("tfgenxai")
class InfoGAN(CodedGAN):
    """The published InfoGAN of MNIST.

    Args:
        average: decay of a running average of the generator's weights, which draws; 0, as
            published, for none.
    """

    discriminator_rate = 0.2

    def __init__(self, noise: int = 62, *, average: float = 0.0, **kwargs: Any) -> None:
        super().__init__(noise, **kwargs)
        self.generator = make_generator(self.latent_dim)
        self.discriminator = make_discriminator(self.categories + self.continuous)
        self.keep_average(average)

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-3 with beta_1 = 0.5; the discriminator's twin has a fifth of the rate."""
        rate = 1e-3 if learning_rate is None else learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.5)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"average": self.average}
