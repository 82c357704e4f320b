"""A world of words that is known: digits of seven segments, who writes and who reads them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

import tfgenxai
from tfgenxai.data import ImageData
from tfgenxai.saved.card import write_card

ALPHABET = "0123456789"
LINE = 20  # the row of a line that joins the characters of a style


def glyphs() -> np.ndarray:
    """(10, 32, 16) in {0, 1}: digits of seven segments."""
    top, middle, foot = (np.s_[row : row + 2, 4:12] for row in (6, 15, 24))
    left, right = np.s_[4:6], np.s_[10:12]
    upper, lower = np.s_[6:17], np.s_[15:26]
    segments = {
        "a": top, "b": (upper, right), "c": (lower, right), "d": foot,
        "e": (lower, left), "f": (upper, left), "g": middle,
    }  # fmt: skip
    lit = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"]
    found = np.zeros((10, 32, 16), np.float32)
    for glyph, names in zip(found, lit, strict=True):
        for name in names:
            glyph[segments[name]] = 1
    return found


def writer(z: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """Words (N, 32, 16 n, 1) of styles (N, 2): a line where z0 > 0, grey ink where z1 > 0."""
    slots = tf.gather(tf.constant(glyphs()), label)  # (N, n, 32, 16)
    joined = tf.cast(z[:, 0] > 0, tf.float32)[:, None, None, None]
    line = tf.reshape(tf.one_hot(LINE, 32), (1, 1, 32, 1))
    slots = tf.maximum(slots, joined * line)
    slots *= 1.0 - 0.2 * tf.cast(z[:, 1] > 0, tf.float32)[:, None, None, None]
    shape = tf.shape(label)
    return tf.reshape(tf.transpose(slots, (0, 2, 1, 3)), (shape[0], 32, 16 * shape[1], 1))


def reader(image: tf.Tensor) -> dict[str, tf.Tensor]:
    """Each character of a word as the glyph that is nearest to its 16 columns, and features.

    T is 4 n - 1, as of the recogniser; a character after the end would be read in paper.
    """
    shape = tf.shape(image)
    slots = tf.reshape(image, (shape[0], 32, shape[2] // 16, 16))
    slots = tf.transpose(slots, (0, 2, 1, 3))[:, :, None]
    apart = tf.reduce_sum(tf.square(slots - tf.constant(glyphs())), (3, 4))
    text = tf.argmin(apart, axis=-1)
    length = shape[2] // 16
    padded = tf.pad(text, [[0, 0], [0, 3 * length - 1]], constant_values=-1)
    return {"text": padded, "features": tf.reduce_mean(apart, axis=1)}


def model_of(folder, *, recognise=None, generate=None, data="words", alphabet=ALPHABET):
    """A SavedModel with these signatures and a card, opened."""
    module = tf.Module()
    signatures = {}
    if generate is not None:
        codes = tf.TensorSpec((None, 2), tf.float32, name="z")
        label = tf.TensorSpec((None, None), tf.int64, name="label")
        module.generate = tf.function(
            lambda z, label: {"image": tf.ensure_shape(generate(z, label), (None, 32, None, 1))},
            input_signature=[codes, label],
        )
        signatures["generate"] = module.generate
    if recognise is not None:
        image = tf.TensorSpec((None, 32, None, 1), tf.float32, name="image")
        module.recognise = tf.function(recognise, input_signature=[image])
        signatures["recognise"] = module.recognise
    tf.saved_model.save(module, str(folder), signatures=signatures)
    config = {"alphabet": alphabet}
    write_card(folder, {"architecture": {"config": config}, "data": {"name": data}})
    return tfgenxai.load(folder)


def words_of(images, texts, split="test", name="words"):
    """ImageData of images (N, 32, W, 1) in [0, 1]."""
    pixels = np.round(255 * images).astype(np.uint8)
    texts = np.array(texts)
    return ImageData(name, split, pixels, "drawn", "", class_names=tuple(ALPHABET), texts=texts)


def real_words(count, seed, split="test"):
    """Words of 1 to 4 characters, by the writer in styles of its own."""
    texts = some_texts(count, seed)
    styles = np.random.default_rng(seed + 100).standard_normal((count, 2)).astype(np.float32)
    images = np.zeros((count, 32, 64, 1), np.float32)
    for image, style, text in zip(images, styles, texts, strict=True):
        label = [[ALPHABET.index(character) for character in text]]
        image[:, : 16 * len(text)] = writer(style[None], np.array(label))[0]
    return words_of(images, texts, split)


def some_texts(count, seed, longest=4):
    """Words of 1 to `longest` characters."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, count)
    return ["".join(rng.choice(list(ALPHABET), length)) for length in lengths]
