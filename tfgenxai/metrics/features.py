"""What the classifier that ships sees in images: features and votes, and which classifier it was.

A distance between features is a number about one set of weights: another classifier gives another
number. Results therefore carry the fingerprint of these weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.batches import batched
from tfgenxai.saved.card import sha256

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel


@dataclass(frozen=True)
class Readings:
    """What a classifier makes of N images.

    Attributes:
        features: (N, D) float64, its last hidden layer.
        probabilities: (N, K) float64, rows sum to 1.
    """

    features: np.ndarray
    probabilities: np.ndarray

    @property
    def votes(self) -> np.ndarray:
        """(N,) the class of highest probability."""
        return self.probabilities.argmax(axis=1)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: slice | np.ndarray) -> Readings:
        return Readings(self.features[index], self.probabilities[index])


def read(classify: Graph, images: np.ndarray) -> Readings:
    """Features and class probabilities of `images` (N, H, W, C) in [0, 1].

    Args:
        classify: graph from `image` to `probabilities`, (N, K).

    Raises:
        InvalidInputError: images of another shape than the classifier takes.
    """
    expected = classify.inputs["image"].shape[1:]
    if not expected.is_compatible_with(images.shape[1:]):
        raise InvalidInputError(
            f"The classifier reads images of shape (N, {', '.join(map(str, expected))}), "
            f"not {images.shape}."
        )
    both = classify.function("image", [last_hidden(classify), "probabilities"])

    def joined(batch: tf.Tensor) -> tf.Tensor:
        features, probabilities = both(batch)
        return tf.concat([tf.reshape(features, (len(batch), -1)), probabilities], axis=1)

    values = batched(joined, images).astype(np.float64)
    width = values.shape[1] - classify.outputs["probabilities"].shape[1]
    return Readings(values[:, :width], values[:, width:])


def last_hidden(classify: Graph) -> str:
    """The layer that the last layer with weights reads from.

    Raises:
        UsageError: the network has fewer than two layers with weights, so nothing is hidden.
    """
    names = classify.layers.names
    weighted = [names.index(layer.name) for layer in classify.layers if layer.variables]
    if len(weighted) < 2:
        raise UsageError(
            "Features are a hidden layer's; a classifier needs two layers with weights for one."
        )
    return names[weighted[-1] - 1]


def fingerprint(classifier: SavedModel) -> str:
    """SHA-256, in hex, of the classifier's file of weights: the entry of that file on its card."""
    folder = Path(classifier.path)
    weights = folder / "variables" / "variables.data-00000-of-00001"
    return sha256(weights if weights.is_file() else folder / "saved_model.pb")


def check_rows(values: Any, *, rows: int = 2, width: int | None = None) -> np.ndarray:
    """`values` as float64 (N, D), finite, with at least `rows` rows and, if given, D = `width`.

    Raises:
        InvalidInputError: another shape, too few rows, NaN or infinity.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or len(array) < rows or width not in (None, array.shape[1]):
        wanted = "D" if width is None else width
        raise InvalidInputError(
            f"Features are rows (N, {wanted}) with N at least {rows}; these are {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InvalidInputError("Features hold NaN or infinite values; check the images.")
    return array
