"""Regions: which elements of an input count as one feature."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.superpixels import Kind, check, superpixels
from tfgenxai.errors import InvalidInputError, UsageError

_NAMED = ("auto", "elements", "superpixels")


class Regions:
    """The features of a sample.

    Args:
        features: "elements", each number of the input by itself; "superpixels" of an image; "auto",
            which is elements of a vector and superpixels of an image; or labels of your own, whole
            numbers of the shape of an input, or of an image without its channels, the same for all
            samples or one such array for each, (N, ...). Elements of equal label are one feature.
        segments, kind: of superpixels, see there.
        shape: of one sample.

    Attributes:
        own: labels for each sample, (N, ...), or None.

    Raises:
        UsageError: there are no such features, or the input is no image to cut.
        InvalidInputError: the labels have the wrong shape or are no whole numbers.
    """

    def __init__(self, features: Any, segments: int, kind: Kind, shape: tf.TensorShape) -> None:
        check(segments, kind)
        self.segments, self.kind = segments, kind
        self.named: str | None = None
        self.shared: np.ndarray | None = None
        self.own: np.ndarray | None = None
        if isinstance(features, str):
            self.named = _named(features, shape)
            return
        labels = np.asarray(features)
        if labels.dtype.kind not in "iu":
            raise InvalidInputError(
                f"features= must be one of {', '.join(_NAMED)}, or labels that are whole numbers."
            )
        fits = [shape, shape[:-1]] if shape.rank == 3 else [shape]
        if any(one.is_compatible_with(labels.shape) for one in fits):
            self.shared = labels
        elif any(one.is_compatible_with(labels.shape[1:]) for one in fits):
            self.own = labels
        else:
            raise InvalidInputError(
                f"The labels of the features have shape {labels.shape}, which does not fit inputs "
                f"of shape {shape}: give {fits[-1]}, or one such array for each sample."
            )

    @property
    def of_elements(self) -> bool:
        """Whether each element of the input is a feature."""
        return self.named == "elements"

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        labels = self.shared if self.own is None else self.own
        features = self.named if labels is None else described(labels)
        cut = {"segments": self.segments, "superpixels": self.kind}
        return {"features": features, **(cut if self.named == "superpixels" else {})}

    def of(self, x: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """The feature, from 0 on without gaps, that each element of a sample belongs to.

        Args:
            x: the sample.
            own: its labels, where each sample has its own.
        """
        if self.of_elements:
            return np.arange(x.size).reshape(x.shape)
        labels = self.shared if own is None else own
        if labels is None:
            labels = superpixels(x[None].astype(np.float32), self.segments, self.kind)[0]
        if labels.ndim < x.ndim:
            labels = np.broadcast_to(labels[..., None], x.shape)
        return np.unique(labels, return_inverse=True)[1].reshape(x.shape)


def spread(values: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Values (T, F) of features as float32 (T, ...): each is shared evenly by its elements.

    Sums over a region, and over the whole input, stay what they are.
    """
    return (values / np.bincount(regions.ravel()))[:, regions].astype(np.float32)


def described(array: np.ndarray) -> dict[str, Any]:
    """Shape and checksum of an array, to record among settings."""
    content = np.ascontiguousarray(array).tobytes()
    return {"shape": list(array.shape), "sha256": hashlib.sha256(content).hexdigest()[:16]}


def _named(features: str, shape: tf.TensorShape) -> str:
    if features not in _NAMED:
        raise UsageError(
            f"features= must be one of {', '.join(_NAMED)}, or an array of labels, "
            f"not {features!r}."
        )
    image = shape.rank in (2, 3)
    if features == "superpixels" and not image:
        raise UsageError(
            f"Superpixels are cut from images, and this input has shape {shape}: use "
            f"features='elements'."
        )
    if features == "auto":
        return "superpixels" if image else "elements"
    return features
