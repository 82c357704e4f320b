"""Targets that are elements of a tensor: latents, outputs, logits, neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.explained import (
    Explained,
    element,
    element_of_each,
    elements,
    find_output,
    of_generated_image,
    sample_shape,
)
from tfgenxai.targets.target import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

LATENT_OUTPUTS = {"mean": ("mean", "mu", "z_mean"), "sample": ("z",)}


@dataclass(frozen=True)
class Latent(Target):
    """Coordinates of an encoder's latent code.

    Args:
        index: one coordinate, a tuple of them (a family), or None for all (`Latent.all()`).
        at: "mean" explains the posterior mean (output `mean`), "sample" a sample (output `z`).
        output: name of the output or layer that holds the code, where it has another name.
    """

    index: int | tuple[int, ...] | None
    at: Literal["mean", "sample"] = "mean"
    output: str | None = None

    def __post_init__(self) -> None:
        if self.index is not None and np.ndim(self.index):
            object.__setattr__(self, "index", tuple(self.index))  # type: ignore[arg-type]
        if self.at not in LATENT_OUTPUTS:
            raise UsageError(f"A latent is explained at 'mean' or 'sample', not at {self.at!r}.")

    @classmethod
    def all(cls, at: Literal["mean", "sample"] = "mean", output: str | None = None) -> Latent:
        """All coordinates, explained together."""
        return cls(None, at, output)

    def on(self, graph: Graph) -> Explained:
        """Coordinates named z0, z1, ..."""
        who = f"Latent(at={self.at!r})"
        code = find_output(graph, self.output, LATENT_OUTPUTS[self.at], who)
        one = self.index is not None and not isinstance(self.index, tuple)
        chosen: Any = [self.index] if one else self.index
        found = elements(graph, code, chosen, _coordinate, "latent coordinate")
        return found.single() if one else found


@dataclass(frozen=True)
class Output(Target):
    """One element of a named output or layer, or all its elements.

    Args:
        name: the output or layer.
        index: position in a sample: an int into (N, D), a tuple for more axes; None for all.
    """

    name: str
    index: int | tuple[int, ...] | None = None

    def on(self, graph: Graph) -> Explained:
        """Elements named `name[index]`."""
        tensor = find_output(graph, self.name, (), "Output")
        chosen = None if self.index is None else [self.index]
        if isinstance(self.index, int | np.integer) and tensor.shape.rank != 2:
            chosen = [(self.index,)]
        found = elements(
            graph, tensor, chosen, lambda i: f"{self.name}[{', '.join(map(str, i))}]", self.name
        )
        return found if self.index is None else found.single()


@dataclass(frozen=True, eq=False)
class ClassLogit(Target):
    """The logit of a class.

    Args:
        k: the class; or one class for each sample (N,), such as its label; or None for all.
        model: a classifier's graph, to explain its logit of the image that the graph generates.
        output: the classifier's output that holds the logits, where it is not `logits`.
    """

    k: int | Sequence[int] | np.ndarray | None
    model: Graph | None = None
    output: str | None = None

    @classmethod
    def all(cls, model: Graph | None = None, output: str | None = None) -> ClassLogit:
        """All classes, explained together."""
        return cls(None, model, output)

    def on(self, graph: Graph) -> Explained:
        """Logits named "class 0", "class 1", ..., or "own class"."""
        scorer = graph if self.model is None else self.model
        logits = find_output(scorer, self.output, ("logits",), "ClassLogit")
        if logits.shape.rank != 2:
            raise UsageError(
                f"ClassLogit looks for one logit a class, and {self.output or 'logits'!r} has "
                f"shape {logits.shape}: to explain a generated image, pass a classifier as model=."
            )
        if logits.shape[1] == 1:
            raise UsageError(
                f"ClassLogit looks for one logit a class, and {self.output or 'logits'!r} has one "
                f"only: use Discriminator(), or Output(name, 0)."
            )
        if self.k is not None and np.ndim(self.k):
            found = element_of_each(scorer, logits, np.asarray(self.k), "class")
        else:
            chosen = None if self.k is None else [self.k]
            found = elements(scorer, logits, chosen, lambda i: f"class {i[0]}", "class")
            found = found if chosen is None else found.single()
        return found if self.model is None else of_generated_image(graph, found)


@dataclass(frozen=True)
class Discriminator(Target):
    """The logit of a discriminator: high for an image that it takes for real.

    Args:
        model: a discriminator's graph, to explain its logit of the image that the graph generates.
        output: the discriminator's output that holds the logit, where it is not `logits`.
    """

    model: Graph | None = None
    output: str | None = None

    def on(self, graph: Graph) -> Explained:
        """The logit, which must be the discriminator's only one."""
        scorer = graph if self.model is None else self.model
        logits = find_output(scorer, self.output, ("logits",), "Discriminator")
        size = int(np.prod(sample_shape(logits)))
        if size != 1:
            raise UsageError(
                f"Discriminator explains the one logit of an image, and {logits.name} has {size}: "
                f"use ClassLogit(k) for a classifier."
            )
        found = elements(scorer, logits, None, lambda _: "discriminator logit", "logit").single()
        return found if self.model is None else of_generated_image(graph, found)


