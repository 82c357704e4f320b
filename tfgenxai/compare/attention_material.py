"""The networks with self-attention, and what they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attention import AttentionLayer, find_attention
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

MODELS = ("sagan", "gan", "cgan")
GENERATOR, DISCRIMINATOR = "generator", "discriminator"


@dataclass(frozen=True)
class Network:
    """A generator or a discriminator with self-attention.

    Attributes:
        model: the model that it is of.
        part: `GENERATOR` or `DISCRIMINATOR`.
        graph: its graph.
        inputs: codes (N, d) or test images (N, 28, 28, 1), with labels if it takes any.
        layer: its last self-attention.
        gain: of that layer; None without one.
    """

    model: str
    part: str
    graph: Graph
    inputs: Mapping[str, Any]
    layer: AttentionLayer
    gain: float | None

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.model} {self.part}"

    def first(self, count: int) -> dict[str, Any]:
        """What it is given, the first `count` samples."""
        return {name: values[:count] for name, values in self.inputs.items()}


def networks(
    models: Sequence[str] | Mapping[str, Mapping[str, Graph]],
    subjects: Subjects,
    size: int,
    drawn: int,
    seed: int,
) -> list[Network]:
    """All generators and discriminators with self-attention.

    Args:
        models: names or paths of SavedModels, or models by name.
        size: test images for discriminators.
        drawn: codes for generators.
        seed: of the codes.

    Raises:
        LayerNotFoundError: none has any.
    """
    from tfgenxai.saved.read import load

    opened = models if isinstance(models, Mapping) else {name: load(name) for name in models}
    images, labels = subjects.grey(size), subjects.labels(size)
    found = []
    for name, model in opened.items():
        generator = Generator.of(model)
        given: dict[str, Any] = {"z": generator.codes(drawn, np.random.default_rng(seed))}
        if generator.conditional:
            given["label"] = generator.labels(drawn)
        found.append(_network(name, GENERATOR, generator.graph, given))
        if "discriminate" in model:
            judge = model["discriminate"]
            given = {"image": images} | ({"label": labels} if "label" in judge.inputs else {})
            found.append(_network(name, DISCRIMINATOR, judge, given))
    known = [network for network in found if network is not None]
    if not known:
        raise LayerNotFoundError(
            f"None of {', '.join(opened)} has self-attention, which this comparison is about."
        )
    return known


def _network(name: str, part: str, graph: Graph, inputs: Mapping[str, Any]) -> Network | None:
    layers = find_attention(graph)
    if not layers:
        return None
    gain = None if layers[-1].gain is None else float(graph.value(layers[-1].gain).item())
    return Network(name, part, graph, inputs, layers[-1], gain)
