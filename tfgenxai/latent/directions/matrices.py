"""The matrix A that turns (k, epsilon) into a shift of the code, in four kinds, all without bias.

Voynov and Babenko, "Unsupervised Discovery of Interpretable Directions in the GAN Latent Space",
2020, section 3.1. A bias would move every sample alike, whatever direction it takes. The directions
are rows here, a_k = A e_k in the paper's words, and have length 1.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError


class Matrix(tf.Module):
    """K directions in d dimensions, and the shifts along them."""

    def vectors(self) -> tf.Tensor:
        """All directions (K, d), each of length 1."""
        raise NotImplementedError

    def shifts(self, directions: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """epsilon a_k, (n, d), of directions k (n,) and sizes epsilon (n,)."""
        vectors = self.vectors()
        chosen = tf.one_hot(directions, vectors.shape[0], dtype=vectors.dtype)
        return (sizes[:, None] * chosen) @ vectors


class Fixed(Matrix):
    """Directions that stay as they are, (K, d)."""

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self.fixed = tf.constant(vectors, tf.float32)

    def vectors(self) -> tf.Tensor:
        """The directions given."""
        return self.fixed


class Linear(Matrix):
    """Any directions of length 1: rows of a free matrix, divided by their norm."""

    def __init__(self, count: int, width: int, seed: int = 0) -> None:
        super().__init__()
        self.rows = tf.Variable(random_vectors(count, width, seed), name="rows")

    def vectors(self) -> tf.Tensor:
        """The rows over their norms."""
        return tf.math.l2_normalize(self.rows, axis=1)


class Orthonormal(Matrix):
    """Directions at right angles: K rows of expm(B - B^T), which is a rotation whatever B is.

    It starts at a rotation by large angles, which is near no axis.

    Raises:
        UsageError: more directions than dimensions.
    """

    def __init__(self, count: int, width: int, seed: int = 0) -> None:
        check_room(count, width, "orthonormal directions")
        super().__init__()
        self.count = count
        start = np.random.default_rng(seed).standard_normal((width, width)) / np.sqrt(width)
        self.generators = tf.Variable(start, dtype=tf.float32, name="generators")

    def vectors(self) -> tf.Tensor:
        """The first K rows of the rotation."""
        skew = self.generators - tf.transpose(self.generators)
        return tf.linalg.expm(skew)[: self.count]


def random_vectors(count: int, width: int, seed: int = 0) -> np.ndarray:
    """`count` directions (K, d) float32 drawn uniformly from the sphere: the first baseline."""
    drawn = np.random.default_rng(seed).standard_normal((count, width))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def coordinate_vectors(count: int, width: int, seed: int = 0) -> np.ndarray:
    """`count` axes (K, d) float32 of the code space, drawn without repetition: the second baseline.

    Drawn, not the first: where a code has parts (noise, then a category), the first are all noise.

    Raises:
        UsageError: more directions than dimensions.
    """
    check_room(count, width, "coordinate directions")
    axes = np.random.default_rng(seed).choice(width, count, replace=False)
    return np.eye(width, dtype=np.float32)[np.sort(axes)]


def check_room(count: int, width: int, what: str) -> None:
    """Nothing, if a code of `width` dimensions has room for `count` directions."""
    if not 0 < count <= width:
        raise UsageError(
            f"There are 1 to {width} {what} in a code of {width} dimensions, not {count}."
        )
