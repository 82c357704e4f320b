"""Fréchet distance between two sets of features, always with its number of images and its floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import check_rows


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution, its covariance kept as a root.

    Attributes:
        mean: (D,).
        root: (R, D) with covariance = root.T @ root; R < D where the covariance is singular.
    """

    mean: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray) -> Gaussian:
        """Mean and unbiased covariance of `samples` (N, D); N may be smaller than D."""
        mean = samples.mean(axis=0)
        # The triangle of a QR decomposition has the covariance without squaring its condition.
        triangle = np.linalg.qr(samples - mean, mode="r")
        return cls(mean, triangle / np.sqrt(len(samples) - 1))

    def distance(self, other: Gaussian) -> float:
        """The squared 2-Wasserstein distance, not negative.

        Dowson and Landau 1982: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The eigenvalues of
        C1 C2 are the squared singular values of A1 A2', where C = A'A: the trace of the root is
        their sum, without the root of a matrix that rounding may have given negative eigenvalues.
        """
        spread = np.sum(self.root**2) + np.sum(other.root**2)
        shared = np.linalg.svd(self.root @ other.root.T, compute_uv=False).sum()
        return max(float(np.sum((self.mean - other.mean) ** 2) + spread - 2 * shared), 0.0)


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance, which says nothing without the other two numbers.

    Attributes:
        distance: generated against reference features; squared, as it is usually printed.
        n: number of generated images. The distance falls as n grows, whatever the generator.
        floor: the distance of as many real images to the same reference: what is due to n alone.
    """

    distance: float
    n: int
    floor: float

    def __str__(self) -> str:
        return f"{self.distance:.3g} (n={self.n:,}, floor {self.floor:.3g})"


def frechet(generated: np.ndarray, reference: np.ndarray, real: np.ndarray) -> Frechet:
    """The Fréchet distance of `generated` to `reference` (M, D), and that of `real` as its floor.

    Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", eq. 6, on the features
    given here.

    Args:
        generated: (N, D) features of generated images.
        reference: (M, D) features of held-out images.
        real: (N, D) features of other real images, such as the training set's; as many as
            generated ones, since the bias depends on N.

    Raises:
        InvalidInputError: other shapes, or values that are not finite.
    """
    reference = check_rows(reference)
    generated = check_rows(generated, width=reference.shape[1])
    real = check_rows(real, width=reference.shape[1])
    if len(real) != len(generated):
        raise InvalidInputError(
            f"The floor is taken on as many real images as generated ones: {len(real)} is not "
            f"{len(generated)}."
        )
    target = Gaussian.of(reference)
    return Frechet(
        distance=Gaussian.of(generated).distance(target),
        n=len(generated),
        floor=Gaussian.of(real).distance(target),
    )
