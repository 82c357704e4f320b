"""Clusters of images against their labels: what plain k-means finds, and who is mixed up."""

from __future__ import annotations

import numpy as np

from tfgenxai.metrics.codes import Matching

#: Starts of k-means, and components of the PCA before it.
_STARTS, COMPONENTS = 2, 50


def pixel_clusters(
    train: np.ndarray, test: np.ndarray, clusters: int, *, seed: int = 0
) -> dict[str, np.ndarray]:
    """Name -> the cluster (M,) of each test image, by k-means on training images (N, H, W, C)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline

    known, asked = (x.reshape(len(x), -1) for x in (train, test))

    def means() -> KMeans:
        return KMeans(clusters, n_init=_STARTS, random_state=seed)

    components = PCA(min(COMPONENTS, *known.shape), random_state=seed)
    return {
        "k-means on pixels": means().fit(known).predict(asked),
        "k-means on PCA": make_pipeline(components, means()).fit(known).predict(asked),
    }


def by_digit(matching: Matching) -> np.ndarray:
    """The categories in the order of their digits, those without one last."""
    label_of = matching.label_of
    return np.argsort(np.where(label_of < 0, len(label_of), label_of), kind="stable")


def shares_of_digits(matching: Matching) -> np.ndarray:
    """Share of each digit's images in each category, (K, L), categories in the digits' order."""
    counts = matching.confusion[by_digit(matching)]
    return counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)


def mixed_up(matching: Matching) -> str:
    """The digit that is most often read as another one, in a sentence."""
    wrong = np.where(
        matching.label_of[:, None] == np.arange(matching.confusion.shape[1]), 0, matching.confusion
    )
    category, digit = np.unravel_index(wrong.argmax(), wrong.shape)
    count, own = wrong[category, digit], matching.confusion[:, digit].sum()
    if not count:
        return "No digit is read as another one."
    seen = matching.label_of[category]
    instead = f"the {seen}" if seen >= 0 else "no digit"
    return (
        f"Most often mixed up is the {digit}: {count:,} of its {own:,} images fall into the "
        f"category of {instead}."
    )
