"""Models small enough to be attacked on paper, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfgenxai.graph import Graph

SHAPE = (4, 5, 1)
PLACES, CLASSES, LATENTS = 20, 4, 3


def freeze(function: Any, shape: tuple[int, ...] = SHAPE) -> Graph:
    spec = tf.TensorSpec((None, *shape), tf.float32, name="image")
    traced = tf.function(function, input_signature=[spec])
    return Graph.from_function(traced.get_concrete_function())


@dataclass(frozen=True)
class Linear:
    """logits = x W + b, in float64."""

    weights: np.ndarray
    bias: np.ndarray
    graph: Graph

    def logits(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1).astype(np.float64) @ self.weights + self.bias


def linear_classifier(weights: np.ndarray, bias: np.ndarray) -> Linear:
    kernel, offset = (np.asarray(each, np.float32) for each in (weights, bias))

    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": tf.reshape(image, (-1, PLACES)) @ kernel + offset}

    return Linear(kernel.astype(np.float64), offset.astype(np.float64), freeze(classify))


def cross_entropy_slope(model, images, labels):
    """d/dx of -log softmax(x W + b)[label], in float64: W (p - onehot)."""
    logits = model.logits(images)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    # 1 - p of the label is the sum of the others: taken so, nothing is lost to rounding.
    rows = np.arange(len(p))
    p[rows, labels] = 0
    p[rows, labels] = -p.sum(axis=1)
    return (p @ model.weights.T).reshape(images.shape)


def unit(slopes):
    rows = slopes.reshape(len(slopes), -1).astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest_plane(linear, image, free=None):
    """The perturbation onto the nearest plane, over the free places (Moosavi-Dezfooli, eq. 8)."""
    logits = linear.logits(image[None])[0]
    seen = logits.argmax()
    best = None
    for other in range(len(logits)):
        if other != seen:
            w = linear.weights[:, other] - linear.weights[:, seen]
            w = w if free is None else np.where(free(w), w, 0.0)
            step = (logits[seen] - logits[other]) / (w @ w) * w
            if best is None or np.linalg.norm(step) < np.linalg.norm(best):
                best = step
    return best
