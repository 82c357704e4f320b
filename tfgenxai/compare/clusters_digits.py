"""Whether the clusters of a VAE with a mixture prior are the digits, which it was never told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.clustering import (
    COMPONENTS,
    by_digit,
    mixed_up,
    pixel_clusters,
    shares_of_digits,
)
from tfgenxai.compare.untrained import untrained
from tfgenxai.metrics.clusters import match_clusters, read_clusters
from tfgenxai.metrics.codes import Matching, hungarian_accuracy
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.clusters import VariationalClusters
    from tfgenxai.graph import Graph

OWN, PIXELS = "mixture VAE", "k-means on pixels"
#: Jiang et al. 2017, table 2: the best of ten trainings of 500-500-2000 units.
PUBLISHED = 0.9446
#: Training images that k-means is made on, images that random weights read, draws of a cluster.
_CLUSTERED, _CONTROLLED, _DRAWS = 10_000, 2_000, 8


def add_digits(page: VariationalClusters) -> None:
    """Accuracy after the best matching, mutual information, and pictures of the clusters."""
    cluster, seed = page.model["cluster"], page.seed
    images, labels = page.images, page.labels
    matching = match_clusters(cluster, images, labels)
    train = page.model.as_trained(page.subjects.train(_CLUSTERED)).images
    count = len(matching.label_of)
    found = {
        OWN: matching,
        **{
            name: _matched(votes, labels, count, seed)
            for name, votes in pixel_clusters(train, images, count, seed=seed).items()
        },
        "random weights": match_clusters(
            untrained(cluster, seed), images[:_CONTROLLED], labels[:_CONTROLLED]
        ),
        "labels shuffled": match_clusters(
            cluster, images, np.random.default_rng(seed).permutation(labels)
        ),
    }
    rows = {name: each.row() for name, each in found.items()}
    page.results["digits"] = rows | {
        "digit_of_cluster": matching.label_of,
        "confusion": matching.confusion,
        "clustered": len(train),
        "published": PUBLISHED,
    }
    page.section(
        "Are the clusters the digits?",
        f"The prior of this VAE is a mixture of {count} equally likely normal densities. It saw no "
        "label. Each cluster is matched to one digit so that the most images agree.",
    )
    page.table(
        "digits",
        [{"clusters of": n, **m.row(), "images": m.accuracy.count} for n, m in found.items()],
        "Accuracy after the best matching, with 95 % intervals over images; normalised mutual "
        f"information and adjusted Rand index need no matching. k-means is made on {len(train):,} "
        f"training images, of their pixels or of {COMPONENTS} principal components.",
    )
    page.figure(
        "confusion",
        plots.matrix(
            shares_of_digits(matching),
            _names(matching),
            [str(digit) for digit in range(matching.confusion.shape[1])],
            title="Which cluster each digit falls into",
            label="share of the digit's images",
            limits=(0.0, 1.0),
        ),
        f"Real test digits by cluster: each column is a digit and adds up to 1. "
        f"{mixed_up(matching)}",
    )
    _add_pictures(page, matching)
    page.finding(_in_words(rows, page))
    page.finding(mixed_up(matching))


def _matched(votes: np.ndarray, labels: np.ndarray, count: int, seed: int) -> Matching:
    return hungarian_accuracy(votes, labels, categories=count, seed=seed)


def _names(matching: Matching) -> list[str]:
    """A name for each cluster in the order of their digits: what it mostly is."""
    most = matching.confusion.argmax(axis=1)
    return [f"cluster {k}: mostly {most[k]}" for k in by_digit(matching)]


def _add_pictures(page: VariationalClusters, matching: Matching) -> None:
    """Each cluster's centre, draws from it, and the images that are surest to be in it."""
    order = by_digit(matching)
    drawn = draws_of(page.model["draw_cluster"], order, _DRAWS, page.seed)
    verdicts = page.subjects.classifier["classify"].function("image", "probabilities")(
        drawn[:, 1:].reshape(-1, *drawn.shape[2:])
    )
    seen = np.asarray(verdicts).argmax(axis=1).reshape(len(order), -1)
    agreed = interval((seen == matching.label_of[order][:, None]).ravel().astype(float))
    page.results["draws"] = {"per_cluster": _DRAWS, **agreed.row("class_of_draws")}
    probabilities = read_clusters(page.model["cluster"], page.images)
    surest = page.images[np.argsort(-probabilities[:, order], axis=0, kind="stable")[:_DRAWS].T]
    page.figure(
        "clusters",
        plots.picture_table(
            np.concatenate([drawn, surest], axis=1),
            _names(matching),
            ["mean", *["draw"] * _DRAWS, *["test"] * _DRAWS],
            title="What each cluster holds",
        ),
        f"The image of each cluster's mean, {_DRAWS} draws from the cluster, and the {_DRAWS} test "
        "images that are surest to be in it. The classifier sees its digit in "
        f"{100 * agreed.mean:.0f} % [{100 * agreed.low:.0f}, {100 * agreed.high:.0f}] of draws.",
    )


def draws_of(draw: Graph, clusters: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Each cluster's mean and `count` draws as images, (K, 1 + count, H, W, C)."""
    width = int(draw.inputs["eps"].shape[-1])
    eps = np.random.default_rng(seed).standard_normal((len(clusters), 1 + count, width))
    eps[:, 0] = 0.0
    image = draw.function(["cluster", "eps"], "image")(
        np.repeat(clusters, 1 + count), eps.reshape(-1, width).astype(np.float32)
    )
    return np.asarray(image).reshape(len(clusters), 1 + count, *image.shape[1:])


def _in_words(rows: dict[str, dict[str, Any]], page: VariationalClusters) -> str:
    own, plain = rows[OWN], rows[PIXELS]
    above = (
        "more than"
        if own["accuracy_low"] > plain["accuracy_high"]
        else "no more than"
        if own["accuracy_high"] < plain["accuracy_high"]
        else "not clearly more than"
    )
    reaches = "reaches" if own["accuracy"] >= PUBLISHED else "falls short of"
    return (
        f"The clusters are the digit for {100 * own['accuracy']:.1f} % "
        f"[{100 * own['accuracy_low']:.1f}, {100 * own['accuracy_high']:.1f}] of "
        f"{len(page.images):,} test digits (NMI {own['nmi']:.3f}), {above} the "
        f"{100 * plain['accuracy']:.1f} % of k-means on pixels (NMI {plain['nmi']:.3f}); it "
        f"{reaches} the {100 * PUBLISHED:.1f} % that a network several times as large was "
        "published with, as the best of ten trainings."
    )
