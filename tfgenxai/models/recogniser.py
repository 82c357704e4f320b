"""The recogniser that judges drawn words: trained on real ones alone, apart from any generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.models.reading import misread, reading_loss
from tfgenxai.models.scrabble_networks import make_recogniser
from tfgenxai.models.words import DIGITS, WordModel, checked_alphabet, size_named


@keras.saving.register_keras_serializable("tfgenxai")
class Recogniser(WordModel):
    """Seven convolutions over the word, read by CTC.

    Args:
        alphabet: its characters, in the order of their indices.
        size: `small` or `full`.
    """

    def __init__(
        self, alphabet: str = DIGITS, *, size: str = "small", seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.alphabet = checked_alphabet(alphabet)
        self.size = size
        self.recogniser = make_recogniser(size_named(size).recogniser, len(alphabet))
        columns = self.recogniser.get_layer("recogniser_columns").output
        mean = layers.GlobalAveragePooling1D(name="recogniser_mean")(columns)
        self.features = keras.Model(self.recogniser.input, mean, name="features")
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "misread")]
        self.built = True

    @classmethod
    def default_optimizer(cls, learning_rate: Any = None) -> Any:
        """Adam at 1e-3."""
        return keras.optimizers.Adam(1e-3 if learning_rate is None else learning_rate)

    def losses(
        self, images: tf.Tensor, labels: tf.Tensor | None, training: bool = False
    ) -> dict[str, tf.Tensor]:
        """The CTC loss in nats a word, and edits over characters."""
        logits = self.read_logits(images, training=training)
        return {"loss": reading_loss(labels, logits), "misread": misread(labels, logits)}

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits (N, T, V + 1) of images in [0, 1]."""
        return self.read_logits(inputs, training=training)

    def export_signatures(self) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
        """`recognise`, with `features` (N, F), the mean over the word of the last feature maps."""
        recognise = self.recognise_signature(features=self.features)
        return {"recognise": recognise, "serving_default": recognise}

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"alphabet": self.alphabet, "size": self.size}
