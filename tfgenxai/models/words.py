"""What the models of words share: an alphabet, images of free width, reading as a signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.models.base import ExplainableModel
from tfgenxai.models.reading import read
from tfgenxai.models.scrabble_networks import SIZES, Size

DIGITS = "0123456789"


class WordModel(ExplainableModel):
    """A model of images (N, 32, 16 n, 1) of words with n characters each.

    `fit` takes batches of words of one length: images in [0, 1] and characters (N, n) int64.
    """

    image_shape: tuple[int, int | None, int] = (32, None, 1)
    alphabet: str
    recogniser: keras.Model

    def read_logits(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The recogniser's logits (N, T, V + 1) of images in [0, 1]."""
        return self.recogniser(2.0 * images - 1.0, training=training)

    def recognise_signature(self, **more: Any) -> Callable[..., dict[str, tf.Tensor]]:
        """`recognise(image) -> {log_probabilities, text}`, and what the networks `more` give.

        They share the recogniser's layers, which so are in the graph once, each under one name.
        """
        outputs = [network.output for network in more.values()]
        whole = keras.Model(self.recogniser.input, [self.recogniser.output, *outputs])

        @tf.function(input_signature=[self.image_spec()])
        def recognise(image: tf.Tensor) -> dict[str, tf.Tensor]:
            logits, *found = tf.nest.flatten(whole(2.0 * image - 1.0, training=False))
            others = dict(zip(more, found, strict=True))
            return {"log_probabilities": tf.nn.log_softmax(logits), "text": read(logits), **others}

        return recognise


def checked_alphabet(alphabet: str) -> str:
    """`alphabet` if it is one.

    Raises:
        UsageError: it is empty, or a character stands in it twice.
    """
    if not alphabet or len(set(alphabet)) < len(alphabet):
        raise UsageError(f"An alphabet holds each of its characters once, not {alphabet!r}.")
    return alphabet


def size_named(name: str) -> Size:
    """The entry of `SIZES`.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in SIZES:
        raise UsageError(f"There is no size {name!r}; choose from {', '.join(SIZES)}.")
    return SIZES[name]
