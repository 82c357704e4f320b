"""A small digit classifier: surrogate, labeller of generated images, and feature extractor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.base import ExplainableModel


@keras.saving.register_keras_serializable("tfgenxai")
class Classifier(ExplainableModel):
    """Two convolutions and two dense layers; trained with small random shifts of the digits.

    `features` (N, 128), the activations before the logits, are what the Fréchet distance uses.
    """

    image_shape = (28, 28, 1)

    def __init__(self, num_classes: int = 10, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.num_classes = num_classes
        conv = {"kernel_size": 3, "padding": "same", "activation": "relu"}
        self.network = keras.Sequential(
            [
                keras.Input(self.image_shape),
                layers.Conv2D(32, name="conv_0", **conv),
                layers.MaxPooling2D(name="pool_0"),
                layers.Conv2D(64, name="conv_1", **conv),
                layers.MaxPooling2D(name="pool_1"),
                layers.Flatten(name="flatten"),
                layers.Dropout(0.3, name="dropout_0"),
                layers.Dense(128, activation="relu", name="features"),
                layers.Dropout(0.3, name="dropout_1"),
                layers.Dense(num_classes, name="logits"),
            ],
            name="classifier",
        )
        self.trackers = [keras.metrics.Mean("loss"), keras.metrics.Mean("accuracy")]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-3."""
        return keras.optimizers.Adam(1e-3 if learning_rate is None else learning_rate)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits (N, classes) of images (N, 28, 28, 1) in [0, 1]."""
        return self.network(inputs, training=training)

    def shift(self, images: tf.Tensor, reach: int = 2) -> tf.Tensor:
        """The batch moved by up to `reach` pixels each way, anew every step."""
        offsets = tf.clip_by_value(
            tf.cast(tf.round(1.5 * self.noise((2,))), tf.int32), -reach, reach
        )
        padded = tf.pad(images, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
        height, width, channels = self.image_shape
        start = tf.stack([0, reach + offsets[0], reach + offsets[1], 0])
        return tf.slice(padded, start, [-1, height, width, channels])

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Mean cross-entropy in nats, and accuracy."""
        logits = self.call(self.shift(images) if training else images, training=training)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )
        hits = tf.equal(tf.argmax(logits, axis=1), tf.cast(labels, tf.int64))
        return {"loss": loss, "accuracy": tf.reduce_mean(tf.cast(hits, tf.float32))}

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """classify, which is also `serving_default`."""

        @tf.function(input_signature=[self.image_spec()])
        def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
            logits = self.call(image)
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        return {"classify": classify, "serving_default": classify}

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"num_classes": self.num_classes}
