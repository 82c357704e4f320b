"""Measures of projections against slow, obvious implementations."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent import PCA, TSNE, knn_accuracy, silhouette, stability, trustworthiness


def blobs(seed: int = 0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 60)
    return random.normal(size=(3, 6))[labels] * 2 + spread * random.normal(size=(60, 6)), labels


def distances(points: np.ndarray) -> np.ndarray:
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in points] for a in points])


def slow_trustworthiness(codes: np.ndarray, values: np.ndarray, k: int) -> float:
    """Venna and Kaski 2001, equation 1, word for word."""
    n = len(codes)
    high, low = distances(codes), distances(values)
    penalty = 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_code = sorted(others, key=lambda j: high[i, j])
        shown = sorted(others, key=lambda j: low[i, j])[:k]
        for j in shown:
            rank = by_code.index(j) + 1
            penalty += max(0, rank - k)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty


@pytest.mark.parametrize("k", [1, 5, 12])
def test_trustworthiness_is_the_published_formula(k):
    codes, _ = blobs()
    values = codes[:, :2] + np.random.default_rng(1).normal(size=(60, 2))
    assert trustworthiness(codes, values, k) == pytest.approx(
        slow_trustworthiness(codes, values, k)
    )


def test_trustworthiness_is_one_for_the_codes_themselves_and_half_for_noise():
    codes, _ = blobs()
    assert trustworthiness(codes, codes) == 1
    noise = np.random.default_rng(2).normal(size=(60, 2))
    assert 0.4 < trustworthiness(codes, noise) < 0.6


def test_trustworthiness_of_many_points_is_that_of_a_subset():
    codes, _ = blobs()
    values = codes[:, :2]
    kept = np.random.default_rng(5).choice(60, 30, replace=False)
    assert trustworthiness(codes, values, max_rows=30, seed=5) == pytest.approx(
        slow_trustworthiness(codes[kept], values[kept], 12)
    )


def test_knn_accuracy_is_what_counting_neighbours_gives():
    points, labels = blobs(spread=2.5)
    scores = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(points):
        right = 0
        for i in test:
            nearest = sorted(train, key=lambda j: ((points[i] - points[j]) ** 2).sum())[:5]
            right += np.bincount(labels[nearest]).argmax() == labels[i]
        scores.append(right / len(test))
    assert 0.4 < np.mean(scores) < 1
    assert knn_accuracy(points, labels) == pytest.approx(np.mean(scores))


def test_silhouette_is_the_definition():
    points, labels = blobs()
    apart = distances(points)
    widths = []
    for i in range(len(points)):
        own = (labels == labels[i]) & (np.arange(len(points)) != i)
        inside = apart[i, own].mean()
        nearest = min(apart[i, labels == c].mean() for c in set(labels) - {labels[i]})
        widths.append((nearest - inside) / max(nearest, inside))
    assert silhouette(points, labels) == pytest.approx(np.mean(widths))


def test_silhouette_of_many_points_is_that_of_a_subset():
    points, labels = blobs()
    kept = np.random.default_rng(5).choice(60, 30, replace=False)
    found = silhouette(points, labels, max_rows=30, seed=5)
    assert found == silhouette(points[kept], labels[kept])


def test_quality_measures_codes_beside_their_projection():
    codes, labels = blobs(spread=0.3)
    shown = PCA()(codes)
    measured = shown.quality(codes, labels)
    assert measured.codes_knn_accuracy == knn_accuracy(codes, labels)
    assert measured.silhouette == silhouette(shown.values, labels)
    assert set(measured.row()) == {
        "trustworthiness",
        "knn_accuracy",
        "silhouette",
        "codes_knn_accuracy",
        "codes_silhouette",
    }
    assert set(shown.quality(codes).row()) == {"trustworthiness"}


def test_a_class_of_one_sample_is_counted_not_refused():
    codes, labels = blobs()
    labels[0] = 9
    assert 0 < PCA()(codes).quality(codes, labels).knn_accuracy < 1


def test_stability_compares_seeds():
    codes, labels = blobs(spread=0.5)
    settings = {"perplexity": 8.0, "iterations": 300}
    same = stability(TSNE, codes, labels, seeds=[1, 1], **settings)
    assert same.neighbor_overlap == 1
    assert same.row()["knn_accuracy_std"] == 0
    spread = stability(TSNE, codes, labels, seeds=[0, 1, 2], **settings)
    assert len(spread.qualities) == 3
    assert 0.2 < spread.neighbor_overlap < 1
    # From the principal components, the seed has no say, and stability would say nothing.
    assert stability(TSNE, codes, seeds=[0, 1], start="pca", **settings).neighbor_overlap == 1
    with pytest.raises(InvalidInputError, match="at least two"):
        stability(TSNE, codes, seeds=[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(59), "shape"),
        (np.zeros((60, 2)), "shape"),
        (np.zeros(60), "All labels are the same"),
        (np.full(60, np.nan), "NaN"),
    ],
)
def test_unusable_labels_are_refused(labels, message):
    codes, _ = blobs()
    with pytest.raises(InvalidInputError, match=message):
        PCA()(codes).quality(codes, labels)


def test_points_that_do_not_belong_together_are_refused():
    codes, _ = blobs()
    with pytest.raises(InvalidInputError, match="60 codes but 40"):
        trustworthiness(codes, codes[:40])
    with pytest.raises(InvalidInputError, match="label of its own"):
        silhouette(codes, np.arange(60))
    with pytest.raises(InvalidInputError, match="need more"):
        knn_accuracy(codes[:5], [0, 1, 0, 1, 0])
