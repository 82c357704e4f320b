"""The GAN and the conditional GAN with self-attention that explanations of GANs are shown on."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.errors import UsageError
from tfgenxai.models.adversarial import AdversarialModel, trackers, verdicts, with_label
from tfgenxai.models.gan_losses import LOSSES
from tfgenxai.models.layers import label_input, label_plane, res_up, self_attention, spectral

LATENT_DIM = 150
ATTENTION_SIZES = (0, 14, 28)


def make_generator(
    latent_dim: int = LATENT_DIM,
    *,
    num_classes: int = 0,
    attention: int = 14,
    pool_keys: bool = False,
) -> keras.Model:
    """Codes (N, 150), and labels (N,) if there are classes, to images (N, 28, 28, 1) in [-1, 1].

    `attention` is the side of the feature maps that attend to themselves: 14, 28, or 0 for none.
    """
    z = keras.Input((latent_dim,), name="z")
    label = label_input(num_classes)
    x = layers.Dense(7 * 7 * 128, name="generator_dense")(z)
    x = layers.Reshape((7, 7, 128), name="generator_reshape")(x)
    if label:
        plane = label_plane(label[0], num_classes, 7, 7, "generator_label")
        x = layers.Concatenate(name="generator_concat")([x, plane])
    x = res_up(x, 64, "generator_up_0")
    if attention == 14:
        x = self_attention(x, "generator_attention", pool_keys=pool_keys)
    x = res_up(x, 32, "generator_up_1")
    x = layers.BatchNormalization(name="generator_bn")(x)
    x = layers.ReLU(name="generator_relu")(x)
    if attention == 28:
        x = self_attention(x, "generator_attention", pool_keys=pool_keys)
    x = layers.Conv2D(1, 3, padding="same", activation="tanh", name="generator_conv")(x)
    return keras.Model([z, *label] if label else z, x, name="generator")


def discriminator_trunk(
    *, num_classes: int = 0, attention: bool = True, pool_keys: bool = False
) -> tuple[Any, Any]:
    """Keras inputs, images (N, 28, 28, 1) in [-1, 1] and perhaps labels, and features (N, 4096).

    The first feature maps, 14x14, attend to themselves with `attention`.
    """
    image = keras.Input((28, 28, 1), name="image")
    label = label_input(num_classes)
    x = image
    if label:
        plane = label_plane(label[0], num_classes, 28, 28, "discriminator_label")
        x = layers.Concatenate(name="discriminator_concat")([x, plane])
    for index, filters in enumerate((64, 128, 256)):
        conv = layers.Conv2D(
            filters, 4, strides=2, padding="same", name=f"discriminator_conv_{index}"
        )
        x = spectral(conv)(x)
        x = layers.LeakyReLU(0.2, name=f"discriminator_leaky_relu_{index}")(x)
        if index == 0 and attention:
            name = "discriminator_attention"
            x = self_attention(x, name, pool_keys=pool_keys, normalised=True)
    features = layers.Flatten(name="discriminator_flatten")(x)
    return [image, *label] if label else image, features


def make_discriminator(**options: Any) -> keras.Model:
    """Images in [-1, 1], and perhaps labels, to logits (N, 1); options of the trunk."""
    inputs, features = discriminator_trunk(**options)
    logits = spectral(layers.Dense(1, name="discriminator_dense"))(features)
    return keras.Model(inputs, logits, name="discriminator")


@keras.saving.register_keras_serializable("tfgenxai")
class GAN(AdversarialModel):
    """Residual generator and spectrally normalised discriminator, both with self-attention.

    Args:
        latent_dim: dimensions d of the standard normal code.
        num_classes: above 0, the conditional GAN: learnt planes of the label stand beside the
            generator's first feature maps and beside the discriminator's image.
        loss: `hinge` or `cross_entropy`.
        attention: side of the generator's feature maps that attend to themselves: 14, 28, or 0
            for a GAN without attention; the discriminator's are 14x14.
        pool_keys: attention to 2x2 maxima, a fourth of the keys (Brock et al. 2019).
        average: decay of the running average of the generator's weights, which draws; 0 for none.
        discriminator_rate: the discriminator's learning rate over the generator's (Heusel et al.
            2017); 4 is the SAGAN's (Zhang et al. 2019).
    """

    def __init__(
        self,
        latent_dim: int = LATENT_DIM,
        *,
        num_classes: int = 0,
        loss: str = "hinge",
        attention: int = 14,
        pool_keys: bool = False,
        average: float = 0.999,
        discriminator_rate: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if loss not in LOSSES:
            raise UsageError(f"There is no loss {loss!r}; choose from {', '.join(LOSSES)}.")
        if attention not in ATTENTION_SIZES:
            raise UsageError(f"attention is 0, 14 or 28, not {attention!r}.")
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = latent_dim
        self.num_classes = num_classes
        self.loss_name = loss
        self.attention = attention
        self.pool_keys = pool_keys
        self.discriminator_rate = discriminator_rate
        self.generator = make_generator(
            latent_dim, num_classes=num_classes, attention=attention, pool_keys=pool_keys
        )
        self.discriminator = make_discriminator(
            num_classes=num_classes, attention=bool(attention), pool_keys=pool_keys
        )
        self.keep_average(average)
        self.trackers = trackers()
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-4 with the SAGAN's moments, 0 and 0.9."""
        rate = 1e-4 if learning_rate is None else learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.9)

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Both losses; a conditional model draws the labels of the batch."""
        label = labels if self.num_classes else None
        real = 2.0 * images - 1.0
        fake = self.generator(with_label(self.draw_codes(images), label), training=training)
        both = None if label is None else tf.concat([label, label], axis=0)
        output = self.discriminator(
            with_label(tf.concat([real, fake], axis=0), both), training=training
        )
        real_output, fake_output = tf.split(output, 2)
        for_discriminator, for_generator = LOSSES[self.loss_name]
        return {
            "generator_loss": for_generator(fake_output),
            "discriminator_loss": for_discriminator(real_output, fake_output),
            **verdicts(real_output, fake_output),
        }

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "num_classes": self.num_classes,
            "loss": self.loss_name,
            "attention": self.attention,
            "pool_keys": self.pool_keys,
            "average": self.average,
            "discriminator_rate": self.discriminator_rate,
        }
