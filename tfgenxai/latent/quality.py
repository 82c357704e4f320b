"""How far a projection, or a latent space itself, can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.checks import check_codes, check_labels

if TYPE_CHECKING:
    from tfgenxai.latent.projections import Projection, Projector

TRUSTWORTHINESS_NEIGHBORS = 12
# Trustworthiness holds several N x N matrices; beyond this many rows a seeded subset stands in.
TRUSTWORTHINESS_ROWS = 5_000
# A silhouette takes N x N distances; beyond this many rows a seeded subset stands in.
SILHOUETTE_ROWS = 10_000
KNN_NEIGHBORS = 5
KNN_FOLDS = 5


@dataclass(frozen=True)
class Quality:
    """Measures of one projection; those that need labels are None without them.

    Attributes:
        trustworthiness: In [0, 1]; 1 when no point has a neighbour in the projection that is
            not one among the codes.
        knn_accuracy: 5-fold accuracy, in [0, 1], of 5 nearest neighbours in the projection.
        silhouette: In [-1, 1], of the labels in the projection.
        codes_knn_accuracy: The same accuracy on the codes themselves: what was there to keep.
        codes_silhouette: The same silhouette on the codes themselves.
    """

    trustworthiness: float
    knn_accuracy: float | None = None
    silhouette: float | None = None
    codes_knn_accuracy: float | None = None
    codes_silhouette: float | None = None

    def row(self) -> dict[str, float]:
        """The measures that are known, by name: one row of a table."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def quality(codes: np.ndarray, values: np.ndarray, labels: np.ndarray | None = None) -> Quality:
    """Measures of a projection `values` (N, K) of `codes` (N, D), with `labels` (N,) if any."""
    trust = trustworthiness(codes, values)
    if labels is None:
        return Quality(trust)
    return Quality(
        trustworthiness=trust,
        knn_accuracy=knn_accuracy(values, labels),
        silhouette=silhouette(values, labels),
        codes_knn_accuracy=knn_accuracy(codes, labels),
        codes_silhouette=silhouette(codes, labels),
    )


