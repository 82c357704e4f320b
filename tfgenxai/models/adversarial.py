"""The mechanics that all GANs here share: two optimizers, one update of both, their signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgenxai.models.base import ExplainableModel, replica_share

TRACKED = ("generator_loss", "discriminator_loss", "real_accuracy", "fake_accuracy")


class AdversarialModel(ExplainableModel):
    """A network that draws and one that judges, both updated on every batch.

    A subclass sets `latent_dim`, `generator` (codes to images in [-1, 1]), `discriminator` and
    `trackers`, and gives `losses` with at least `generator_loss` and `discriminator_loss`. `fit`
    takes images in [0, 1]; the networks see [-1, 1].
    """

    image_shape: tuple[int, int | None, int] = (28, 28, 1)
    validates = False
    latent_dim: int
    generator: keras.Model
    discriminator: keras.Model
    #: above 0, the networks take labels too
    num_classes: int = 0
    #: what `generate` draws with, where that is not the trained generator; see `keep_average`
    averaged: keras.Model | None = None
    #: the discriminator's learning rate over the generator's
    discriminator_rate: float = 1.0

    # -- training ----------------------------------------------------------------------------

    def compile(self, optimizer: Any, discriminator_optimizer: Any = None, **kwargs: Any) -> None:
        """`optimizer` trains the generator; the discriminator's is a twin of it by default."""
        super().compile(optimizer=optimizer, **kwargs)
        if discriminator_optimizer is None:
            config = scaled_rate(self.optimizer.get_config(), self.discriminator_rate)
            discriminator_optimizer = self.optimizer.from_config(config)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.optimizer.build(self.drawing_weights())
        self.discriminator_optimizer.build(self.judging_weights())

    def get_compile_config(self) -> dict[str, Any]:
        """Both optimizers, so that a Keras archive continues training."""
        optimizers = {
            "optimizer": self.optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }
        return {k: keras.saving.serialize_keras_object(v) for k, v in optimizers.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """The inverse of `get_compile_config`."""
        kwargs = {k: keras.saving.deserialize_keras_object(v) for k, v in config.items()}
        self.compile(**kwargs, jit_compile=False)

    def drawing_weights(self) -> list[Any]:
        """What `generator_loss` is minimised over."""
        return self.generator.trainable_variables

    def judging_weights(self) -> list[Any]:
        """What `discriminator_loss` is minimised over."""
        return self.discriminator.trainable_variables

    def train_step(self, data: Any) -> dict[str, Any]:
        """One simultaneous update of both sides on the same batch."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            values = self.losses(images, labels, training=True)
            g_share = replica_share(values["generator_loss"])
            d_share = replica_share(values["discriminator_loss"])
        for tape, loss, weights, optimizer in (
            (g_tape, g_share, self.drawing_weights(), self.optimizer),
            (d_tape, d_share, self.judging_weights(), self.discriminator_optimizer),
        ):
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.update_average()
        return self.report(values, images)

    def keep_average(self, decay: float) -> None:
        """Above 0, lets `generate` draw with a running average of the generator's weights."""
        self.average = decay
        if decay:
            config = self.generator.get_config() | {"name": "generator_average"}
            self.averaged = type(self.generator).from_config(config)
            self.averaged.trainable = False
            self.averaged.set_weights(self.generator.get_weights())

    def update_average(self) -> None:
        """average <- d * average + (1 - d) * weights, batch statistics included.

        d is the decay, less in the first steps: at most (1 + t) / (10 + t) after t updates, so
        that the initial weights are soon forgotten.
        """
        if self.averaged is None:
            return
        step = tf.cast(self.steps, tf.float32)
        decay = tf.minimum(self.average, (1.0 + step) / (10.0 + step))
        for mean, weight in zip(self.averaged.weights, self.generator.weights, strict=True):
            mean.assign(decay * mean + (1.0 - decay) * weight)

    # -- use ---------------------------------------------------------------------------------

    def prior(self, eps: tf.Tensor) -> tf.Tensor:
        """Codes of the model's prior, (N, d), made of standard normal draws (N, d)."""
        return eps

    def draw_codes(self, images: tf.Tensor) -> tf.Tensor:
        """As many codes as `images`, by the noise of the training step."""
        return self.prior(self.noise((tf.shape(images)[0], self.latent_dim)))

    def generate(
        self, z: tf.Tensor, label: tf.Tensor | None = None, *, training: bool = False
    ) -> tf.Tensor:
        """Images (N, H, W, C) in [0, 1] of codes (N, d), and labels (N,) if conditional."""
        network = self.generator if training or self.averaged is None else self.averaged
        return 0.5 * (network(with_label(z, label), training=training) + 1.0)

    def discriminate(self, images: tf.Tensor, label: tf.Tensor | None = None) -> tf.Tensor:
        """Logits (N, 1) of images in [0, 1]; above 0 the image is taken for real."""
        return self.discriminator(with_label(2.0 * images - 1.0, label), training=False)

    def sample(self, eps: tf.Tensor | None = None, label: tf.Tensor | None = None) -> tf.Tensor:
        """Images in [0, 1] of standard normal `eps` (N, d), by default 100 draws.

        Without `label`, a conditional model draws all labels in turn.
        """
        eps = tf.random.normal((100, self.latent_dim)) if eps is None else eps
        if self.num_classes and label is None:
            label = tf.range(tf.shape(eps)[0]) % self.num_classes
        return self.generate(self.prior(eps), label)

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """The generator's images in [0, 1] of codes (N, d); (codes, labels) if conditional."""
        z, label = inputs if self.num_classes else (inputs, None)
        return self.generate(z, label, training=training)

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the generator draws from the same noise every time."""
        return {"samples": self.sample(eps)}

    # -- export ------------------------------------------------------------------------------

    def label_specs(self) -> list[tf.TensorSpec]:
        """The `label` argument (N,) int64 of a conditional model's signatures, else nothing."""
        spec = tf.TensorSpec((None,), tf.int64, name="label")
        return [spec] if self.num_classes else []

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """generate, discriminate and sample; `serving_default` is `generate`."""
        code = tf.TensorSpec((None, self.latent_dim), tf.float32, name="z")
        labels = self.label_specs()

        @tf.function(input_signature=[code, *labels])
        def generate(z: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            return {"image": self.generate(z, label)}

        @tf.function(input_signature=[self.image_spec(), *labels])
        def discriminate(image: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            return {"logits": self.discriminate(image, label)}

        @tf.function(input_signature=labels or [tf.TensorSpec((), tf.int32, name="count")])
        def sample(count: tf.Tensor) -> dict[str, tf.Tensor]:
            number = tf.shape(count)[0] if labels else count
            z = self.prior(tf.random.normal((number, self.latent_dim)))
            return {"z": z, "image": self.generate(z, count if labels else None)}

        return {
            "generate": generate,
            "discriminate": discriminate,
            "sample": sample,
            "serving_default": generate,
        }

    def prior_signature(self) -> Callable[..., dict[str, tf.Tensor]]:
        """`prior(eps) -> {z}`, for a model whose codes are not standard normal."""
        spec = tf.TensorSpec((None, self.latent_dim), tf.float32, name="eps")

        @tf.function(input_signature=[spec])
        def prior(eps: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"z": self.prior(eps)}

        return prior

    def architecture(self) -> dict[str, Any]:
        """As every model; the average of the generator is no more parameters."""
        average = 0 if self.averaged is None else self.averaged.count_params()
        return super().architecture() | {"parameters": self.count_params() - average}


def verdicts(real_output: tf.Tensor, fake_output: tf.Tensor) -> dict[str, tf.Tensor]:
    """The shares of real and of drawn images that the discriminator judges rightly."""
    return {
        "real_accuracy": tf.reduce_mean(tf.cast(real_output > 0, tf.float32)),
        "fake_accuracy": tf.reduce_mean(tf.cast(fake_output < 0, tf.float32)),
    }


def trackers(names: Sequence[str] = ()) -> list[keras.metrics.Mean]:
    """Running means of what every GAN reports, and of `names`."""
    return [keras.metrics.Mean(name) for name in (*TRACKED, *names)]


def with_label(inputs: tf.Tensor, label: tf.Tensor | None) -> Any:
    """What a network takes: `inputs`, or both where there is a label."""
    if label is None:
        return inputs
    return [tf.convert_to_tensor(inputs), tf.convert_to_tensor(label)]


def scaled_rate(config: dict[str, Any], factor: float) -> dict[str, Any]:
    """An optimizer's configuration with its learning rate, or its schedule's, times `factor`."""
    rate = config["learning_rate"]
    if isinstance(rate, dict):
        inner = rate["config"]
        inner = inner | {"initial_learning_rate": factor * inner["initial_learning_rate"]}
        return config | {"learning_rate": rate | {"config": inner}}
    return config | {"learning_rate": factor * rate}
