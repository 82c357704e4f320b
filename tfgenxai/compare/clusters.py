"""Variational clusters: of MNIST, of one image's pixels, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare.clusters_collapse import add_collapse
from tfgenxai.compare.clusters_digits import OWN, PIXELS, add_digits
from tfgenxai.compare.clusters_mask import mask_part
from tfgenxai.compare.clusters_reveal import reveal_part
from tfgenxai.compare.clusters_views import add_views
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel

LEAST = 100


class VariationalClusters(Comparison):
    """The comparison as it grows, with the model and images that its parts look at."""

    def __init__(self, subjects: Subjects, model: SavedModel, size: int, seed: int) -> None:
        real = model.as_trained(subjects.data)
        super().__init__(
            "Variational clusters",
            f"MNIST test images ({subjects.data.source}), seed {seed}",
        )
        self.subjects, self.model, self.size, self.seed = subjects, model, size, seed
        self.images, self.labels = real.images, self.digits(real)
        self.results |= {
            "images": size,
            "clustered_images": len(real),
            "source": subjects.data.source,
            "seed": seed,
            "models": {
                "cluster_vae": model.path.name,
                "classifier": subjects.classifier.path.name,
            },
        }

    @staticmethod
    def digits(data: ImageData) -> np.ndarray:
        """The labels (N,) of labelled images."""
        return np.asarray(data.labels)


def add_reveal(page: VariationalClusters) -> None:
    """The top-n variance experiment on the first images."""
    images = page.subjects.grey(page.size)
    reveal_part(page, page.subjects.classifier["classify"], images, seed=page.seed)


def add_mask(page: VariationalClusters) -> None:
    """The mask experiment: each class has learnt from training images alone."""
    per_class = max(2, min(20, page.size // 25))
    mask_part(
        page,
        page.subjects.classifier["classify"],
        page.subjects.train(40 * per_class),
        page.subjects.data,
        tested=per_class,
        seed=page.seed,
    )


STEPS: tuple[Callable[[VariationalClusters], Any], ...] = (
    add_digits,
    add_views,
    add_collapse,
    add_reveal,
    add_mask,
)


def compare_clusters(
    subjects: Subjects,
    *,
    size: int = 500,
    seed: int = 0,
    progress: bool = True,
    cluster_vae: SavedModel | None = None,
) -> VariationalClusters:
    """What variational clusters find, and whether what is claimed of them holds.

    Args:
        subjects: the test images, all of which are clustered, and the classifier.
        size: test images of which pixels are revealed, at least 100.
        seed: of everything that is drawn.
        progress: show a bar on stderr.
        cluster_vae: SavedModel with `cluster`, `encode` and `draw_cluster`; the one that ships by
            default.

    Raises:
        InvalidInputError: fewer than 100 images.
    """
    from tfgenxai.saved.read import load

    if min(size, len(subjects.data)) < LEAST:
        raise InvalidInputError(
            f"Clusters are compared on {LEAST} images at least; raise --size or change the data."
        )
    with counter("clusters", len(STEPS), progress) as done:
        page = VariationalClusters(subjects, cluster_vae or load("cluster-vae"), size, seed)
        for step in STEPS:
            step(page)
            done(1)
    page.headline = _in_short(page.results)
    return page


def _in_short(results: dict[str, Any]) -> str:
    own, plain = (results["digits"][name] for name in (OWN, PIXELS))
    return (
        f"Without any label, ten clusters of a VAE are the digits for {100 * own['accuracy']:.1f} "
        f"% of {results['clustered_images']:,} test images (k-means on pixels: "
        f"{100 * plain['accuracy']:.1f} %)."
    )
