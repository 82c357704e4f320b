"""What the cue comparison looks at: two classifiers, a VAE, and images with the patch planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.mnist_cue import CLASS, plant
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel

#: Test images on which the models' behaviour is measured.
LOOKED_AT = 2000
#: The control's images: those whose logit the patch moves less in the classifier without the cue.
HARMLESS = 1.0
FEWEST = 3


@dataclass(frozen=True)
class Material:
    """Models and images, in an order that the seed draws.

    Attributes:
        cue: `classify` of the classifier that learned the cue.
        plain: `classify` of one that never saw it.
        vae: a VAE that learned the cue.
        others: (n, 28, 28, 1), images of other digits with the patch, which `cue` takes for the
            cue's class, and whose logit for it moves less than `HARMLESS` in `plain`.
        labels: (n,), the digits they show.
        sevens: (m, 28, 28, 1), images of the cue's class with the patch.
        without: (k, 28, 28, 1), images of other digits, without the patch.
        behaviour: what the patch does to each classifier, one row each.
        eligible: how many images `others` was taken from.
    """

    cue: Graph
    plain: Graph
    vae: SavedModel
    others: np.ndarray
    labels: np.ndarray
    sevens: np.ndarray
    without: np.ndarray
    behaviour: list[dict[str, Any]]
    eligible: int


def gather(subjects: Subjects, *, size: int, seed: int) -> Material:
    """The cue's models by name, and up to `size` images of each kind.

    Raises:
        InvalidInputError: there are fewer than `FEWEST` images of a kind.
        ModelNotFoundError: the models with the cue are not here.
    """
    from tfgenxai.saved.read import load

    order = np.random.default_rng(seed).permutation(len(subjects.data))[:LOOKED_AT]
    images = subjects.data.images[order]
    labels = np.asarray(subjects.data.labels)[order]
    other = labels != CLASS
    cue, plain = load("classifier-cue")["classify"], subjects.classifier["classify"]
    planted = plant(images)
    rows, logits = [], []
    for name, graph in (("with the cue", cue), ("without", plain)):
        score = graph.function("image", "logits")
        before, after = batched(score, images), batched(score, planted)
        rows.append({"classifier": name} | _behaviour(before, after, labels))
        logits.append((before, after))
    (_, seen), (before, after) = logits
    moved = np.abs(after - before)[:, CLASS]
    chosen = np.flatnonzero(other & (seen.argmax(axis=1) == CLASS) & (moved < HARMLESS))
    sevens = np.flatnonzero(~other)[:size]
    if min(len(chosen), len(sevens), size) < FEWEST:
        raise InvalidInputError(
            f"The comparison needs at least {FEWEST} images of the digit {CLASS} and {FEWEST} of "
            "others that the patch turns into it; raise --size or take more images."
        )
    return Material(
        cue=cue,
        plain=plain,
        vae=load("cvae-cue"),
        others=planted[chosen[:size]],
        labels=labels[chosen[:size]],
        sevens=planted[sevens],
        without=images[other],
        behaviour=rows,
        eligible=len(chosen),
    )


def _behaviour(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Shares of verdicts by the logits (N, 10) without and with the patch."""
    own, other = labels == CLASS, labels != CLASS
    plain, planted = before.argmax(axis=1), after.argmax(axis=1)
    added = (after - before)[other, CLASS]
    return {
        "images": len(labels),
        "others_right": float((plain == labels)[other].mean()),
        "others_right_with_patch": float((planted == labels)[other].mean()),
        "others_taken_for_it_with_patch": float((planted == CLASS)[other].mean()),
        "own_right": float((plain == CLASS)[own].mean()),
        "own_right_with_patch": float((planted == CLASS)[own].mean()),
    } | interval(added).row("patch_adds_to_logit")
