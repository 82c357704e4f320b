"""The DCGAN of the TensorFlow tutorial "Deep Convolutional Generative Adversarial Network"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.base import ExplainableModel, replica_share

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


def _cross_entropy(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean binary cross-entropy from logits, a scalar in nats."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits))


def discriminator_loss(real_output: tf.Tensor, fake_output: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of real logits against 1 plus fake logits against 0 (Goodfellow 2014)."""
    real = _cross_entropy(tf.ones_like(real_output), real_output)
    return real + _cross_entropy(tf.zeros_like(fake_output), fake_output)


def generator_loss(fake_output: tf.Tensor) -> tf.Tensor:
    """The non-saturating loss: cross-entropy of fake logits against 1 (Goodfellow 2014, §3)."""
    return _cross_entropy(tf.ones_like(fake_output), fake_output)


@keras.saving.register_keras_serializable("tfgenxai")
class DCGAN(ExplainableModel):
    """Generator and discriminator, trained by one simultaneous update of both a batch.

    `fit` takes images in [0, 1]; the networks see [-1, 1].
    """

    image_shape = (28, 28, 1)
    validates = False

    def __init__(self, noise_dim: int = NOISE_DIM, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.latent_dim = noise_dim
        self.generator = make_generator_model(noise_dim)
        self.discriminator = make_discriminator_model()
        names = ("generator_loss", "discriminator_loss", "real_accuracy", "fake_accuracy")
        self.trackers = [keras.metrics.Mean(name) for name in names]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-4 for the generator; `compile` makes the discriminator's twin of it."""
        return keras.optimizers.Adam(1e-4 if learning_rate is None else learning_rate)

    def compile(self, optimizer: Any, discriminator_optimizer: Any = None, **kwargs: Any) -> None:
        """`optimizer` trains the generator; the discriminator's is a twin of it by default."""
        super().compile(optimizer=optimizer, **kwargs)
        if discriminator_optimizer is None:
            discriminator_optimizer = self.optimizer.from_config(self.optimizer.get_config())
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        self.optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

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

    def generate(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images (N, 28, 28, 1) in [0, 1] of noise (N, 100)."""
        return 0.5 * (self.generator(z, training=training) + 1.0)

    def discriminate(self, images: tf.Tensor) -> tf.Tensor:
        """Logits (N, 1) of images in [0, 1]; above 0 the image is taken for real."""
        return self.discriminator(2.0 * images - 1.0, training=False)

    def sample(self, eps: tf.Tensor | None = None) -> tf.Tensor:
        """Images (N, 28, 28, 1) in [0, 1] of noise `eps` (N, 100), by default 100 draws."""
        return self.generate(tf.random.normal((100, self.latent_dim)) if eps is None else eps)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The generator's images in [0, 1] of noise (N, 100)."""
        return self.generate(inputs, training=training)

    def previews(self, images: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the generator draws from the same noise every time."""
        return {"samples": self.sample(eps)}

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of both networks on the same batch, as the tutorial does."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        noise = self.noise((tf.shape(images)[0], self.latent_dim))
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fakes = self.generator(noise, training=True)
            real_output = self.discriminator(2.0 * images - 1.0, training=True)
            fake_output = self.discriminator(fakes, training=True)
            g_loss = generator_loss(fake_output)
            d_loss = discriminator_loss(real_output, fake_output)
            g_share, d_share = replica_share(g_loss), replica_share(d_loss)
        for tape, loss, network, optimizer in (
            (g_tape, g_share, self.generator, self.optimizer),
            (d_tape, d_share, self.discriminator, self.discriminator_optimizer),
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        values = {
            "generator_loss": g_loss,
            "discriminator_loss": d_loss,
            "real_accuracy": tf.reduce_mean(tf.cast(real_output > 0, tf.float32)),
            "fake_accuracy": tf.reduce_mean(tf.cast(fake_output < 0, tf.float32)),
        }
        return self.report(values, images)

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """generate, discriminate and sample; `serving_default` is `generate`."""
        code = tf.TensorSpec((None, self.latent_dim), tf.float32, name="z")

        @tf.function(input_signature=[code])
        def generate(z: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": self.generate(z)}

        @tf.function(input_signature=[self.image_spec()])
        def discriminate(image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"logits": self.discriminate(image)}

        @tf.function(input_signature=[tf.TensorSpec((), tf.int32, name="count")])
        def sample(count: tf.Tensor) -> dict[str, tf.Tensor]:
            z = tf.random.normal((count, self.latent_dim))
            return {"z": z, "image": self.generate(z)}

        return {
            "generate": generate,
            "discriminate": discriminate,
            "sample": sample,
            "serving_default": generate,
        }

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"noise_dim": self.latent_dim}