def trustworthiness(
    codes: np.ndarray,
    values: np.ndarray,
    n_neighbors: int = TRUSTWORTHINESS_NEIGHBORS,
    *,
    max_rows: int = TRUSTWORTHINESS_ROWS,
    seed: int = 0,
) -> float:
    """How far the neighbours shown in `values` (N, K) are neighbours in `codes` (N, D), in [0, 1].

    Venna and Kaski 2001, "Neighborhood preservation in nonlinear projection methods". With few
    points the neighbourhood shrinks to below half of them; with more than `max_rows` points, a
    subset drawn with `seed` is measured.
    """
    from sklearn.manifold import trustworthiness as measure

    codes = check_codes(codes, rows=3)
    values = check_codes(values, rows=3)
    if len(values) != len(codes):
        raise InvalidInputError(f"There are {len(codes)} codes but {len(values)} projected points.")
    if len(codes) > max_rows:
        kept = np.random.default_rng(seed).choice(len(codes), max_rows, replace=False)
        codes, values = codes[kept], values[kept]
    return float(measure(codes, values, n_neighbors=min(n_neighbors, (len(codes) - 1) // 2)))


def knn_accuracy(
    points: np.ndarray,
    labels: np.ndarray,
    n_neighbors: int = KNN_NEIGHBORS,
    *,
    folds: int = KNN_FOLDS,
    seed: int = 0,
) -> float:
    """Accuracy in [0, 1] of nearest neighbours on held-out `points` (N, D); see `knn_hits`."""
    return float(knn_hits(points, labels, n_neighbors, folds=folds, seed=seed).mean())


def knn_hits(
    points: np.ndarray,
    labels: np.ndarray,
    n_neighbors: int = KNN_NEIGHBORS,
    *,
    folds: int = KNN_FOLDS,
    seed: int = 0,
) -> np.ndarray:
    """Whether most of each point's nearest neighbours in the other folds share its label, (N,).

    The folds are drawn with `seed` and not stratified, so that classes of a single sample,
    as a GAN may give, are counted (and missed) rather than refused.
    """
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    points = check_codes(points, rows=folds)
    labels = check_labels(labels, len(points))
    training_rows = len(points) - -(-len(points) // folds)
    if training_rows < n_neighbors:
        raise InvalidInputError(
            f"{len(points)} points leave {training_rows} to learn from; "
            f"{n_neighbors} nearest neighbours need more."
        )
    predicted = cross_val_predict(
        KNeighborsClassifier(n_neighbors),
        points,
        labels,
        cv=KFold(folds, shuffle=True, random_state=seed),
    )
    return predicted == labels


def silhouette(
    points: np.ndarray, labels: np.ndarray, *, max_rows: int = SILHOUETTE_ROWS, seed: int = 0
) -> float:
    """Mean silhouette of the classes in `points` (N, D), in [-1, 1] (Rousseeuw 1987).

    With more than `max_rows` points, a subset drawn with `seed` is measured.
    """
    from sklearn.metrics import silhouette_score

    points = check_codes(points, rows=3)
    labels = check_labels(labels, len(points))
    if len(points) > max_rows:
        kept = np.random.default_rng(seed).choice(len(points), max_rows, replace=False)
        points, labels = points[kept], check_labels(labels[kept], max_rows)
    if len(np.unique(labels)) >= len(points):
        raise InvalidInputError("Every point has a label of its own; a silhouette needs classes.")
    return float(silhouette_score(points, labels))


@dataclass(frozen=True)
class Stability:
    """Spread of a seeded projection over seeds.

    Attributes:
        seeds: The seeds, in order.
        qualities: The quality of each seed's projection.
        neighbor_overlap: Mean Jaccard index of the points' nearest neighbours over all pairs of
            seeds, in [0, 1]: 1 when every seed shows the same neighbourhoods.
    """

    seeds: tuple[int, ...]
    qualities: tuple[Quality, ...]
    neighbor_overlap: float

    def row(self) -> dict[str, float]:
        """Mean and standard deviation over seeds of each measure, and the overlap."""
        rows = [quality.row() for quality in self.qualities]
        spread: dict[str, float] = {}
        for name in rows[0]:
            measured = [row[name] for row in rows]
            spread[f"{name}_mean"] = float(np.mean(measured))
            spread[f"{name}_std"] = float(np.std(measured))
        return spread | {"neighbor_overlap": self.neighbor_overlap}


def stability(
    projector: type[Projector],
    codes: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    seeds: Iterable[int] = range(5),
    n_neighbors: int = TRUSTWORTHINESS_NEIGHBORS,
    **settings: object,
) -> Stability:
    """Project `codes` (N, D) once a seed and compare the results.

    t-SNE starts from random places here, unless `start` is among the settings: from the principal
    components, every seed would give the same picture, and stability would say nothing.

    Args:
        projector: A seeded class, TSNE or UMAP; `settings` are passed to it.

    Raises:
        InvalidInputError: Fewer than two seeds.
    """
    drawn = tuple(seeds)
    if len(drawn) < 2:
        raise InvalidInputError("Stability compares seeds; give at least two.")
    chosen = projector.for_stability | settings
    shown = [projector(seed=seed, **chosen)(codes) for seed in drawn]
    return Stability(
        seeds=drawn,
        qualities=tuple(projection.quality(codes, labels) for projection in shown),
        neighbor_overlap=_neighbor_overlap(shown, n_neighbors),
    )


def _neighbor_overlap(projections: Sequence[Projection], n_neighbors: int) -> float:
    from sklearn.neighbors import NearestNeighbors

    k = min(n_neighbors, len(projections[0].values) - 1)
    neighborhoods = [
        NearestNeighbors(n_neighbors=k).fit(p.values).kneighbors(return_distance=False)
        for p in projections
    ]
    overlaps = []
    for first, second in combinations(neighborhoods, 2):
        shared = np.array([len(np.intersect1d(a, b)) for a, b in zip(first, second, strict=True)])
        overlaps.append(np.mean(shared / (2 * k - shared)))
    return float(np.mean(overlaps))
