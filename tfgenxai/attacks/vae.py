"""Attacks on VAEs: an image that looks like itself, and of which the VAE makes another.

Kos, Fischer and Song, "Adversarial Examples for Generative Models", 2018.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import tensorflow as tf

from tfgenxai.attacks.balls import Norm, ascend, check_ball
from tfgenxai.attacks.base import allowed_values, checked_images
from tfgenxai.attacks.pgd import REACH
from tfgenxai.attacks.result import Redirected
from tfgenxai.attacks.victim import image_input
from tfgenxai.attribution.gradients import check_count
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import find_output
from tfgenxai.metrics.batches import batched

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class VaeAttack(ABC):
    """Projected gradient descent on the squared distance between what a VAE makes of two images.

    The authors minimise the distance plus a weight times the size of the perturbation; here the
    size is bounded, so that attacks can be compared at equal size.

    Args:
        model: signature -> graph, with `encode` and `reconstruct`: a SavedModel, or a mapping.
        eps: radius of the ball around the image in the norm, above 0.
        norm: "l2" or "linf".
        steps: number of steps, each `REACH` * eps / steps long.
        seed: recorded; nothing is drawn.

    Raises:
        UsageError: the model lacks a signature, or an option is out of range.
    """

    #: name in the registry
    name: ClassVar[str]
    #: the signature whose output is led to the goal's
    signature: ClassVar[str]

    def __init__(
        self,
        model: Mapping[str, Graph],
        *,
        eps: float = 3.0,
        norm: Norm = "l2",
        steps: int = 50,
        seed: int = 0,
    ) -> None:
        if missing := [name for name in ("encode", "reconstruct") if name not in model]:
            raise UsageError(
                f"Attacks on a VAE need its signatures encode and reconstruct; {missing[0]} is "
                f"missing among {', '.join(model)}."
            )
        check_ball(eps, norm)
        self.eps, self.norm, self.seed = eps, norm, seed
        check_count("steps", steps, 1)
        self.steps = steps
        self.graph = model[self.signature]
        self.input = image_input(self.graph)
        restore = model["reconstruct"]
        self._restore = restore.function(image_input(restore), "image")
        self._made = self.graph.function(self.input, self.output())
        tensor = self.graph.inputs[self.input]
        spec = tf.TensorSpec(tensor.shape, tensor.dtype)
        made = tf.TensorSpec(self.output().shape, tf.float32)
        self._descent = tf.function(self._slope, input_signature=[spec, made], autograph=False)

    @abstractmethod
    def output(self) -> tf.Tensor:
        """What is led to the goal's, a tensor of `graph`."""

    @abstractmethod
    def aim(self, goals: np.ndarray) -> np.ndarray:
        """What it is led to, one row a goal image."""

    def settings(self) -> dict[str, Any]:
        """Settings to record with the result; JSON values."""
        return {"eps": self.eps, "norm": self.norm, "steps": self.steps, "seed": self.seed}

    def __call__(
        self, images: Any, goals: Any, *, mask: np.ndarray | None = None, batch_size: int = 256
    ) -> Redirected:
        """Attacks every image.

        Args:
            images: (N, H, W, C) in [0, 1], or `ImageData`.
            goals: as many, what each is to become.
            mask: bool (H, W) or (N, H, W), the pixels that may change; all by default.
            batch_size: images at a time.

        Raises:
            InvalidInputError: wrong shape or range, NaN or infinite values, or another number of
                goals than of images.
        """
        x, y = (checked_images(each, self.graph, self.input) for each in (images, goals))
        if len(x) != len(y):
            raise InvalidInputError(f"{len(x)} images need as many goals, not {len(y)}.")
        allowed = allowed_values(mask, x)
        aims = self.aim(y)
        parts = []
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            parts.append(
                ascend(
                    lambda at, aim=aims[rows]: self._descent(at, aim).numpy(),  # type: ignore[misc]
                    x[rows],
                    np.zeros_like(x[rows]),
                    allowed=allowed[rows],
                    eps=self.eps,
                    norm=self.norm,
                    step=REACH * self.eps / self.steps,
                    steps=self.steps,
                )
            )
        adversarial = x + np.concatenate(parts)
        restored = batched(self._restore, adversarial)
        return Redirected(
            images=x,
            adversarial=adversarial,
            success=_apart(restored, y) < _apart(restored, x),
            attack=self.name,
            settings=self.settings(),
            goals=y,
            restored=batched(self._restore, x),
            restored_after=restored,
            restored_goals=batched(self._restore, y),
            distance=_apart(batched(self._made, x), aims),
            distance_after=_apart(batched(self._made, adversarial), aims),
        )

    def _slope(self, images: tf.Tensor, aims: tf.Tensor) -> tf.Tensor:
        """Where the squared distance falls."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            squares = tf.reduce_sum(tf.math.squared_difference(self._made(images), aims))
        return -tape.gradient(squares, images)


class LatentAttack(VaeAttack):
    """Leads the code of an image to that of another: |mu(x + delta) - mu(goal)| falls.

    Kos, Fischer and Song 2018, section 4.3. The code is the posterior mean. `distance` is
    Euclidean, in units of the latent space.
    """

    name = "latent"
    signature = "encode"

    def output(self) -> tf.Tensor:
        """The posterior mean (N, d)."""
        return find_output(self.graph, None, ("mean", "mu", "z_mean"), "A latent attack")

    def aim(self, goals: np.ndarray) -> np.ndarray:
        """The codes of the goals."""
        return batched(self._made, goals)


class OutputAttack(VaeAttack):
    """Leads the reconstruction of an image to another image: |rec(x + delta) - goal| falls.

    Kos, Fischer and Song 2018, section 4.2, whose loss is the VAE's own of the goal; here it is
    the squared error alone, which needs no posterior. `distance` is Euclidean, over all pixels.
    """

    name = "output"
    signature = "reconstruct"

    def output(self) -> tf.Tensor:
        """The reconstruction (N, H, W, C)."""
        return find_output(self.graph, None, ("image",), "An output attack")

    def aim(self, goals: np.ndarray) -> np.ndarray:
        """The goals themselves."""
        return goals


def others_of(labels: np.ndarray | None, count: int) -> np.ndarray:
    """For each image the place of the next one of another class; without labels, of the next."""
    places = np.arange(count)
    if labels is None or len(np.unique(labels[:count])) < 2:
        return np.roll(places, -1)
    steps = (places[:, None] + 1 + places) % count
    return steps[places, np.argmax(labels[steps] != labels[:count, None], axis=1)]


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distance of each pair of rows, (N,)."""
    rows = (first.astype(np.float64) - second).reshape(len(first), -1)
    return np.linalg.norm(rows, axis=1)
