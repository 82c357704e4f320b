"""How far the clusters of a model are the classes: read, matched and counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.metrics.batches import batched
from tfgenxai.metrics.codes import Matching, hungarian_accuracy

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def read_clusters(cluster: Graph, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) that a signature `cluster` gives images (N, H, W, C)."""
    return batched(cluster.function("image", "probabilities"), images)


def match_clusters(cluster: Graph, images: np.ndarray, labels: np.ndarray) -> Matching:
    """The likeliest cluster of each image against its label (N,); see `hungarian_accuracy`."""
    probabilities = read_clusters(cluster, images)
    return hungarian_accuracy(
        probabilities.argmax(axis=1), labels, categories=probabilities.shape[1]
    )


def cluster_means(model: Mapping[str, Graph]) -> np.ndarray:
    """The means (K, d) of a mixture with unit variances, as `draw_cluster` draws from it."""
    graph = model["draw_cluster"]
    width = int(graph.inputs["eps"].shape[-1])
    count = int(model["cluster"].outputs["probabilities"].shape[-1])
    z = graph.function(["cluster", "eps"], "z")(
        np.arange(count), np.zeros((count, width), np.float32)
    )
    return np.asarray(z)


def cluster_metrics(cluster: Graph, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Accuracy after the best matching, with its interval, and normalised mutual information."""
    matching = match_clusters(cluster, images, labels)
    return {**matching.accuracy.row("cluster_accuracy"), "cluster_nmi": matching.nmi}
