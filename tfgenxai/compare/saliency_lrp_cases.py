"""What saliency and LRP explain when they are compared: three networks that read an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.attribution import LRP, Method, Saliency, SmoothGrad
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.evaluate import batched
from tfgenxai.metrics.scores import Scores
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Target

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

SALIENCY, SMOOTH, LRP_DEFAULT, LRP_EPSILON = "Saliency", "SmoothGrad", "LRP", "LRP-epsilon"
#: Name -> graph and seed -> the method.
METHODS: dict[str, Callable[[Graph, int], Method]] = {
    SALIENCY: lambda graph, seed: Saliency(graph, seed=seed),
    SMOOTH: lambda graph, seed: SmoothGrad(graph, samples=25, seed=seed),
    LRP_DEFAULT: lambda graph, seed: LRP(graph, seed=seed),
    LRP_EPSILON: lambda graph, seed: LRP(graph, "epsilon", seed=seed),
}
#: Images among which those are looked for that raise the target, for each image wanted.
_POOL = 4


@dataclass(frozen=True)
class Case:
    """A network, a target, and N images that raise it above 0, and above what black has.

    Attributes:
        name, slug: as tables call it, and names of files.
        about: what is explained, in words.
        other: another target of the same kind, or None: another class, another latent.
    """

    name: str
    slug: str
    about: str
    graph: Graph
    inputs: np.ndarray
    target: Target
    other: Target | None = None

    @property
    def strokes(self) -> np.ndarray:
        """Pixels brighter than one half, bool (N, H, W)."""
        return self.inputs[..., 0] > 0.5


def cases(subjects: Subjects, size: int, only: Sequence[str]) -> list[Case]:
    """The classifier's true digit, the VAE's widest latent, and the discriminator's verdict.

    Where an image raises the target, relevance speaks for it, and taking the relevant ink away
    should lower it: only then can curves of deletion be read.

    Args:
        size: images of each, at most.
        only: of `NETWORKS`.

    Raises:
        InvalidInputError: no image raises the target.
    """
    return [make(subjects, size) for slug, make in NETWORKS.items() if slug in only]


def _classifier(subjects: Subjects, size: int) -> Case:
    images, labels = subjects.grey(_POOL * size), subjects.labels(_POOL * size)
    graph = subjects.classifier["classify"]
    chosen = rising(graph, images, ClassLogit(labels))[:size]
    logits = batched(graph.function("image", "logits"), images[chosen])
    logits[np.arange(len(chosen)), labels[chosen]] = -np.inf
    return Case(
        name="classifier",
        slug="classifier",
        about="the logit of the digit that an image shows",
        graph=graph,
        inputs=images[chosen],
        target=ClassLogit(labels[chosen]),
        other=ClassLogit(logits.argmax(axis=1)),
    )


def _encoder(subjects: Subjects, size: int) -> Case:
    images, graph = subjects.images(_POOL * size), subjects.vae["encode"]
    means = batched(graph.function("image", "mean"), images)
    second, widest = (int(i) for i in means.var(axis=0).argsort()[-2:])
    return Case(
        name="VAE encoder",
        slug="encoder",
        about=f"the posterior mean z{widest}, which varies most",
        graph=graph,
        inputs=images[rising(graph, images, Latent(widest))[:size]],
        target=Latent(widest),
        other=Latent(second),
    )


def _discriminator(subjects: Subjects, size: int) -> Case:
    subjects.refuse_labels()
    images, graph = subjects.grey(_POOL * size), subjects.gan["discriminate"]
    return Case(
        name="GAN discriminator",
        slug="discriminator",
        about="the logit of being real, of images that are",
        graph=graph,
        inputs=images[rising(graph, images, Discriminator())[:size]],
        target=Discriminator(),
    )


NETWORKS = {
    "classifier": _classifier,
    "encoder": _encoder,
    "discriminator": _discriminator,
}


def rising(graph: Graph, images: np.ndarray, target: Target) -> np.ndarray:
    """The places of the images whose target is above 0, and above that of a black image."""
    black = Scores(graph, np.zeros_like(images), target).plain()
    found = np.flatnonzero(Scores(graph, images, target).plain() > np.maximum(black, 0.0))
    if not len(found):
        raise InvalidInputError(
            f"None of {len(images)} images raises {target} above 0 and above its value for a black "
            "image: look at more images."
        )
    return found
