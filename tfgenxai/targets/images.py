"""Targets on whole images: masked pixels, the error of a reconstruction, the ELBO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import (
    Explained,
    checked_rows,
    continued,
    find_output,
    named,
    original_image,
    row_sum,
    sample_shape,
)
from tfgenxai.targets.target import Target
from tfgenxai.targets.units import LATENT_OUTPUTS

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


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
            fetched = find_output(graph, None, LATENT_OUTPUTS["mean"], who)
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
