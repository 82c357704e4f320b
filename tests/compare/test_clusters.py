"""The comparison of variational clusters, on models whose clusters are planted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf

from tests.compare.planted import (
    DIGIT_OF,
    IMAGE,
    KINDS,
    MARK,
    Planted,
    Toy,
    classifier,
    graph,
    reader,
)
from tests.compare.planted import images as planted_images
from tfgenxai.compare import clusters as parts
from tfgenxai.compare import clusters_collapse, clusters_views
from tfgenxai.compare.clusters import VariationalClusters, compare_clusters
from tfgenxai.data import ImageData
from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.projections import TSNE

SIZE, WRONG, WIDTH = 200, 20, 3
EPS = tf.TensorSpec((None, WIDTH), tf.float32, "eps")


class Other(TSNE):
    """A second view."""

    title: ClassVar[str] = "other"


def mixture() -> Toy:
    """Its clusters are the planted categories; what a cluster draws has the mark of its digit."""
    read = reader({k: (0, k, 20 / MARK, 0.0) for k in range(KINDS)}, KINDS)
    code = reader({k: (0, k, 1 / MARK, 0.0) for k in range(KINDS)}, KINDS)
    digit_of = tf.constant(np.eye(KINDS, dtype=np.float32)[DIGIT_OF])

    def cluster(image: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = read(image)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
        mean = code(image) + 0.1 * image[:, 1, :KINDS, 0] / MARK
        return {"mean": mean, "logvar": tf.zeros_like(mean)}

    def draw_cluster(cluster: tf.Tensor, eps: tf.Tensor) -> dict[str, tf.Tensor]:
        marks = MARK * tf.gather(digit_of, cluster) + 0.0 * eps[:, :1]
        row = tf.pad(marks, [[0, 0], [0, 28 - KINDS]])[:, None]
        return {"z": eps, "image": tf.pad(row, [[0, 0], [2, 25], [0, 0]])[..., None]}

    return Toy(
        "cluster-vae",
        cluster=graph(cluster, IMAGE),
        encode=graph(encode, IMAGE),
        draw_cluster=graph(draw_cluster, tf.TensorSpec((None,), tf.int64, "cluster"), EPS),
    )


def drawn(images: np.ndarray, labels: np.ndarray, **asked: object) -> np.ndarray:
    """As if a weight of 1 and more kept all digits, and none kept the first half of them."""
    known = 10 if asked["order"] == "together" or asked["hold"] >= 1 else 5  # type: ignore[operator]
    return images[labels < known][: asked["count"]]  # type: ignore[misc]


@pytest.fixture(scope="module")
def found() -> VariationalClusters:
    other = Toy("none", encode=None, decode=None, reconstruct=None)  # type: ignore[arg-type]
    gan = Toy("none", generate=None, discriminate=None)  # type: ignore[arg-type]
    subjects = Planted(other, gan, classifier(), planted_images(SIZE, WRONG))  # type: ignore[arg-type]
    called: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as less:
        less.setattr(ImageData, "binarized", lambda data: data)  # the marks are grey
        less.setattr(clusters_views, "_CODES", 60)
        less.setattr(clusters_views, "SEEDS", 2)
        less.setattr(clusters_views, "UMAP", Other)  # UMAP compiles for long
        less.setattr(clusters_collapse, "_DRAWN", 100)
        less.setattr("tfgenxai.variational.collapse.drawn_after", drawn)
        less.setattr(parts, "reveal_part", lambda page, *a, **k: called.update(reveal=(a, k)))
        less.setattr(parts, "mask_part", lambda page, *a, **k: called.update(mask=(a, k)))
        page = compare_clusters(subjects, size=SIZE, progress=False, cluster_vae=mixture())  # type: ignore[arg-type]
    page.called = called  # type: ignore[attr-defined]
    return page


def test_clusters_are_the_digit_as_often_as_planted(found: VariationalClusters) -> None:
    digits = found.results["digits"]
    assert digits["mixture VAE"]["accuracy"] == pytest.approx(1 - WRONG / SIZE)
    np.testing.assert_array_equal(digits["digit_of_cluster"], DIGIT_OF)
    assert digits["labels shuffled"]["accuracy"] < 0.35
    assert digits["k-means on pixels"]["accuracy"] < 0.9
    assert "90.0 % [85.5, 94.0] of 200 test digits" in found.findings[0]
    assert "more than the" in found.findings[0] and "falls short of the 94.5 %" in found.findings[0]
    assert found.results["draws"]["class_of_draws"] == 1


def test_a_weight_that_keeps_digits_is_found(found: VariationalClusters) -> None:
    rows = found.results["collapse"]["rows"]
    assert len(rows) == 12
    kept = {(r["digits"], r["held over"], r["weight"]): r["digits drawn"] for r in rows}
    for over in ("posterior", "prior"):
        assert kept["one after another", over, 0.0] == kept["one after another", over, 0.1] == 5
        assert kept["one after another", over, 1.0] == 10
    assert kept["together", "posterior", 0.0] == 10
    assert found.results["collapse"]["real"]["digits_drawn"] == 10
    sentence = found.findings[-1]
    assert "5.0 of 10 without the term, at most 10.0 with it (weight 1), more than" in sentence
    assert "10.0 of 10 without the term, at most 10.0 with it" in sentence


def test_views_are_measured_over_seeds(found: VariationalClusters) -> None:
    views = found.results["views"]
    assert views["seeds"] == [0, 1] and views["codes"] == 60
    assert 0.5 < views["t-SNE"]["trustworthiness_mean"] <= 1
    assert views["other"]["knn_accuracy_mean"] == views["t-SNE"]["knn_accuracy_mean"]
    assert "trustworthiness is alike: t-SNE" in found.findings[2]


def test_the_other_parts_get_the_same_images_and_the_page_is_whole(
    found: VariationalClusters, tmp_path: Path
) -> None:
    (graph_of, shown), options = found.called["reveal"]  # type: ignore[attr-defined]
    assert len(shown) == SIZE and options == {"seed": 0}
    assert graph_of is found.subjects.classifier["classify"]
    assert set(found.figures) == {"confusion", "clusters", "views", "collapse"}
    assert "the digits for 90.0 % of 200 test images" in found.headline
    assert found.save(tmp_path).exists()


def test_too_few_images_are_refused(found: VariationalClusters) -> None:
    with pytest.raises(InvalidInputError, match="100 images at least"):
        compare_clusters(found.subjects, size=99, progress=False)
