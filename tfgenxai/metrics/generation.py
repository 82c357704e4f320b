"""Every number about what a model draws, in one report."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics import GENERATION_PARTS
from tfgenxai.metrics.classes import (
    class_kl,
    class_shares,
    classifier_score,
    conditional_accuracy,
)
from tfgenxai.metrics.coverage import mode_coverage
from tfgenxai.metrics.features import Readings, fingerprint, last_hidden, read
from tfgenxai.metrics.frechet import frechet
from tfgenxai.metrics.kernel import kernel_distance
from tfgenxai.metrics.memorisation import TAIL, memorisation
from tfgenxai.metrics.precision import manifold_row
from tfgenxai.metrics.stacked import stack, stacked_modes

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.saved.read import SavedModel

#: Nearest training images are sought for this many images, since each is compared with all.
MEMORISATION_IMAGES = 1000


def generation_report(
    images: np.ndarray,
    real_train: ImageData,
    real_test: ImageData,
    classifier: SavedModel,
    *,
    labels: np.ndarray | None = None,
    seed: int = 0,
    skip: Collection[str] = (),
) -> dict[str, Any]:
    """Measures of generated `images`, flat: `name`, with `name_low`, `name_high` and `name_real`.

    `name_low` and `name_high` end the 95 % interval, where there is one. `name_real` is the same
    measure on as many real training images in place of the generated ones, or held-out ones where
    nearness to the training set is measured: the floor of a distance, the ceiling of a share.

    Distances and shares in feature space compare equal numbers of images, n of each kind: all
    generated ones, or fewer where there are not as many real ones. n is `distance_images`.
    Verdicts of the classifier are taken on all generated images.

    Args:
        images: (N, H, W, C) in [0, 1].
        real_train: what the model was trained on.
        real_test: held-out images of the same set, which the generated ones are compared with.
        classifier: SavedModel with `classify`, whose features and verdicts are used.
        labels: (N,) the classes that a conditional model was asked for.
        seed: of the choice of real images and of the bootstrap.
        skip: parts to leave out, of `tfgenxai.metrics.GENERATION_PARTS`.

    Raises:
        UsageError: a part of another name.
        InvalidInputError: shapes that do not fit, or fewer than two images.
    """
    check_parts(skip)
    material = _gather(images, real_train, real_test, classifier, labels, seed)
    report: dict[str, Any] = {
        "generated_images": len(images),
        "distance_images": material.count,
        "features_layer": last_hidden(classifier["classify"]),
        "features_sha256": fingerprint(classifier),
    }
    for part in GENERATION_PARTS:
        if part not in skip:
            report |= _PARTS[part](material)
    return {name: _plain(value) for name, value in report.items()}


def check_parts(skip: Collection[str]) -> None:
    """UsageError if `skip` names a part that does not exist."""
    if unknown := sorted(set(skip) - set(GENERATION_PARTS)):
        raise UsageError(
            f"{unknown[0]!r} is no part of the report; there are {', '.join(GENERATION_PARTS)}."
        )


@dataclass(frozen=True)
class _Material:
    """Readings of N generated images, of n training and of n held-out ones."""

    images: np.ndarray
    generated: Readings
    real: Readings
    held_out: Readings
    held_out_images: np.ndarray
    held_out_labels: np.ndarray | None
    train: ImageData
    classifier: SavedModel
    labels: np.ndarray | None
    seed: int

    @property
    def count(self) -> int:
        """n: of each kind, where numbers must be equal."""
        return len(self.real)

    @property
    def classes(self) -> int:
        return self.generated.probabilities.shape[1]


def _gather(
    images: np.ndarray,
    train: ImageData,
    test: ImageData,
    classifier: SavedModel,
    labels: np.ndarray | None,
    seed: int,
) -> _Material:
    count = min(len(images), len(train), len(test))
    if count < 2:
        raise InvalidInputError("A report on generation needs at least two images of each kind.")
    rng = np.random.default_rng(seed)
    some = np.sort(rng.choice(len(train), count, replace=False))
    held_out = test[np.sort(rng.choice(len(test), count, replace=False))]
    classify = classifier["classify"]
    return _Material(
        images=images,
        generated=read(classify, images),
        real=read(classify, train[some].images),
        held_out=read(classify, held_out.images),
        held_out_images=held_out.images,
        held_out_labels=held_out.labels,
        train=train,
        classifier=classifier,
        labels=labels,
        seed=seed,
    )


def _classes(m: _Material) -> dict[str, Any]:
    """Verdicts of the classifier: which classes, how sure, how varied, and as asked."""
    coverage = mode_coverage(m.generated.probabilities)
    score = classifier_score(m.generated.probabilities, seed=m.seed)
    votes, held_out = m.generated.votes, m.held_out.votes
    found = {
        "classes_covered": coverage.covered,
        "class_shares": [round(float(share), 4) for share in coverage.shares],
        "classifier_confidence": coverage.confidence,
        "classifier_confidence_real": mode_coverage(m.real.probabilities).confidence,
        **score.row("classifier_score"),
        "classifier_score_real": classifier_score(m.real.probabilities, draws=1).mean,
        **class_kl(votes, held_out, m.classes, seed=m.seed).row("class_kl"),
        "class_kl_real": class_kl(m.real.votes, held_out, m.classes, draws=1).mean,
    }
    if m.labels is not None:
        found |= conditional_accuracy(votes, m.labels).row("conditional_accuracy")
        if m.held_out_labels is not None:
            ceiling = conditional_accuracy(held_out, m.held_out_labels)
            found["conditional_accuracy_real"] = ceiling.mean
    return found


def _stacked(m: _Material) -> dict[str, Any]:
    """Modes of stacks of three of the images."""
    shares = class_shares(m.held_out.votes, m.classes)
    drawn, real = (
        stacked_modes(stack(x.votes, seed=m.seed), shares) for x in (m.generated, m.real)
    )
    return {
        "stacked_images": drawn.n,
        "stacked_modes": drawn.modes,
        "stacked_modes_real": real.modes,
        "stacked_kl": drawn.kl,
        "stacked_kl_real": real.kl,
    }


def _distances(m: _Material) -> dict[str, Any]:
    """Distances between distributions of features."""
    generated, held_out, real = (x.features[: m.count] for x in (m.generated, m.held_out, m.real))
    distance = frechet(generated, held_out, real)
    return {
        "frechet": distance.distance,
        "frechet_real": distance.floor,
        **kernel_distance(generated, held_out).row("kernel_distance"),
        "kernel_distance_real": kernel_distance(real, held_out).mean,
    }


def _manifold(m: _Material) -> dict[str, Any]:
    """Precision, recall, density and coverage."""
    generated = m.generated.features[: m.count]
    return manifold_row(generated, m.real.features, m.held_out.features)


def _memorisation(m: _Material) -> dict[str, Any]:
    """How near the images come to the training set, in pixels and in features."""
    count = min(m.count, MEMORISATION_IMAGES)
    classify = m.classifier["classify"]
    spaces = {
        "pixels": (m.images[:count], m.held_out_images[:count], m.train.images),
        "features": (
            m.generated.features[:count],
            m.held_out.features[:count],
            read(classify, m.train.images).features,
        ),
    }
    found: dict[str, Any] = {"memorisation_images": count, "train_images": len(m.train)}
    for space, arrays in spaces.items():
        measured = memorisation(*arrays)
        found |= {
            f"nearest_ratio_{space}": measured.ratio,
            f"nearest_ratio_{space}_real": 1.0,
            **measured.nearer.row(f"nearer_{space}"),
            f"nearer_{space}_real": TAIL,
            **measured.authenticity.row(f"authenticity_{space}"),
            f"authenticity_{space}_real": measured.held_out_authenticity.mean,
        }
    return found


_PARTS: dict[str, Callable[[_Material], dict[str, Any]]] = {
    "classes": _classes,
    "stacked": _stacked,
    "distances": _distances,
    "manifold": _manifold,
    "memorisation": _memorisation,
}


def _plain(value: Any) -> Any:
    """A number that JSON can hold; None for an infinite one."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
