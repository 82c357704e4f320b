"""The three networks of the ScrabbleGAN, in the published size and in a small one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from tfgenxai.models.layers import res_up, self_attention, spectral
from tfgenxai.models.scrabble_layers import (
    CharacterCodes,
    Columns,
    Modulate,
    SideBySide,
    Slice,
    SumOverPlaces,
)

HEIGHT, CHARACTER_WIDTH = 32, 16
CHUNKS = 4
_PATCH = 4


@dataclass(frozen=True)
class Size:
    """How wide the networks are.

    Attributes:
        chunk: dimensions of each of the four chunks of a style code.
        generator: channels of a character's 4x4 patch and of the three blocks.
        discriminator: channels of the four blocks.
        recogniser: channels of the seven convolutions.
        generator_every: updates of discriminator and recogniser for one of the generator.
    """

    chunk: int
    generator: tuple[int, int, int, int]
    discriminator: tuple[int, int, int, int]
    recogniser: tuple[int, ...]
    generator_every: int


SIZES = {
    "full": Size(
        32, (512, 256, 128, 64), (64, 512, 1024, 1024), (64, 128, 256, 256, 512, 512, 512), 4
    ),
    "small": Size(8, (128, 64, 32, 16), (16, 32, 64, 64), (16, 32, 48, 48, 64, 64, 64), 1),
}
"""`full` is Fogel et al. 2020 (appendix); `small` trains on two CPU cores."""


def _initial() -> Any:
    return keras.initializers.RandomNormal(stddev=0.02)


def _conv(*args: Any, **kwargs: Any) -> layers.Layer:
    return spectral(layers.Conv2D(*args, kernel_initializer=_initial(), **kwargs))


def _dense(width: int, name: str, **kwargs: Any) -> layers.Layer:
    return spectral(layers.Dense(width, name=name, kernel_initializer=_initial(), **kwargs))


def make_generator(
    size: Size, characters: int, *, codes: int = 0, attention: bool = True
) -> keras.Model:
    """Styles (N, 4 chunk + codes) and characters (N, n) int64 to words (N, 32, 16 n, 1) in [-1, 1].

    The first chunk draws a patch of each character by the character's own filter; each other chunk,
    with `codes` behind all four, conditions one block's batch normalisation. `attention`: the last
    feature maps attend to themselves, to keys pooled 2x2.
    """
    chunk = size.chunk
    z = keras.Input((CHUNKS * chunk + codes,), name="z")
    label = keras.Input((None,), dtype="int64", name="label")
    chunks = [Slice(i * chunk, (i + 1) * chunk, name=f"chunk_{i}")(z) for i in range(CHUNKS)]
    if codes:
        code = Slice(CHUNKS * chunk, CHUNKS * chunk + codes, name="codes")(z)
        chunks[1:] = [
            layers.Concatenate(name=f"chunk_{i}_and_codes")([part, code])
            for i, part in enumerate(chunks[1:], 1)
        ]
    x = CharacterCodes(characters, name="generator_characters")([chunks[0], label])
    x = _dense(_PATCH**2 * size.generator[0], "generator_filters", use_bias=False)(x)
    x = SideBySide(_PATCH, name="generator_patches")(x)
    for i, filters in enumerate(size.generator[1:]):
        last = i == len(size.generator) - 2
        x = res_up(
            x,
            filters,
            f"generator_up_{i}",
            up=(2, 1) if last else (2, 2),
            kernels=(3, 1) if last else (3, 3),
            norm=_conditional_norm(chunks[i + 1]),
            conv=_conv,
        )
    if attention:
        x = self_attention(x, "generator_attention", pool_keys=True, normalised=True)
    x = layers.BatchNormalization(name="generator_bn")(x)
    x = layers.ReLU(name="generator_relu")(x)
    x = _conv(1, 3, padding="same", name="generator_conv")(x)
    x = layers.Activation("tanh", dtype="float32", name="generator_image")(x)
    return keras.Model([z, label], x, name="generator")


def _conditional_norm(style: Any) -> Callable[[Any, str], Any]:
    """Batch normalisation whose gain, 1 + W z, and bias, W' z, are the style's (N, c)."""

    def norm(x: Any, name: str) -> Any:
        channels = x.shape[-1]
        gain = _dense(channels, f"{name}_gain", use_bias=False)(style)
        bias = _dense(channels, f"{name}_bias", use_bias=False)(style)
        x = layers.BatchNormalization(center=False, scale=False, name=name)(x)
        return Modulate(name=f"{name}_modulate")([x, gain, bias])

    return norm


def make_discriminator(size: Size, *, code: int = 0, attention: bool = True) -> keras.Model:
    """Words (N, 32, W, 1) in [-1, 1] to logits (N, 1), and to Q's answer (N, code) if there is one.

    `attention`: the first block's feature maps attend to themselves, to keys pooled 2x2.
    """
    image = keras.Input((HEIGHT, None, 1), name="image")
    x: Any = image
    for i, filters in enumerate(size.discriminator):
        x = _res_down(x, filters, f"discriminator_down_{i}", first=i == 0, half=i < 3)
        if i == 0 and attention:
            x = self_attention(x, "discriminator_attention", pool_keys=True, normalised=True)
    x = layers.ReLU(name="discriminator_relu")(x)
    features = SumOverPlaces(name="discriminator_sum")(x)
    logits = _dense(1, "discriminator_dense")(features)
    logits = layers.Activation("linear", dtype="float32", name="discriminator_logits")(logits)
    outputs = logits
    if code:
        hidden = layers.Dense(128, name="code_dense")(features)
        hidden = layers.LeakyReLU(0.1, name="code_leaky_relu")(hidden)
        outputs = [logits, layers.Dense(code, dtype="float32", name="code")(hidden)]
    return keras.Model(image, outputs, name="discriminator")


def _res_down(x: Any, filters: int, name: str, *, first: bool, half: bool) -> Any:
    """Two 3x3 convolutions beside a shortcut, halved by 2x2 means if `half` (Brock et al. 2019)."""
    inner = x if first else layers.ReLU(name=f"{name}_relu_0")(x)
    inner = _conv(filters, 3, padding="same", name=f"{name}_conv_0")(inner)
    inner = layers.ReLU(name=f"{name}_relu_1")(inner)
    inner = _conv(filters, 3, padding="same", name=f"{name}_conv_1")(inner)
    shortcut = x
    if half:
        inner = layers.AveragePooling2D(2, name=f"{name}_pool")(inner)
        shortcut = layers.AveragePooling2D(2, name=f"{name}_shortcut_pool")(shortcut)
    if half or x.shape[-1] != filters:
        # Means and a 1x1 convolution may change places; this way round it is a fourth.
        shortcut = _conv(filters, 1, name=f"{name}_shortcut")(shortcut)
    return layers.Add(name=name)([inner, shortcut])


def make_recogniser(widths: tuple[int, ...], characters: int) -> keras.Model:
    """Words (N, 32, 16 n, 1) in [-1, 1] to logits (N, 4 n - 1, characters + 1); class 0 is blank.

    The convolutions of Shi et al., "An End-to-End Trainable Neural Network for Image-based
    Sequence Recognition", 2016, without its recurrent layers, so that no language is learnt.
    """
    image = keras.Input((HEIGHT, None, 1), name="image")
    x: Any = image
    pools = {0: (2, 2), 1: (2, 2), 3: (2, 1), 5: (2, 1)}
    for i, filters in enumerate(widths):
        last = i == len(widths) - 1
        conv = layers.Conv2D(
            filters,
            2 if last else 3,
            padding="valid" if last else "same",
            kernel_initializer=_initial(),
            name=f"recogniser_conv_{i}",
        )
        x = conv(x)
        if i in (2, 4, 6):
            x = layers.BatchNormalization(momentum=0.9, name=f"recogniser_bn_{i}")(x)
        x = layers.ReLU(name=f"recogniser_relu_{i}")(x)
        if i in pools:
            x = layers.MaxPooling2D(pools[i], name=f"recogniser_pool_{i}")(x)
    x = Columns(name="recogniser_columns")(x)
    x = layers.Dense(
        characters + 1, kernel_initializer=_initial(), dtype="float32", name="recogniser_logits"
    )(x)
    return keras.Model(image, x, name="recogniser")
