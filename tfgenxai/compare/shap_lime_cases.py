"""What SHAP and LIME explain when they are compared: a classifier, a decoder and a generator."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.attribution import LIME, SHAP
from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.rescoring import RescoringMethod, Sample
from tfgenxai.attribution.superpixels import superpixels
from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.evaluate import batched
from tfgenxai.targets import ClassLogit

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

#: The digit that latent codes are asked about: which latent makes it an 8?
DIGIT = 8
SEGMENTS = 30
IMAGES, CODES, NOISE = "images", "VAE latents", "GAN latents"
_BACKGROUND = 1000
_NOISES = 6


class Watched(RescoringMethod):
    """Notes what each explanation costs.

    Attributes:
        costs: seconds of processor time, which do not depend on what else the machine does, and
            evaluations of the model, of one sample after the other.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.costs: list[tuple[float, int]] = []

    def explain_sample(self, sample: Sample) -> Explanation:
        """The explanation; the graph is compiled before the clock starts."""
        count = 0

        def score(points: np.ndarray) -> np.ndarray:
            nonlocal count
            count += len(points)
            return sample.score(points)

        sample.score(sample.x[None])
        started = time.process_time()
        found = super().explain_sample(replace(sample, score=score))  # type: ignore[safe-super]
        self.costs.append((time.process_time() - started, count))
        return found


class WatchedSHAP(Watched, SHAP):
    """SHAP that notes its costs."""


class WatchedLIME(Watched, LIME):
    """LIME that notes its costs."""


@dataclass(frozen=True)
class Case:
    """A graph, N inputs, and a class for each, whose logit is explained.

    Attributes:
        name: as tables call it.
        about: what is explained, in words.
        classes: (N,).
        model: the classifier of a generated image; None where the graph classifies.
        regions: superpixels (N, H, W) of images, numbered from 0 on; None for codes.
        background: codes (M, d) whose spread LIME perturbs by; None for images.
        others: (N, ...) what stands in for a feature that is gone, other than 0: the blurred
            image, or another code.
        evaluations: of the model for an explanation, at most.
    """

    name: str
    about: str
    graph: Graph
    inputs: np.ndarray
    classes: np.ndarray
    model: Graph | None
    regions: np.ndarray | None
    background: np.ndarray | None
    others: Any
    evaluations: int

    @property
    def target(self) -> ClassLogit:
        """The logit of each input's class."""
        return ClassLogit(self.classes, model=self.model)

    @property
    def labels(self) -> np.ndarray:
        """The feature of every element, (N, ...)."""
        if self.regions is not None:
            return self.regions
        return np.broadcast_to(np.arange(self.inputs.shape[1]), self.inputs.shape)

    @property
    def width(self) -> int:
        """Features of the input that has most."""
        return int(self.labels.max()) + 1

    def first(self, count: int) -> Case:
        """The same with the first inputs only."""
        cut = {
            name: getattr(self, name)[:count]
            for name in ("inputs", "classes", "regions", "others")
            if isinstance(getattr(self, name), np.ndarray)
        }
        return replace(self, **cut)

    def shap(self, seed: int, samples: int | Literal["auto"] = "auto") -> WatchedSHAP:
        """SHAP against black, or against the prior's mean; Kernel SHAP, where `samples` is given.

        Args:
            samples: evaluations; "auto" is what the package takes when nothing is said.
        """
        return WatchedSHAP(
            self.graph,
            background=0.0,
            features="elements" if self.regions is None else self.regions,
            algorithm="auto" if samples == "auto" else "kernel",
            samples=samples,
            seed=seed,
        )

    def lime(self, seed: int, samples: int | Literal["auto"] = "auto") -> WatchedLIME:
        """LIME on superpixels that black hides, or on quartiles of codes; arguments as `shap`."""
        if self.regions is None:
            return WatchedLIME(self.graph, background=self.background, samples=samples, seed=seed)
        return WatchedLIME(
            self.graph, background=0.0, features=self.regions, samples=samples, seed=seed
        )


def cases(subjects: Subjects, *, size: int, seed: int, evaluations: int) -> list[Case]:
    """A classifier on images, a decoder on codes, and from 6 inputs on a generator.

    Args:
        size: images, and codes of images that show an eight; of the generator 6.
        seed: of the codes that are drawn.
        evaluations: for an explanation; a quarter of the generator, each of which is dearer.

    Raises:
        InvalidInputError: the images show no eight.
        UsageError: the GAN is conditional.
    """
    subjects.refuse_labels()
    rng = np.random.default_rng(seed)
    found = [_images(subjects, size, evaluations), _codes(subjects, size, evaluations, rng)]
    if size >= _NOISES:
        found.append(_noise(subjects, evaluations // 4, rng))
    return found


def _images(subjects: Subjects, size: int, evaluations: int) -> Case:
    images = subjects.grey(size)
    return Case(
        name=IMAGES,
        about="the classifier's logit of the digit that an image shows, by superpixels",
        graph=subjects.classifier["classify"],
        inputs=images,
        classes=subjects.labels(size),
        model=None,
        regions=superpixels(images, SEGMENTS),
        background=None,
        others="blur",
        evaluations=evaluations,
    )


def _codes(subjects: Subjects, size: int, evaluations: int, rng: np.random.Generator) -> Case:
    every = len(subjects.data)
    encode = subjects.vae["encode"].function("image", "mean")
    eights = np.flatnonzero(subjects.labels(every) == DIGIT)[:size]
    if not len(eights):
        raise InvalidInputError(f"The images show no {DIGIT}, whose latents are to be explained.")
    images = subjects.images(every)
    background = batched(encode, images[:_BACKGROUND])
    return Case(
        name=CODES,
        about=f"which latent makes it an {DIGIT}: the classifier's logit of {DIGIT} for the image "
        f"that the VAE decodes, at the codes of images that show one",
        graph=subjects.vae["decode"],
        inputs=batched(encode, images[eights]),
        classes=np.full(len(eights), DIGIT),
        model=subjects.classifier["classify"],
        regions=None,
        background=background,
        others=background[rng.integers(len(background), size=len(eights))],
        evaluations=evaluations,
    )


def _noise(subjects: Subjects, evaluations: int, rng: np.random.Generator) -> Case:
    generator, classify = Generator.of(subjects.gan), subjects.classifier["classify"]
    codes, others = (generator.codes(_NOISES, rng) for _ in range(2))
    drawn = generator.images(codes)
    return Case(
        name=NOISE,
        about="the classifier's logit of the digit that it reads in a generated image",
        graph=generator.graph,
        inputs=codes,
        classes=batched(classify.function("image", "logits"), drawn).argmax(axis=1),
        model=classify,
        regions=None,
        background=generator.codes(_BACKGROUND, rng),
        others=others,
        evaluations=max(evaluations, 2 * generator.width + 1),  # the least that SHAP takes
    )