@dataclass(frozen=True)
class Unit(Target):
    """A neuron of a layer, or the spatial mean of a channel.

    Args:
        layer: layer or node name.
        channel: index on the last axis, a tuple of them (a family), or None for all.
        y, x: position in the feature map; neither for the mean over positions.
    """

    layer: str
    channel: int | tuple[int, ...] | None
    y: int | None = None
    x: int | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and np.ndim(self.channel):
            object.__setattr__(self, "channel", tuple(self.channel))  # type: ignore[arg-type]
        if (self.y is None) != (self.x is None):
            raise UsageError("A neuron has a row and a column: give y and x, or neither.")

    @classmethod
    def all(cls, layer: str, y: int | None = None, x: int | None = None) -> Unit:
        """All channels, explained together."""
        return cls(layer, None, y, x)

    def on(self, graph: Graph) -> Explained:
        """Units named `layer[channel]` or `layer[y, x, channel]`."""
        tensor = graph[self.layer]
        one = self.channel is not None and not isinstance(self.channel, tuple)
        given: Any = (self.channel,) if one else self.channel
        chosen = _channels(tensor, self.layer, given)
        if self.y is not None:
            places: Any = [(self.y, self.x, channel) for channel in chosen]
            found = elements(
                graph, tensor, places, lambda i: f"{self.layer}{[*i]}", f"unit of {self.layer}"
            )
        else:
            found = self._means(graph, tensor, chosen)
        return found.single() if one else found

    def _means(self, graph: Graph, tensor: tf.Tensor, chosen: list[int]) -> Explained:
        def read(values: tuple[tf.Tensor], inputs: Any, channels: tf.Tensor) -> tf.Tensor:
            maps = tf.gather(values[0], channels, axis=-1)
            return tf.reduce_mean(maps, axis=tuple(range(1, maps.shape.rank - 1)))

        names = tuple(f"{self.layer}[{channel}]" for channel in chosen)
        key = ("Unit", tensor.name, len(chosen))
        shared = (np.asarray(chosen, np.int32),)
        return Explained(graph, (tensor,), read, names, key, True, shared=shared, linear=True)


def _coordinate(index: tuple[int, ...]) -> str:
    return f"z{index[0]}" if len(index) == 1 else f"z{[*index]}"


def _channels(tensor: tf.Tensor, layer: str, chosen: tuple[Any, ...] | None) -> list[int]:
    """Indices on the last axis; all of them for None."""
    count = tensor.shape[-1] if tensor.shape.rank else None
    if count is None:
        raise UsageError(f"{layer!r} has shape {tensor.shape}, whose last axis is no row of units.")
    if chosen == ():
        raise UsageError(f"The family is empty: choose at least one channel of {layer}.")
    indices = range(count) if chosen is None else chosen
    return [element(index, count, f"channel of {layer}") for index in indices]
