"""A generator with what its codes and labels are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.latent.decoding import code_width, decoded, prior_codes
from tfgenxai.saved.word import name_a_word

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_SIGNATURES = ("generate", "decode")
#: classes of a conditional model whose card does not say how many, as MNIST has
CLASSES = 10


@dataclass(frozen=True)
class Generator:
    """What draws images: a graph from codes, the prior of its codes, and its classes.

    Attributes:
        graph: takes `z` (N, d), and `label` (N,) if it is conditional; gives `image`.
        prior: takes standard normal `eps` (N, d) and gives `z`; None: codes are standard normal.
        classes: how many labels there are; 0 of a generator that takes none.
        name: what the user calls the model; None where that is not known.
    """

    graph: Graph
    prior: Graph | None = None
    classes: int = 0
    name: str | None = None

    @classmethod
    def of(
        cls,
        model: Mapping[str, Graph],
        *,
        graph: Graph | None = None,
        classes: int | None = None,
    ) -> Self:
        """The generator of a model: a GAN's `generate`, or a VAE's `decode`.

        Args:
            model: signature -> graph, such as a SavedModel; its signature `prior`, if it has one,
                makes codes of standard normal draws.
            graph: another graph of the model that takes its codes.
            classes: of a conditional model; by default what its card says, or else 10.

        Raises:
            ModelNotFoundError: no signature makes images of codes.
        """
        graph = find_generator(model) if graph is None else graph
        if graph is None:
            raise ModelNotFoundError(
                "The model draws nothing: it has no signature 'generate' or 'decode' from z, or "
                "z and label, to image."
            )
        prior = model.get("prior") if "z" in graph.inputs else None
        if "label" not in graph.inputs:
            return cls(graph, prior)
        known = (getattr(model, "card", None) or {}).get("architecture", {}).get("config", {})
        path = getattr(model, "path", None)
        name = None if path is None else str(path)
        return cls(graph, prior, classes or known.get("num_classes") or CLASSES, name)

    @property
    def width(self) -> int:
        """Dimensions d of a code."""
        return code_width(self.graph)

    @property
    def conditional(self) -> bool:
        """Whether it takes labels."""
        return "label" in self.graph.inputs

    @property
    def source(self) -> str:
        """What codes are drawn from, in words."""
        return "N(0, 1)" if self.prior is None else "the model's prior"

    def normals(self, count: int, random: np.random.Generator) -> np.ndarray:
        """`count` standard normal draws, (count, d) float32, for `prior_codes`."""
        return random.standard_normal((count, self.width)).astype(np.float32)

    def codes(self, count: int, random: np.random.Generator) -> np.ndarray:
        """`count` codes of the prior, (count, d) float32."""
        return prior_codes(self.prior, self.normals(count, random))

    def labels(self, count: int) -> np.ndarray | None:
        """All classes in turn, (count,) int64; None of a generator that takes none.

        Raises:
            UsageError: labels are the characters of words: no word is named.
        """
        if not self.conditional:
            return None
        if self.graph.inputs["label"].shape.rank != 1:
            raise name_a_word(self.name or "scrabble-gan")
        return np.arange(count) % self.classes

    def images(self, codes: np.ndarray, labels: Any = None) -> np.ndarray:
        """Images (..., H, W, C) in [0, 1] of `codes` (..., d).

        Args:
            labels: one for all codes, or an array (...); needed by a conditional generator alone.

        Raises:
            UsageError: a conditional generator is given no labels, or another is given some.
            InvalidInputError: as `decoded` does.
        """
        if self.conditional != (labels is not None):
            says = "takes a label beside each code" if self.conditional else "takes no labels"
            raise UsageError(f"The generator {self.graph.name!r} {says}.")
        return decoded(self.graph, codes, extra=self.extra(labels))

    def extra(self, labels: Any) -> dict[str, Any] | None:
        """What `decoded` feeds beside codes: these labels, if the generator takes any."""
        return {"label": labels} if self.conditional and labels is not None else None


def find_generator(model: Mapping[str, Graph]) -> Graph | None:
    """The graph that makes an image of a code `z`, and perhaps a `label`; None if there is none.

    A GAN's `generate`, or a VAE's `decode`: what the prior is decoded to is drawn as well.
    """
    for name in _SIGNATURES:
        if name in model:
            graph = model[name]
            if "image" in graph.outputs and set(graph.inputs) in ({"z"}, {"z", "label"}):
                return graph
    return None
