"""Whether a generator draws new images or its training set again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import check_rows
from tfgenxai.metrics.intervals import Interval, interval

#: Of the held-out images, this share is nearer to the training set than the limit for `nearer`.
TAIL = 0.05


@dataclass(frozen=True)
class Memorisation:
    """Distances to the training set: of N generated images, and of M held-out ones for scale.

    Attributes:
        distances, nearest: (N,) distance to the nearest training image, and which one that is.
        authentic: (N,) bool; False where the generated image is nearer to that training image than
            any other training image is.
        held_out_distances, held_out_authentic: (M,) the same of held-out images, which nobody can
            have memorised.
    """

    distances: np.ndarray
    nearest: np.ndarray
    authentic: np.ndarray
    held_out_distances: np.ndarray
    held_out_authentic: np.ndarray

    @property
    def ratio(self) -> float:
        """Median distance of generated over that of held-out images; 0 for copies."""
        return float(np.median(self.distances) / np.median(self.held_out_distances))

    @property
    def nearer(self) -> Interval:
        """Share of generated images nearer than all but 5 % of the held-out ones.

        About 0.05 for images like held-out ones, 1 for copies.
        """
        return interval(self.distances < np.quantile(self.held_out_distances, TAIL))

    @property
    def authenticity(self) -> Interval:
        """Share of authentic generated images."""
        return interval(self.authentic)

    @property
    def held_out_authenticity(self) -> Interval:
        """Share of authentic held-out images: what an honest generator comes near to."""
        return interval(self.held_out_authentic)

    def closest(self, count: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The `count` generated images nearest to the training set, and what they are near to.

        Indices of generated and of training images, (count,) each, the nearest pair first.
        """
        chosen = np.argsort(self.distances, kind="stable")[:count]
        return chosen, self.nearest[chosen]


def memorisation(generated: np.ndarray, held_out: np.ndarray, training: np.ndarray) -> Memorisation:
    """How near `generated` comes to `training`, in pixels or features, against `held_out`.

    Euclidean distances. Authenticity: Alaa et al. 2022, "How Faithful is your Synthetic Data?",
    section 3.3.

    Args:
        generated, held_out, training: (N, ...), (M, ...) and (T, ...) images or features; rows
            are flattened.

    Raises:
        InvalidInputError: shapes that do not fit, fewer than two training images, or values that
            are not finite.
    """
    from sklearn.neighbors import NearestNeighbors

    rows = [np.asarray(x, np.float32).reshape(len(x), -1) for x in (generated, held_out, training)]
    known = rows[2]
    for each, least in zip(rows, (1, 1, 2), strict=True):
        check_rows(each[:1], rows=1, width=known.shape[1])
        if len(each) < least or not np.isfinite(each).all():
            raise InvalidInputError(
                "Memorisation compares finite images or features with at least two of the "
                "training set."
            )
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known)
    distances, nearest = zip(*(index.kneighbors(each) for each in rows[:2]), strict=True)
    found = np.concatenate(nearest)[:, 0]
    # Only the training images that were found need their own neighbour: the second, after itself.
    candidates, place = np.unique(found, return_inverse=True)
    own = index.kneighbors(known[candidates], n_neighbors=2)[0][:, 1]
    measured = np.concatenate(distances)[:, 0]
    authentic = measured > own[place]
    count = len(rows[0])
    return Memorisation(
        distances=measured[:count],
        nearest=found[:count],
        authentic=authentic[:count],
        held_out_distances=measured[count:],
        held_out_authentic=authentic[count:],
    )
