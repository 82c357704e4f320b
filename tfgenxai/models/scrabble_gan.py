"""The ScrabbleGAN: words of any length, each character drawn by a filter of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgenxai.models.adversarial import AdversarialModel, trackers, verdicts
from tfgenxai.models.base import log_normal_pdf, replica_share
from tfgenxai.models.gan_losses import hinge_discriminator_loss, hinge_generator_loss
from tfgenxai.models.prior import one_hot, uniform
from tfgenxai.models.reading import reading_loss
from tfgenxai.models.scrabble_networks import (
    CHUNKS,
    make_discriminator,
    make_generator,
    make_recogniser,
)
from tfgenxai.models.words import DIGITS, WordModel, checked_alphabet, size_named

_TINY = 1e-7


@keras.saving.register_keras_serializable("tfgenxai")
class ScrabbleGAN(WordModel, AdversarialModel):
    """Generator with a filter for each character, discriminator, and a recogniser.

    Fogel et al., "ScrabbleGAN: Semi-Supervised Varying Length Handwritten Text Generation", 2020.
    The discriminator wants real strokes, the recogniser legible characters; both gradients meet
    on the drawn image, there balanced (section 3.3). The recogniser learns on real words only.

    z = [chunk 0 | chunk 1 | chunk 2 | chunk 3 | category, one-hot | continuous codes]. Codes, if
    there are any, are read back by Q from the discriminator's features, as in the InfoGAN.

    Args:
        alphabet: its characters, in the order of their indices.
        size: `small` or `full`.
        balance: alpha, the spread of the recogniser's gradient over the discriminator's.
        attention: self-attention before the last convolution, and after the discriminator's first
            block.
        average: decay of the running average of the generator's weights, which draws; 0 for none.
        categories, continuous: classes of a categorical style code, number of continuous ones.
        information: weight of the bound on the codes' mutual information in both losses.
        precision: `float32`, or `mixed_bfloat16` for GPUs that are faster in 16 bits.
    """

    def __init__(
        self,
        alphabet: str = DIGITS,
        *,
        size: str = "small",
        balance: float = 1.0,
        attention: bool = True,
        average: float = 0.999,
        categories: int = 0,
        continuous: int = 0,
        information: float = 1.0,
        precision: str = "float32",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.alphabet = checked_alphabet(alphabet)
        self.size = size
        self.balance = balance
        self.attention = attention
        self.categories, self.continuous = categories, continuous
        self.information = information
        self.precision = precision
        sizes = size_named(size)
        self.parts = sizes.generator_every
        self.style_dim = CHUNKS * sizes.chunk
        codes = categories + continuous
        self.latent_dim = self.style_dim + codes
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(precision)
        try:
            self.generator = make_generator(sizes, len(alphabet), codes=codes, attention=attention)
            self.discriminator = make_discriminator(sizes, code=codes, attention=attention)
            self.recogniser = make_recogniser(sizes.recogniser, len(alphabet))
        finally:
            keras.config.set_dtype_policy(before)
        names = ("recogniser_loss", "reading_loss", "gradient_balance")
        self.trackers = trackers((*names, "code_loss") if codes else names)
        self.keep_average(average)
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 2e-4 with moments 0 and 0.999, for all three networks."""
        rate = 2e-4 if learning_rate is None else learning_rate
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.999)

    def judging_weights(self) -> list[Any]:
        """Those of discriminator and recogniser."""
        return [*self.discriminator.trainable_variables, *self.recogniser.trainable_variables]

    # -- training ----------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of both judges on each part of the batch, then one of the generator.

        The published batch of 8 with one update of the generator in 4 is one of 32 here.
        """
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        number = tf.shape(images)[0]
        values: dict[str, tf.Tensor] = {}
        for part in range(self.parts):
            own = slice(part * number // self.parts, (part + 1) * number // self.parts)
            last = part == self.parts - 1
            values = self.update(2.0 * images[own] - 1.0, labels[own], part, generator=last)
        self.update_average()
        return self.report(values, images)

    def update(
        self, real: tf.Tensor, labels: tf.Tensor, draw: int, *, generator: bool
    ) -> dict[str, tf.Tensor]:
        """One update of the judges, and of the `generator` if asked for, on the same words.

        The generator writes the words of the batch in styles of its own. It is updated by the
        gradient of both judges on its images, taken before their update.

        Args:
            real: (N, 32, 16 n, 1) in [-1, 1].
            labels: (N, n).
            draw: tells this update's styles from those of others of the same step.
        """
        z = self.prior(self.noise((tf.shape(real)[0], self.latent_dim), draw))
        with tf.GradientTape() as g_tape:
            fake = self.generator([z, labels], training=True)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(fake)
            both = self.judge(tf.concat([real, fake], axis=0), training=True)
            real_output, fake_output = tf.split(both[0], 2)
            code_loss = self.code_loss(z, tf.split(both[1], 2)[1]) if self.has_codes else 0.0
            adversarial = hinge_generator_loss(fake_output) + self.information * code_loss
            d_loss = hinge_discriminator_loss(real_output, fake_output)
            r_loss = reading_loss(labels, self.recogniser(real, training=True))
            judges_loss = replica_share(d_loss + self.information * code_loss + r_loss)
            # Statistics of drawn words are kept out of the recogniser.
            legible = reading_loss(labels, self.recogniser(fake, training=False))
        weights = self.judging_weights()
        judges = tape.gradient(judges_loss, weights)
        values = {
            "generator_loss": adversarial,
            "discriminator_loss": d_loss,
            "recogniser_loss": r_loss,
            "reading_loss": legible,
            **({"code_loss": code_loss} if self.has_codes else {}),
            **verdicts(real_output, fake_output),
        }
        if generator:
            combined, factor = balanced(
                tape.gradient(adversarial, fake), tape.gradient(legible, fake), self.balance
            )
            values["gradient_balance"] = factor
            drawing = self.drawing_weights()
            drawn = g_tape.gradient(fake, drawing, output_gradients=replica_share(combined))
            self.optimizer.apply_gradients(zip(drawn, drawing, strict=True))
        self.discriminator_optimizer.apply_gradients(zip(judges, weights, strict=True))
        return values

    @property
    def has_codes(self) -> bool:
        """Whether z holds codes that Q reads back."""
        return self.latent_dim > self.style_dim

    def judge(self, images: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """Logits (N, 1) of images in [-1, 1], and Q's answer if there are codes."""
        output = self.discriminator(images, training=training)
        return output if self.has_codes else [output]

    def code_loss(self, z: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
        """Q's negative log-likelihood of the codes of `z`, a scalar in nats."""
        widths = [self.categories, self.continuous]
        category, continuous = tf.split(z[:, self.style_dim :], widths, axis=-1)
        logits, mean = tf.split(answer, widths, axis=-1)
        each = -log_normal_pdf(continuous, mean, tf.zeros_like(mean))
        if self.categories:
            each += tf.nn.softmax_cross_entropy_with_logits(labels=category, logits=logits)
        return tf.reduce_mean(each)

    # -- use ---------------------------------------------------------------------------------

    def prior(self, eps: tf.Tensor) -> tf.Tensor:
        """Standard normal styles, then a category, one-hot, and codes U(-1, 1)."""
        if not self.has_codes:
            return eps
        style, category, continuous = tf.split(
            eps, [self.style_dim, self.categories, self.continuous], axis=-1
        )
        drawn = [one_hot(category)] if self.categories else []
        return tf.concat([style, *drawn, uniform(continuous)], axis=-1)

    def discriminate(self, images: tf.Tensor, label: tf.Tensor | None = None) -> tf.Tensor:
        """Logits (N, 1) of words in [0, 1]; above 0 the word is taken for real."""
        return self.judge(2.0 * images - 1.0)[0]

    def sample(self, eps: tf.Tensor | None = None, label: tf.Tensor | None = None) -> tf.Tensor:
        """Words in [0, 1] of standard normal `eps` (N, d), by default 100 draws.

        Without characters `label` (N, n) it writes three of the alphabet's in turn.
        """
        eps = tf.random.normal((100, self.latent_dim)) if eps is None else eps
        if label is None:
            number = tf.shape(eps)[0]
            label = (tf.range(number)[:, None] + tf.range(3)[None]) % len(self.alphabet)
        return self.generate(self.prior(eps), label)

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Words in [0, 1] of styles (N, d) and characters (N, n)."""
        z, label = inputs
        return self.generate(z, label, training=training)

    # -- export ------------------------------------------------------------------------------

    def label_specs(self) -> list[tf.TensorSpec]:
        """The characters (N, n) int64 of `generate` and `sample`; n is free."""
        return [tf.TensorSpec((None, None), tf.int64, name="label")]

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """generate, discriminate, recognise, sample, and for codes `prior` and `infer`."""
        if self.precision != "float32":
            plain = type(self).from_config(self.get_config() | {"precision": "float32"})
            plain.set_weights(self.get_weights())
            return plain.export_signatures()
        code = tf.TensorSpec((None, self.latent_dim), tf.float32, name="z")

        @tf.function(input_signature=[code, *self.label_specs()])
        def generate(z: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": self.generate(z, label)}

        @tf.function(input_signature=[self.image_spec()])
        def discriminate(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"logits": self.discriminate(image)}

        @tf.function(input_signature=self.label_specs())
        def sample(label: tf.Tensor) -> dict[str, tf.Tensor]:
            z = self.prior(tf.random.normal((tf.shape(label)[0], self.latent_dim)))
            return {"z": z, "image": self.generate(z, label)}

        signatures = {
            "generate": generate,
            "discriminate": discriminate,
            "recognise": self.recognise_signature(),
            "sample": sample,
            "serving_default": generate,
        }
        if self.has_codes:
            signatures |= {"prior": self.prior_signature(), "infer": self.infer_signature()}
        return signatures

    def infer_signature(self) -> Callable[..., dict[str, tf.Tensor]]:
        """`infer(image) -> {logits, probabilities, continuous}`: Q's reading of the codes."""

        @tf.function(input_signature=[self.image_spec()])
        def infer(image: tf.Tensor) -> dict[str, tf.Tensor]:
            answer = self.judge(2.0 * image - 1.0)[1]
            logits, mean = tf.split(answer, [self.categories, self.continuous], axis=-1)
            read = {"continuous": mean} if self.continuous else {}
            if self.categories:
                read |= {"logits": logits, "probabilities": tf.nn.softmax(logits)}
            return read

        return infer

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {
            "alphabet": self.alphabet,
            "size": self.size,
            "balance": self.balance,
            "attention": self.attention,
            "average": self.average,
            "categories": self.categories,
            "continuous": self.continuous,
            "information": self.information,
            "precision": self.precision,
        }


def balanced(
    adversarial: tf.Tensor, legible: tf.Tensor, alpha: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """The gradient that the generator gets on its image, and the factor of the recogniser's.

    adversarial + a legible, a = alpha std(adversarial) / std(legible), so that neither judge
    drowns the other (Fogel et al. 2020, eq. 3, without shifting the mean).

    Args:
        adversarial, legible: gradients on the image, (N, 32, W, 1).
    """
    spread = tf.math.reduce_std(adversarial) / (_TINY + tf.math.reduce_std(legible))
    factor = alpha * spread
    return adversarial + factor * legible, factor
