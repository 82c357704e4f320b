"""Where a mixture in a code space starts: clusters of codes, and axes that make them round."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from tfgenxai.errors import InvalidInputError

#: Of the neighbour graph: neighbours, and dimensions that it is laid out in.
_NEIGHBORS, _COMPONENTS = 15, 2
#: How often the mixture on it is begun anew, and how often all of it is done.
_STARTS, _ROUNDS = 10, 2


@dataclass(frozen=True, eq=False)
class Start:
    """Clusters of codes, as a mixture with unit variances in other axes.

    Attributes:
        means: (K, d), in the new axes.
        axes: (d, d), lower triangular: new codes are `codes @ axes.T`. In them the covariance
            within clusters is the identity.
        assignments: (N,) the cluster of each code.
    """

    means: np.ndarray
    axes: np.ndarray
    assignments: np.ndarray


def start_clusters(codes: np.ndarray, clusters: int, *, seed: int = 0) -> Start:
    """Clusters of codes (N, d) of an autoencoder, for a mixture with unit variances to start from.

    Clusters of digits are bent, and a mixture fitted to the codes themselves cuts some in two and
    joins others. So, as McConville et al. ("N2D", 2020) do, it is fitted to the codes' neighbour
    graph laid out by UMAP; each cluster's mean is then taken among the codes themselves. Which
    codes are neighbours depends on the axes, and an autoencoder's are arbitrary: what varies
    within clusters is best counted least. So it is done again in the axes that the first round
    finds.

    Raises:
        InvalidInputError: fewer codes than twice the neighbours or ten times the clusters, or NaN.
    """
    from sklearn.mixture import GaussianMixture

    codes = np.asarray(codes, np.float64)
    least = max(2 * _NEIGHBORS, 10 * clusters)
    if codes.ndim != 2 or len(codes) < least or not np.isfinite(codes).all():
        raise InvalidInputError(
            f"{clusters} clusters start from finite codes (N, d), N at least {least}; these have "
            f"shape {codes.shape}, or hold NaN."
        )
    axes = np.eye(codes.shape[1])
    for _ in range(_ROUNDS):
        flat = neighbour_layout(codes @ axes.T, seed)
        fitted = GaussianMixture(clusters, n_init=_STARTS, random_state=seed).fit(flat)
        start = round_clusters(codes, fitted.predict(flat), clusters)
        axes = start.axes
    return start


def neighbour_layout(codes: np.ndarray, seed: int) -> np.ndarray:
    """Codes (N, d) laid out by who is near whom, (N, at most 2): UMAP (McInnes et al. 2018)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one core
        import umap

        return umap.UMAP(
            n_neighbors=_NEIGHBORS,
            n_components=min(_COMPONENTS, codes.shape[1]),
            min_dist=0.0,
            random_state=seed,
            n_jobs=1,
        ).fit_transform(codes.astype(np.float32))


def round_clusters(codes: np.ndarray, assignments: np.ndarray, clusters: int) -> Start:
    """Means of the given clusters of codes (N, d), in axes that make them round.

    With C = L L' the covariance within clusters, the axes are the inverse of L.
    """
    one_hot = np.eye(clusters)[assignments]
    means = one_hot.T @ codes / np.maximum(one_hot.sum(axis=0), 1)[:, None]
    offsets = codes - means[assignments]
    covariance = offsets.T @ offsets / len(codes)
    # A direction in which nothing varies within clusters stays finite.
    covariance += 1e-6 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    lower = np.linalg.cholesky(covariance)
    axes = solve_triangular(lower, np.eye(len(lower)), lower=True)
    return Start(means @ axes.T, axes, assignments)
