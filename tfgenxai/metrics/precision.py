"""Fidelity and variety apart: precision and recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import check_rows
from tfgenxai.metrics.intervals import Interval, interval

NEIGHBORS = 5
_CHUNK_MIB = 128


@dataclass(frozen=True)
class Manifold:
    """How generated features lie among real ones, by balls that reach to the k-th neighbour.

    Attributes:
        precision: share of generated images inside a ball of real ones (fidelity), in [0, 1].
        recall: share of real images inside a ball of generated ones (variety), in [0, 1].
        density: how many balls of real images a generated one lies in, over k; about 1 for equal
            distributions, above 1 where generated images crowd at modes.
        coverage: share of real images whose ball holds a generated one, in [0, 1]; for equal
            distributions and numbers about 1 - 2^-k.
        neighbors: k.
    """

    precision: Interval
    recall: Interval
    density: Interval
    coverage: Interval
    neighbors: int


def manifold(generated: np.ndarray, real: np.ndarray, *, neighbors: int = NEIGHBORS) -> Manifold:
    """Precision, recall, density and coverage of features (N, D) against real features (M, D).

    Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric", eq. 1 and 2; Naeem et al.
    2020, "Reliable Fidelity and Diversity Metrics", eq. 3 and 4. The intervals are over images,
    for the given balls. Distances are computed in chunks: memory does not grow with N times M.

    Raises:
        InvalidInputError: other shapes, values that are not finite, or no more than k images.
    """
    real = check_rows(real)
    generated = check_rows(generated, width=real.shape[1])
    if not 1 <= neighbors < min(len(real), len(generated)):
        raise InvalidInputError(
            f"A ball to the neighbour {neighbors} needs k from 1 and more than k images; there "
            f"are {len(generated)} generated and {len(real)} real ones."
        )
    real_radii = _radii(real, neighbors)
    holding = _balls_around(generated, real, real_radii)
    around_real = _balls_around(real, generated, _radii(generated, neighbors))
    return Manifold(
        precision=interval(holding > 0),
        recall=interval(around_real > 0),
        density=interval(holding / neighbors),
        coverage=interval(_nearest(real, generated) <= real_radii),
        neighbors=neighbors,
    )


def manifold_row(
    generated: np.ndarray, real: np.ndarray, held_out: np.ndarray
) -> dict[str, float | int]:
    """`precision`, `recall`, `density` and `coverage` against `held_out`, as cells of a table.

    Each with `_low`, `_high`, and `_real`, that of the features `real` in place of the generated
    ones; for as many `neighbors` as there can be, up to `NEIGHBORS`.

    Args:
        generated, real, held_out: (N, D) each.
    """
    neighbors = min(NEIGHBORS, len(held_out) - 1)
    drawn, floor = (manifold(x, held_out, neighbors=neighbors) for x in (generated, real))
    found: dict[str, float | int] = {"neighbors": neighbors}
    for name in ("precision", "recall", "density", "coverage"):
        found |= getattr(drawn, name).row(name) | {f"{name}_real": getattr(floor, name).mean}
    return found


def _radii(points: np.ndarray, neighbors: int) -> np.ndarray:
    """Distance (N,) of each point to its `neighbors`-th other point."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=neighbors, algorithm="brute").fit(points)
    return index.kneighbors()[0][:, -1]


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance (N,) of each point to the nearest of `others`."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(others)
    return index.kneighbors(points)[0][:, 0]


def _balls_around(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How many of the balls each point lies in, (N,)."""
    from sklearn.metrics import pairwise_distances_chunked

    chunks = pairwise_distances_chunked(
        points,
        centres,
        reduce_func=lambda distances, _: (distances <= radii).sum(axis=1),
        working_memory=_CHUNK_MIB,
    )
    return np.concatenate(list(chunks))
