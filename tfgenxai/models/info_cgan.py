"""The conditional GAN with the InfoGAN's codes: styles that emerge once the label is given."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tfgenxai.models.gan import discriminator_trunk, make_generator
from tfgenxai.models.infogan import CodedGAN, code_head
from tfgenxai.models.layers import spectral


def make_discriminator(num_classes: int = 10, code: int = 12) -> keras.Model:
    """Images in [-1, 1] and labels to logits (N, 1) and Q's answer (N, 12)."""
    inputs, features = discriminator_trunk(num_classes=num_classes)
    logits = spectral(layers.Dense(1, name="discriminator_dense"))(features)
    return keras.Model(inputs, [logits, code_head(features, code)], name="discriminator")


@keras.saving.register_keras_serializable("tfgenxai")
class InfoCGAN(CodedGAN):
    """Generator and discriminator of the conditional GAN, codes and Q of the InfoGAN.

    Content is asked for by the label, so that the category is free to tell styles apart.

    Args:
        num_classes: classes of the label.
        average: decay of the running average of the generator's weights, which draws; 0 for none.
    """

    def __init__(
        self, noise: int = 62, *, num_classes: int = 10, average: float = 0.999, **kwargs: Any
    ) -> None:
        super().__init__(noise, **kwargs)
        self.num_classes = num_classes
        self.generator = make_generator(self.latent_dim, num_classes=num_classes)
        self.discriminator = make_discriminator(num_classes, self.categories + self.continuous)
        self.keep_average(average)

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-4 with moments 0 and 0.9, for both sides, as for the conditional GAN."""
        rate = 1e-4 if learning_rate is None else learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.9)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"num_classes": self.num_classes, "average": self.average}
