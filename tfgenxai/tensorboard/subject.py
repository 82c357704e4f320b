"""What TensorBoard shows of a model: its graphs, and the images and codes they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution.inputs import batches
from tfgenxai.errors import UsageError
from tfgenxai.explained import Feeds, fetch, find_output
from tfgenxai.latent.decoding import prior_codes
from tfgenxai.latent.generator import Generator, find_generator
from tfgenxai.targets.units import LATENT_OUTPUTS

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgenxai.graph import Graph

_CODE = (*LATENT_OUTPUTS["mean"], *LATENT_OUTPUTS["sample"])


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, frozen from a SavedModel or from a live Keras model, and what it is shown.

    Attributes:
        graphs: signature -> graph; encode, decode, reconstruct, generate, discriminate, classify.
        images: (N, H, W, C) float32 in [0, 1], as the model was trained on them.
        labels: (N,) integers, or None.
        classifier: a graph with `probabilities` that labels what a generator draws, or None.
        count: codes that are drawn for a generator.
        seed: of the codes.
        classes: of a conditional live model; None for what a SavedModel's card says.
    """

    graphs: Mapping[str, Graph]
    images: np.ndarray
    labels: np.ndarray | None = None
    classifier: Graph | None = None
    count: int = 64
    seed: int = 0
    classes: int | None = None

    def given(self, graph: Graph, rows: Any = slice(None)) -> dict[str, Any]:
        """The images, or some rows, as the graph takes them: with labels if it is conditional.

        Raises:
            UsageError: it is conditional, and the images have no labels.
        """
        picture = next(name for name in graph.inputs if name != "label")
        found = {picture: self.images[rows]}
        if "label" in graph.inputs:
            if self.labels is None:
                raise UsageError(f"{graph.name!r} takes labels, and these images have none.")
            found["label"] = self.labels[rows]
        return found

    @cached_property
    def posterior(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Codes (N, d) of the images: means and log-variances, or codes alone without a spread."""
        encode = self.graphs["encode"]
        tensors = [find_output(encode, None, _CODE, "TensorBoard")]
        if "logvar" in encode.outputs:
            tensors.append(encode.outputs["logvar"])
        mean, *logvar = computed(encode, self.given(encode), tensors)
        return mean, logvar[0] if logvar else None

    @cached_property
    def information(self) -> np.ndarray:
        """How much each latent holds, (d,): mean KL from the prior in nats, else the variance."""
        mean, logvar = self.posterior
        if logvar is None:
            return mean.var(axis=0)
        return 0.5 * (mean**2 + np.exp(logvar) - 1.0 - logvar).mean(axis=0)

    @property
    def most_active(self) -> list[int]:
        """The latents by what they hold, the fullest first."""
        return [int(i) for i in np.argsort(-self.information, kind="stable")]

    @cached_property
    def generator(self) -> Generator:
        """What makes images of codes, `generate` or `decode`; see `draws`."""
        return Generator.of(self.graphs, classes=self.classes)

    @property
    def draws(self) -> bool:
        """Whether the model makes images of codes."""
        return find_generator(self.graphs) is not None

    @property
    def has_prior(self) -> bool:
        """Whether codes may be drawn from a prior."""
        encode = self.graphs.get("encode")
        return "generate" in self.graphs or (encode is not None and "logvar" in encode.outputs)

    @cached_property
    def eps(self) -> np.ndarray:
        """The standard normal draws (count, d) that `codes` are made of."""
        return self.generator.normals(self.count, np.random.default_rng(self.seed))

    @cached_property
    def codes(self) -> np.ndarray:
        """Codes (count, d) of the prior."""
        return prior_codes(self.generator.prior, self.eps)

    @cached_property
    def asked(self) -> np.ndarray | None:
        """The labels (count,) of `drawn`: all in turn, of a conditional model; else None."""
        return self.generator.labels(self.count)

    @cached_property
    def drawn(self) -> np.ndarray:
        """What the model makes of `codes`, (count, H, W, C)."""
        return self.generator.images(self.codes, self.asked)

    @cached_property
    def votes(self) -> np.ndarray | None:
        """The classifier's class probabilities (count, K) of what is drawn, or None."""
        if self.classifier is None:
            return None
        return self.probabilities(self.classifier, self.drawn)

    def judged(self, rows: Any, count: int) -> dict[str, Any]:
        """What a discriminator takes: some rows of the images, then the first `count` drawn."""
        judge = self.graphs["discriminate"]
        found = self.given(judge, rows)
        (picture,) = (name for name in judge.inputs if name != "label")
        found[picture] = np.concatenate([found[picture], self.drawn[:count]])
        if "label" in found and self.asked is not None:
            found["label"] = np.concatenate([found["label"], self.asked[:count]])
        return found

    def probabilities(self, classify: Graph, images: np.ndarray) -> np.ndarray:
        """Class probabilities (n, K)."""
        tensor = find_output(classify, None, ("probabilities",), "TensorBoard")
        return computed(classify, {next(iter(classify.inputs)): images}, [tensor])[0]


def computed(
    graph: Graph, given: Mapping[str, Any], tensors: list[tf.Tensor], size: int = 256
) -> list[np.ndarray]:
    """Values of the graph's tensors for all that is given, a batch at a time."""
    stream, _ = batches(given, graph, size)
    parts = [[found.numpy() for found in fetch(graph, Feeds(b), tensors)] for b in stream]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]
