"""Blocks that several GANs share: upsampling, self-attention, labels, spectral normalisation.

Each block is built of Keras' own layers under the block's name, so that all of them are found by
name in the model, on its card and in the frozen graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

LABEL_WIDTH = 50


@keras.saving.register_keras_serializable("tfgenxai")
class Gain(layers.Layer):
    """The input times one number that is learnt, 0 at first."""

    def build(self, input_shape: Any) -> None:
        """Makes the number."""
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")

    def call(self, inputs: Any) -> Any:
        """`gain * inputs`, same shape."""
        return self.gain * inputs


def spectral(layer: layers.Layer) -> layers.Layer:
    """`layer` with its kernel held at spectral norm 1, by one power iteration a training pass.

    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018. The
    normalised kernel takes the place of the stored one: what is exported is a plain layer.
    """
    return layers.SpectralNormalization(layer, name=layer.name)


def batch_norm(x: Any, name: str) -> Any:
    """Batch normalisation as it comes, shape kept."""
    return layers.BatchNormalization(name=name)(x)


def res_up(
    x: Any,
    filters: int,
    name: str,
    *,
    up: tuple[int, int] = (2, 2),
    kernels: tuple[int, int] = (3, 3),
    norm: Callable[[Any, str], Any] = batch_norm,
    conv: type[layers.Layer] | Callable[..., layers.Layer] = layers.Conv2D,
) -> Any:
    """(N, H, W, C) -> (N, up[0] H, up[1] W, filters): two convolutions beside a 1x1 one.

    The pre-activation block with nearest upsampling of Brock et al. 2019, figure 15. `norm(x,
    name)` normalises, conditionally or not; `conv` makes the three convolutions.
    """
    inner = norm(x, f"{name}_bn_0")
    inner = layers.ReLU(name=f"{name}_relu_0")(inner)
    inner = layers.UpSampling2D(up, name=f"{name}_up")(inner)
    inner = conv(filters, kernels[0], padding="same", name=f"{name}_conv_0")(inner)
    inner = norm(inner, f"{name}_bn_1")
    inner = layers.ReLU(name=f"{name}_relu_1")(inner)
    inner = conv(filters, kernels[1], padding="same", name=f"{name}_conv_1")(inner)
    # A 1x1 convolution and nearest upsampling may change places; this way round it is cheaper.
    shortcut = conv(filters, 1, name=f"{name}_shortcut")(x)
    shortcut = layers.UpSampling2D(up, name=f"{name}_shortcut_up")(shortcut)
    return layers.Add(name=name)([inner, shortcut])


def self_attention(x: Any, name: str, *, pool_keys: bool = False, normalised: bool = False) -> Any:
    """`x + gain * attention(x)`, (N, H, W, C); the gain is 0 at first, so that it starts as `x`.

    Zhang et al., "Self-Attention Generative Adversarial Networks", 2019, eq. 1 to 3. The layer
    `{name}_map` gives the attention map (N, HW, K): row q says how much query pixel
    q = row * W + column takes from each of the K keys, in the same order; rows sum to 1.

    Args:
        x: Keras tensor (N, H, W, C), C a multiple of 8; W may be free.
        pool_keys: keys and values are 2x2 maxima, K = HW / 4, and values have C / 2 channels
            (Brock et al. 2019); otherwise K = HW, and they have C / 8.
        normalised: spectral normalisation of the four 1x1 convolutions.
    """
    height, _, channels = x.shape[1:]

    def conv(filters: int, part: str) -> layers.Layer:
        layer = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_{part}")
        return spectral(layer) if normalised else layer

    value_filters = channels // (2 if pool_keys else 8)
    query = conv(channels // 8, "query")(x)
    key = conv(channels // 8, "key")(x)
    value = conv(value_filters, "value")(x)
    if pool_keys:
        key = layers.MaxPooling2D(name=f"{name}_key_pool")(key)
        value = layers.MaxPooling2D(name=f"{name}_value_pool")(value)
    query = layers.Reshape((-1, channels // 8), name=f"{name}_queries")(query)
    key = layers.Reshape((-1, channels // 8), name=f"{name}_keys")(key)
    value = layers.Reshape((-1, value_filters), name=f"{name}_values")(value)
    scores = layers.Dot(axes=(2, 2), name=f"{name}_scores")([query, key])
    weights = layers.Softmax(name=f"{name}_map")(scores)
    mixed = layers.Dot(axes=(2, 1), name=f"{name}_mixed")([weights, value])
    mixed = layers.Reshape((height, -1, value_filters), name=f"{name}_pixels")(mixed)
    mixed = conv(channels, "output")(mixed)
    mixed = Gain(name=f"{name}_gain")(mixed)
    return layers.Add(name=name)([x, mixed])


def label_plane(label: Any, num_classes: int, height: int, width: int, name: str) -> Any:
    """Labels (N,) as one learnt plane each, (N, height, width, 1), to put beside feature maps."""
    plane = layers.Embedding(num_classes, LABEL_WIDTH, name=f"{name}_embedding")(label)
    plane = layers.Dense(height * width, name=f"{name}_dense")(plane)
    return layers.Reshape((height, width, 1), name=f"{name}_plane")(plane)


def label_input(num_classes: int) -> list[Any]:
    """The Keras input of a conditional network's labels (N,) int64; nothing for 0 classes."""
    return [keras.Input((), dtype="int64", name="label")] if num_classes else []
