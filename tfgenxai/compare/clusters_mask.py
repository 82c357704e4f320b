"""Whether a mask of pixels that are surely foreground is found, and whether the class is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai import plots
from tfgenxai.compare.clusters_orders import probability_of, ranks
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import interval, proportion
from tfgenxai.metrics.removal import replaced
from tfgenxai.metrics.scores import Scores
from tfgenxai.variational.generator_learner import GeneratorLearner
from tfgenxai.variational.maps import THRESHOLD, cluster_map, mask_map

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison
    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph

DERIVED = "as derived"
#: Model -> its options: with the class asked for, and what each correction does without it.
MODELS: dict[str, dict[str, Any]] = {
    DERIVED: {},
    "without the classifier": {"weight": 0.0},
    "with the notes' tanh": {"weight": 0.0, "notes": "tanh"},
    "with a noise of 1": {"weight": 0.0, "noise": 1.0},
}
#: What the classifier gets to see of an image.
SHOWN = ("all", "mask", "without mask", "brightest", "random")
#: Pixels brighter than this are ink.
_INK = 0.5
_PICTURES = 10


def mask_part(
    page: Comparison,
    graph: Graph,
    train: ImageData,
    test: ImageData,
    *,
    per_class: int = 8,
    tested: int = 20,
    steps: int = 60,
    seed: int = 0,
) -> dict[str, Any]:
    """Adds the mask experiment to a page; gives back its numbers, also under `results["mask"]`.

    One network a class learns from a few images of it, and is asked about others of the same class.
    The mask is where the probability C of the background is below `THRESHOLD`.

    Args:
        graph: a classifier with outputs `logits` and `probabilities`.
        train, test: labelled images, bright on black; none of `test` may be in `train`.
        per_class: images of each class that a network learns from.
        tested: images of each class that it is asked about.
        steps: rounds of every network.
        seed: of the networks, and of random masks.

    Raises:
        InvalidInputError: a class of `test` with fewer images than that.
    """
    classes = np.unique(np.asarray(test.labels))
    seen, asked = by_class(train, classes, per_class), by_class(test, classes, tested)
    images = asked.reshape(-1, *asked.shape[2:])
    labels = np.repeat(classes, tested)
    rows, masks = [], {}
    for name, options in MODELS.items():
        model = one_class(graph, seen, classes, steps=steps, seed=seed, **options)
        probabilities = model.posterior(asked)[1]
        background = 1.0 - cluster_map(probabilities, images)
        masks[name] = mask_map(probabilities, images) > 0
        rows.append(
            {"model": name} | measured(graph, images, labels, background, masks[name], seed)
        )
    page.section(f"The mask C < {THRESHOLD:g}", _ABOUT)
    page.table(
        "mask",
        rows,
        f"{len(classes)} networks, one a class, of {per_class} images each; means over "
        f"{len(images)} other images of these classes. Shown: the probability of the class when "
        "only these pixels are, the rest black; brightest and random are as many pixels as the "
        "mask has. The file has 95 % intervals.",
        columns=[key for key in rows[0] if not key.endswith(("_low", "_high"))],
    )
    page.figure(
        "mask",
        plots.image_blocks(
            {
                "image": asked[None, :_PICTURES, 0],
                **{
                    name: mask.reshape(asked.shape[:4])[None, :_PICTURES, 0, ..., None] * 1.0
                    for name, mask in masks.items()
                },
            },
            [str(label) for label in classes[:_PICTURES]],
            title="Where the background is improbable",
        ),
        "The mask of one image of each class, by every model.",
    )
    numbers = {"per_class": per_class, "images": len(images), "models": rows}
    page.results["mask"] = numbers
    page.finding(words(rows))
    return numbers


def by_class(data: ImageData, classes: np.ndarray, count: int) -> np.ndarray:
    """The first `count` images of each class, (classes, count, H, W, C).

    Raises:
        InvalidInputError: a class has fewer.
    """
    labels = np.asarray(data.labels)
    places = [np.flatnonzero(labels == label)[:count] for label in classes]
    if min(map(len, places)) < count:
        raise InvalidInputError(
            f"The mask experiment takes {count} images of every class; one has "
            f"{min(map(len, places))}: take more images, or fewer of each."
        )
    return data.images[np.stack(places)]


def one_class(
    graph: Graph, images: np.ndarray, classes: np.ndarray, *, steps: int, **options: Any
) -> GeneratorLearner:
    """A generator and learner for every class, taught by its images (classes, B, H, W, C)."""
    logits = graph.function("image", "logits")
    wanted = np.repeat(classes, images.shape[1])

    def log_probability(drawn: tf.Tensor, context: Any) -> tf.Tensor:
        return tf.gather(tf.nn.log_softmax(logits(drawn)), wanted, axis=1, batch_dims=1)

    asked = log_probability if options.get("weight", 1.0) else None
    model = GeneratorLearner(len(images), images.shape[2:], asked, **options)
    model.descend(images, steps)
    return model


def measured(
    graph: Graph,
    images: np.ndarray,
    labels: np.ndarray,
    background: np.ndarray,
    masks: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    """Cells of a table: how often there is a mask, what it covers, and what the classifier sees.

    Args:
        images: (N, H, W, C), of the classes `labels` (N,).
        background: C, (N, H, W).
        masks: bool (N, H, W).
        seed: of random masks.
    """
    ink = images.mean(axis=-1) > _INK
    size = masks.sum(axis=(1, 2))
    row: dict[str, Any] = {"lowest C": float(background.min())}
    row |= proportion(int((size > 0).sum()), len(size)).row("has a mask")
    row |= interval(masks.mean(axis=(1, 2))).row("pixels in it")
    covered = (masks & ink).sum(axis=(1, 2)) / np.maximum(ink.sum(axis=(1, 2)), 1)
    row |= interval(covered).row("ink covered")
    if size.any():
        row |= interval((masks & ink).sum(axis=(1, 2))[size > 0] / size[size > 0]).row("is ink")
    flat = masks.reshape(len(masks), -1)
    bright = ranks(images.mean(axis=-1), seed) < size[:, None]
    chance = ranks(np.zeros_like(background), seed) < size[:, None]
    kept = np.stack([np.ones_like(flat), flat, ~flat, bright, chance], axis=1)
    scores = Scores(graph, images, probability_of(labels))

    def change(samples: np.ndarray, variants: np.ndarray) -> np.ndarray:
        return replaced(scores, samples, ~kept[samples, variants], np.zeros_like(images))

    found = scores.over(len(SHOWN), change)
    for name, values in zip(SHOWN, found.T, strict=True):
        row |= interval(values).row(f"shown: {name}")
    return row | interval(found[:, 1] - found[:, 3]).row("mask over brightest")


def words(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the rows of `mask_part` say, in sentences."""
    first = rows[0]
    fires = "; ".join(
        f"{row['model']} in {100 * row['has a mask']:.0f} % (lowest C {row['lowest C']:.2g})"
        for row in rows
    )
    gap = (first["mask over brightest_low"], first["mask over brightest_high"])
    against = "more than" if gap[0] > 0 else "less than" if gap[1] < 0 else "no more than"
    return (
        f"The mask C < {THRESHOLD:g} after one-class training fires: {fires}. The model "
        f"{first['model']} covers {100 * first['ink covered']:.0f} % of the ink; shown alone, the "
        f"mask gives the class a probability of {first['shown: mask']:.2f}, {against} as many of "
        f"the brightest pixels ({first['shown: brightest']:.2f}); random ones give "
        f"{first['shown: random']:.2f}, all pixels {first['shown: all']:.2f}, and the image "
        f"without the mask {first['shown: without mask']:.2f}."
    )


_ABOUT = """\
After training on images of one class, a pixel is masked where the probability C of the background \
is below 0.1. With a tanh before the softmax, as in the notes, C is never below .119, and no pixel \
is masked. Whether the mask holds the class, and not only the ink, is asked of the classifier: it \
is shown the mask alone, the image without it, as many of the brightest pixels, and as many random \
ones."""
