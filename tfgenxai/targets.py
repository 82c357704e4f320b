"""What is explained: one scalar per sample, or a named family of scalars.

A target is a small immutable description, written without a graph at hand; `target.on(graph)`
finds it there:

    Latent(3), Latent.all(), Latent((3, 7))    coordinates of an encoder's mean, or of its sample
    Output("probabilities", 8)                 one element of a named output
    ClassLogit(8)                              a class, also of a generated image (`model=`)
    Unit("encoder_conv_3", 5)                  a channel of a layer, or one neuron of it
    Unit.all("encoder_conv_3")                 all its channels
    Pixels(mask)                               the masked pixels of a decoded image
    ReconstructionError(), NegativeElbo(), Discriminator(), Scalar(fn)

`model=` takes the graph of another model, which goes on where the explained one ends: a classifier
or discriminator that judges a generated image, a decoder that makes an image of a code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import (
    Explained,
    checked_rows,
    continued,
    element,
    element_of_each,
    elements,
    find_output,
    named,
    of_generated_image,
    original_image,
    row_sum,
    sample_shape,
)

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_LATENT_OUTPUTS = {"mean": ("mean", "mu", "z_mean"), "sample": ("z",)}


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


class Target(ABC):
    """What is explained; a subclass says where it is found in a graph."""

    @abstractmethod
    def on(self, graph: Graph) -> Explained:
        """The target in this graph.

        Raises:
            UsageError: the graph lacks what the target needs, or has not that many units.
            InvalidInputError: an array of the target has the wrong shape, NaN or infinities.
            LayerNotFoundError: the graph has no layer of the name given.
        """


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
        if self.at not in _LATENT_OUTPUTS:
            raise UsageError(f"A latent is explained at 'mean' or 'sample', not at {self.at!r}.")

    @classmethod
    def all(cls, at: Literal["mean", "sample"] = "mean", output: str | None = None) -> Latent:
        """All coordinates, explained together."""
        return cls(None, at, output)

    def on(self, graph: Graph) -> Explained:
        """Coordinates named z0, z1, ..."""
        who = f"Latent(at={self.at!r})"
        code = find_output(graph, self.output, _LATENT_OUTPUTS[self.at], who)
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


@dataclass(frozen=True, eq=False)
class Pixels(Target):
    """The sum of an image's pixels under a mask, for decoders and generators.

    Args:
        mask: boolean or weights, (H, W) or (H, W, C), or one for each sample, (N, H, W[, C]).
        output: the output that holds the image, where it is not `image`; "logits" explains what
            precedes the sigmoid.
    """

    mask: np.ndarray
    output: str | None = None

    def on(self, graph: Graph) -> Explained:
        """The masked sum."""
        image = find_output(graph, self.output, ("image",), "Pixels")
        shape = image.shape[1:]
        mask = np.asarray(self.mask, np.float32)
        kinds = (shape, shape[:-1])
        shared = any(kind.is_compatible_with(mask.shape) for kind in kinds)
        if not shared and not any(kind.is_compatible_with(mask.shape[1:]) for kind in kinds):
            raise InvalidInputError(
                f"The mask has shape {mask.shape}, but the image {shape}: give {shape[:-1]} or "
                f"{shape}, or one such mask for each sample."
            )
        if not np.isfinite(mask).all():
            raise InvalidInputError("The mask holds NaN or infinite values.")
        if mask.ndim - (not shared) < len(shape):
            mask = mask[..., None]

        def read(values: tuple[tf.Tensor], inputs: Any, mask: tf.Tensor) -> tf.Tensor:
            return row_sum(values[0] * mask)

        key = ("Pixels", image.name, shared, mask.shape[-1])
        where = {"shared": (mask,)} if shared else {"rows": (mask,)}
        names = ("masked pixels",)
        return Explained(graph, (image,), read, names, key, linear=True, **where)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class ReconstructionError(Target):
    """Squared error between an image and its reconstruction, summed over pixels.

    Args:
        images: (N, H, W, C), for a decoder, whose input is a code; otherwise the graph's input.
        output: the output that holds the reconstruction, where it is not `image`.
        model: a decoder's graph, to explain an encoder by what the decoder makes of its mean.
    """

    images: np.ndarray | None = None
    output: str | None = None
    model: Graph | None = None

    def on(self, graph: Graph) -> Explained:
        """||x - reconstruction||^2."""
        who = "ReconstructionError"
        image = find_output(self.model or graph, self.output, ("image",), who)
        source, rows = original_image(graph, image, self.images, who)
        fetched, decode = image, None
        if self.model is not None:
            fetched = find_output(graph, None, _LATENT_OUTPUTS["mean"], who)
            decode = continued(fetched, self.model, [image])

        def read(values: tuple[tf.Tensor], inputs: Any, *rows: tf.Tensor) -> tf.Tensor:
            original = inputs[source] if source is not None else rows[0]
            restored = values[0] if decode is None else decode(values[0])[0]
            return row_sum(tf.math.squared_difference(original, restored))

        key = (who, image.name, source, self.model)
        return Explained(graph, (fetched,), read, ("reconstruction error",), key, rows=rows)


@dataclass(frozen=True, eq=False)
class NegativeElbo(Target):
    """The negative one-sample ELBO, -log p(x|z) - log p(z) + log q(z|x), in nats.

    It is a function of the image for an encoder that gives `mean`, `logvar` and `z`, with the
    decoder as `model`; or for a graph that gives `logits` too. For a decoder, give the images and
    their posterior: then it is a function of z, and its gradient is dELBO/dz with the sign
    reversed. Kingma and Welling 2014, eq. 6 with one sample.

    Args:
        images: (N, H, W, C) in [0, 1].
        mean, logvar: (N, d), the posterior of these images.
        likelihood: "bernoulli" reads output `logits`, "gaussian" reads output `image`.
        variance: of the Gaussian likelihood.
        model: a decoder's graph, where the explained one is the encoder.
    """

    images: np.ndarray | None = None
    mean: np.ndarray | None = None
    logvar: np.ndarray | None = None
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    variance: float = 1.0
    model: Graph | None = None

    def __post_init__(self) -> None:
        if self.likelihood not in ("bernoulli", "gaussian"):
            raise UsageError(f"A likelihood is 'bernoulli' or 'gaussian', not {self.likelihood!r}.")

    def on(self, graph: Graph) -> Explained:
        """The negative ELBO."""
        output = "logits" if self.likelihood == "bernoulli" else "image"
        given = {"mean": self.mean, "logvar": self.logvar}
        fetched = [name for name, values in given.items() if values is None]
        if "z" not in graph.inputs:
            fetched.append("z")
        if self.model is None:
            fetched.append(output)
        missing = [name for name in fetched if name not in graph.outputs]
        if missing or output not in (self.model or graph).outputs:
            raise UsageError(
                f"NegativeElbo misses {', '.join(missing or [output])}: this graph takes "
                f"{', '.join(graph.inputs)} and gives {', '.join(graph.outputs)}. Explain a "
                f"decoder that gives {output}, with images=, mean= and logvar=, or an encoder with "
                f"such a decoder as model=."
            )
        tensors = tuple(graph.outputs[name] for name in fetched)
        decoded = (self.model or graph).outputs[output]
        source, images = original_image(graph, decoded, self.images, "NegativeElbo")
        code = graph.inputs["z"] if "z" in graph.inputs else graph.outputs["z"]
        decode = None if self.model is None else continued(code, self.model, [decoded])
        posterior = {
            name: checked_rows(values, sample_shape(code), f"{name} of NegativeElbo")
            for name, values in given.items()
            if values is not None
        }

        def read(values: tuple[tf.Tensor, ...], inputs: Any, *rows: tf.Tensor) -> tf.Tensor:
            known = {**inputs, **named(fetched, values), **named([*posterior], rows[len(images) :])}
            x = inputs[source] if source is not None else rows[0]
            z, mean, logvar = known["z"], known["mean"], known["logvar"]
            kl = 0.5 * (tf.square(z) - tf.square(z - mean) * tf.exp(-logvar) - logvar)
            restored = known[output] if decode is None else decode(z)[0]
            return row_sum(self._cost(x, restored)) + row_sum(kl)

        how = (self.likelihood, self.variance, self.model)
        key = ("NegativeElbo", *how, source, *posterior)
        rows = (*images, *posterior.values())
        return Explained(graph, tensors, read, ("negative ELBO",), key, rows=rows)

    def _cost(self, x: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
        """-log p of every pixel."""
        if self.likelihood == "bernoulli":
            return tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=decoded)
        squared = tf.math.squared_difference(x, decoded) / self.variance
        return 0.5 * (squared + np.log(2.0 * np.pi * self.variance))


@dataclass(frozen=True)
class Scalar(Target):
    """Any scalar.

    Args:
        fn: from a mapping of names to tensors (n, ...) to a tensor (n,), in TensorFlow operations
            that treat samples separately.
        fetches: outputs or layers that `fn` wants; by default all outputs.
        name: what to call it.
    """

    fn: Callable[[Mapping[str, tf.Tensor]], tf.Tensor]
    fetches: tuple[str, ...] | None = None
    name: str = "scalar"

    def on(self, graph: Graph) -> Explained:
        """`fn` of the fetched tensors."""
        names = tuple(graph.outputs) if self.fetches is None else tuple(self.fetches)
        tensors = tuple(find_output(graph, name, (), "Scalar") for name in names)

        def read(values: tuple[tf.Tensor, ...], inputs: Any) -> tf.Tensor:
            scalars = tf.convert_to_tensor(self.fn(named(names, values)))
            if scalars.shape.rank != 1:
                raise UsageError(
                    f"The function of Scalar must give one number for each sample, shape (n,); "
                    f"it gave shape {scalars.shape}."
                )
            return scalars[:, None]

        return Explained(graph, tensors, read, (self.name,), key=("Scalar", self.fn, names))
