"""What a generator of words is made of beside Keras' own layers; word lengths may be free."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfgenxai")
class Slice(layers.Layer):
    """Some columns of a code: (N, d) -> (N, stop - start)."""

    def __init__(self, start: int, stop: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start, self.stop = start, stop

    def call(self, inputs: Any) -> Any:
        """`inputs[:, start:stop]`."""
        return inputs[:, self.start : self.stop]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"start": self.start, "stop": self.stop}


@keras.saving.register_keras_serializable("tfgenxai")
class CharacterCodes(layers.Layer):
    """A code beside each character's one-hot vector: (N, c) and (N, n) -> (N, n, V c).

    The outer product of the two, flattened: all zero but for the c columns of the character. A
    dense layer without bias on top of it therefore has one matrix (c, m) for each character, the
    filter bank of Fogel et al., "ScrabbleGAN", 2020, section 3.1.
    """

    def __init__(self, characters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.characters = characters

    def call(self, inputs: Any) -> Any:
        """Codes (N, c) float and characters (N, n) int from 0."""
        code, label = inputs
        one_hot = ops.one_hot(label, self.characters, dtype=code.dtype)
        both = one_hot[:, :, :, None] * code[:, None, None, :]
        return ops.reshape(both, (-1, ops.shape(label)[1], self.characters * code.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(N, n, V c)."""
        code, label = input_shape
        return (label[0], label[1], self.characters * code[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"characters": self.characters}


@keras.saving.register_keras_serializable("tfgenxai")
class SideBySide(layers.Layer):
    """Patches one after the other along the width: (N, n, s s C) -> (N, s, s n, C)."""

    def __init__(self, side: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def call(self, inputs: Any) -> Any:
        """Patch i takes columns s i to s (i + 1)."""
        side, channels = self.side, inputs.shape[-1] // self.side**2
        number = ops.shape(inputs)[1]
        x = ops.reshape(inputs, (-1, number, side, side, channels))
        x = ops.transpose(x, (0, 2, 1, 3, 4))
        return ops.reshape(x, (-1, side, number * side, channels))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(N, s, s n, C)."""
        batch, number, size = input_shape
        width = None if number is None else number * self.side
        return (batch, self.side, width, size // self.side**2)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return super().get_config() | {"side": self.side}


@keras.saving.register_keras_serializable("tfgenxai")
class Modulate(layers.Layer):
    """`x (1 + gain) + bias`, feature maps (N, H, W, C) with a gain and a bias (N, C) each."""

    def call(self, inputs: Any) -> Any:
        """Three tensors: feature maps, gain, bias."""
        x, gain, bias = inputs
        return x * (1.0 + gain[:, None, None, :]) + bias[:, None, None, :]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """That of the feature maps."""
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable("tfgenxai")
class SumOverPlaces(layers.Layer):
    """Feature maps added up over height and width: (N, H, W, C) -> (N, C)."""

    def call(self, inputs: Any) -> Any:
        """The sum, so that words of any length give one vector."""
        return ops.sum(inputs, axis=(1, 2))


@keras.saving.register_keras_serializable("tfgenxai")
class Columns(layers.Layer):
    """Feature maps one row high, read from left to right: (N, 1, T, C) -> (N, T, C)."""

    def call(self, inputs: Any) -> Any:
        """The row."""
        return ops.squeeze(inputs, axis=1)
