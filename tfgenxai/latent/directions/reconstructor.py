"""R, which sees a pair of images and says along which direction, and how far, the second moved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfgenxai.errors import InvalidInputError, UsageError

_SMALLEST = 28  # what three 5x5 convolutions and two poolings leave a pixel of


class Reconstructor(keras.Model):
    """Two readings of a pair of images: logits of the direction, and epsilon.

    A subclass sets `trunk`, `direction_head` and `size_head`.
    """

    trunk: keras.Model
    direction_head: keras.Sequential
    size_head: keras.Sequential

    def call(self, pair: Any, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits (n, K) and epsilon (n,) of two batches of images (n, H, W, C) in [0, 1]."""
        features = self.trunk(tf.concat(pair, axis=-1), training=training)
        sizes = self.size_head(features, training=training)
        return self.direction_head(features, training=training), sizes[:, 0]


class LeNet(Reconstructor):
    """Voynov and Babenko's network for digits: 6, 16 and 120 channels 5x5, heads 120-84-K and -1.

    The first convolution is padded, so that 28x28 images end as one pixel; what is left of larger
    ones is averaged.

    Args:
        count: number of directions K.
        shape: (H, W, C) of an image.
        seed: of the initial weights.

    Raises:
        InvalidInputError: images smaller than 28x28.
    """

    def __init__(self, count: int, shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__(name="lenet")
        if min(shape[:2]) < _SMALLEST:
            raise InvalidInputError(
                f"The reconstructor 'lenet' reads images of {_SMALLEST} x {_SMALLEST} or more, not "
                f"{shape[0]} x {shape[1]}; take 'conv'."
            )
        start = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
        self.trunk = keras.Sequential(
            [
                *_convolution(6, 5, start, padding="same"),
                layers.MaxPooling2D(),
                *_convolution(16, 5, start),
                layers.MaxPooling2D(),
                *_convolution(120, 5, start),
                layers.GlobalAveragePooling2D(),
            ],
            name="trunk",
        )
        self.direction_head, self.size_head = (
            keras.Sequential([*_dense(84, start), layers.Dense(units, kernel_initializer=start)])
            for units in (count, 1)
        )


class Conv(Reconstructor):
    """A wider network: two 5x5 convolutions of stride 2, and convolutions for each answer.

    Channels 64 and 128, each followed by pooling; heads of 3x3 convolutions of stride 2, 256 and
    512 channels, and a layer of 250. It reads images of any size, and costs more than `LeNet`.

    Args:
        count, shape, seed: as for `LeNet`.
    """

    def __init__(self, count: int, shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__(name="conv")
        start = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
        halved = {"strides": 2, "padding": "same"}
        self.trunk = keras.Sequential(
            [
                *_convolution(64, 5, start, **halved),
                layers.MaxPooling2D(padding="same"),
                *_convolution(128, 5, start, **halved),
                layers.MaxPooling2D(padding="same"),
            ],
            name="trunk",
        )
        self.direction_head, self.size_head = (
            keras.Sequential(
                [
                    *_convolution(256, 3, start, **halved),
                    *_convolution(512, 3, start, **halved),
                    layers.Flatten(),
                    *_dense(250, start),
                    layers.Dense(units, kernel_initializer=start),
                ]
            )
            for units in (count, 1)
        )


class ResDown(Reconstructor):
    """Three residual blocks, each of half the size, averaged over height and width: for words.

    Since places are averaged, words of any length are read by as many weights. Heads of a layer of
    250 each.

    Args:
        count, shape, seed: as for `LeNet`.
        widths: channels of the blocks.
    """

    def __init__(
        self,
        count: int,
        shape: tuple[int, ...],
        seed: int = 0,
        *,
        widths: tuple[int, int, int] = (32, 64, 128),
    ) -> None:
        super().__init__(name="resdown")
        start = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
        pair = x = keras.Input((*shape[:2], 2 * shape[2]))
        for width in widths:
            inner: Any = x
            for layer in (
                *_convolution(width, 3, start, strides=2, padding="same"),
                layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer=start),
                _normalisation(),
            ):
                inner = layer(inner)
            halved = layers.AveragePooling2D(2, padding="same")(x)
            shortcut = layers.Conv2D(width, 1, use_bias=False, kernel_initializer=start)(halved)
            x = layers.ReLU()(layers.Add()([inner, shortcut]))
        self.trunk = keras.Model(pair, layers.GlobalAveragePooling2D()(x), name="trunk")
        self.direction_head, self.size_head = (
            keras.Sequential([*_dense(250, start), layers.Dense(units, kernel_initializer=start)])
            for units in (count, 1)
        )


RECONSTRUCTORS: dict[str, Callable[..., Reconstructor]] = {
    "lenet": LeNet,
    "conv": Conv,
    "resdown": ResDown,
    "resdown-full": partial(ResDown, widths=(256, 512, 1024)),
}


def make_reconstructor(name: str, count: int, shape: tuple[int, ...], seed: int = 0) -> Any:
    """A fresh network by its name, for `count` directions and images (H, W, C).

    Raises:
        UsageError: there is no such network.
        InvalidInputError: the images are too small for it.
    """
    if name not in RECONSTRUCTORS:
        raise UsageError(
            f"There is no reconstructor {name!r}; choose from {', '.join(RECONSTRUCTORS)}."
        )
    model = RECONSTRUCTORS[name](count, shape, seed)
    blank = tf.zeros((1, *shape))
    model((blank, blank))  # makes the weights
    return model


def _convolution(filters: int, size: int, start: Any, **options: Any) -> list[Any]:
    """Convolution, batch normalisation (which brings the bias) and ReLU."""
    conv = layers.Conv2D(filters, size, use_bias=False, kernel_initializer=start, **options)
    return [conv, _normalisation(), layers.ReLU()]


def _dense(units: int, start: Any) -> list[Any]:
    dense = layers.Dense(units, use_bias=False, kernel_initializer=start)
    return [dense, _normalisation(), layers.ReLU()]


def _normalisation() -> Any:
    # Trainings are short: with Keras' 0.99 the running averages would lag behind the weights.
    return layers.BatchNormalization(momentum=0.9)
