"""The code that a generator makes an image of: what a GAN has in place of an encoder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.latent.generator import Generator

# Adam's published settings (Kingma and Ba 2015).
_MEAN, _SQUARE, _SMALL = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Inversion:
    """The best code found for each of N images.

    Attributes:
        codes: (N, d) float32.
        images: (N, H, W, C) float32, what the generator makes of them.
        mse: (N,) mean squared error over the pixels: compare it with a VAE's reconstruction.
        restart_mse: (N, R) that of every start; a wide spread says that the search got stuck.
        trace: (steps,) mean over images of the best start's error, before each step.
        seconds: of the whole search.
    """

    codes: np.ndarray
    images: np.ndarray
    mse: np.ndarray
    restart_mse: np.ndarray
    trace: np.ndarray
    seconds: float


def invert(
    generator: Generator,
    images: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    steps: int = 200,
    restarts: int = 4,
    learning_rate: float = 0.1,
    penalty: float = 0.0,
    seed: int = 0,
    batch: int = 64,
) -> Inversion:
    """Codes whose generated image is nearest to each of `images`, by gradient descent on z.

    Minimises mean((G(z) - x)^2) + penalty * mean(z^2) with Adam from codes of the prior, the
    learning rate falling to 0 along a cosine. Creswell and Bharath 2018, "Inverting the
    Generator of a Generative Adversarial Network". It finds a local minimum: the error is an upper
    bound on how near the generator can come. The search may leave what the prior draws: a category
    of a one-hot code may end between the classes.

    Args:
        generator: a GAN's, or a VAE's decoder.
        images: (N, H, W, C) in [0, 1].
        labels: (N,) of a conditional generator, which takes `label` too.
        restarts: starts an image, searched together; the best by the objective is kept.
        penalty: weight of what keeps codes where a generator of standard normal codes was trained.
        batch: how many searches run together, which bounds memory.

    Raises:
        InvalidInputError: images of another shape than the generator's, or not finite.
        UsageError: numbers below 1, labels where the generator takes none or without them, or a
            penalty on codes that are not standard normal.
    """
    if min(steps, restarts, batch) < 1 or learning_rate <= 0 or penalty < 0:
        raise UsageError(
            "steps, restarts and batch are at least 1, learning_rate is positive, penalty not "
            "negative."
        )
    if penalty and generator.prior is not None:
        raise UsageError("penalty= is for standard normal codes; this generator has a prior.")
    if (labels is not None) != generator.conditional:
        takes = "takes" if labels is None else "does not take"
        raise UsageError(f"This generator {takes} labels; pass them for conditional ones alone.")
    images = np.asarray(images, np.float32)
    expected = generator.graph.outputs["image"].shape
    if not expected.is_compatible_with(images.shape) or not np.isfinite(images).all():
        raise InvalidInputError(
            f"The generator makes images {tuple(expected)}; give finite ones of that shape, not "
            f"{images.shape}."
        )
    started = time.perf_counter()
    search = _Search(generator, images.shape[1:], labels, steps, learning_rate, penalty)
    codes = generator.codes(len(images) * restarts, np.random.default_rng(seed))
    starts = codes.reshape(len(images), restarts, -1)
    per_batch = max(1, batch // restarts)
    parts = [
        search(images[s : s + per_batch], starts[s : s + per_batch], s)
        for s in range(0, len(images), per_batch)
    ]
    codes, found, objective, errors, traces = (np.concatenate(x) for x in zip(*parts, strict=True))
    best = (np.arange(len(images)), objective.argmin(axis=1))
    return Inversion(
        codes=codes[best],
        images=found[best],
        mse=errors[best],
        restart_mse=errors,
        trace=traces.mean(axis=0),
        seconds=time.perf_counter() - started,
    )


class _Search:
    """All steps of Adam as one compiled loop over a batch of images and starts."""

    def __init__(
        self,
        generator: Generator,
        shape: tuple[int, ...],
        labels: np.ndarray | None,
        steps: int,
        learning_rate: float,
        penalty: float,
    ) -> None:
        self.width = generator.width
        self._labels = labels
        generate = generator.graph
        feeds = ["z"] if labels is None else ["z", "label"]
        decode = generate.function(feeds, "image")
        kinds = [generate.inputs[name].dtype for name in feeds[1:]]

        def cost(z: tf.Tensor, targets: tf.Tensor, given: list[tf.Tensor]) -> Any:
            made = decode(z, *given)
            error = tf.reduce_mean(tf.square(made - targets), axis=[1, 2, 3])
            return made, error, error + penalty * tf.reduce_mean(tf.square(z), axis=1)

        @tf.function(reduce_retracing=True)
        def descend(z: tf.Tensor, targets: tf.Tensor, labels: list[tf.Tensor]) -> Any:
            given = [tf.cast(x, kind) for x, kind in zip(labels, kinds, strict=True)]
            mean = square = tf.zeros_like(z)
            trace = tf.TensorArray(tf.float32, steps)
            for step in tf.range(steps):
                with tf.GradientTape() as tape:
                    tape.watch(z)
                    _, error, total = cost(z, targets, given)
                slope = tape.gradient(total, z)
                trace = trace.write(step, error)
                count = tf.cast(step + 1, tf.float32)
                mean = _MEAN * mean + (1 - _MEAN) * slope
                square = _SQUARE * square + (1 - _SQUARE) * tf.square(slope)
                rate = 0.5 * learning_rate * (1 + tf.cos(np.pi * (count - 1) / steps))
                direction = (mean / (1 - _MEAN**count)) / (
                    tf.sqrt(square / (1 - _SQUARE**count)) + _SMALL
                )
                z -= rate * direction
            return (z, *cost(z, targets, given), trace.stack())

        self._descend = descend
        self._shape = shape

    def __call__(self, images: np.ndarray, starts: np.ndarray, first: int) -> tuple:
        """Codes (B, R, d), images, objectives (B, R), errors (B, R) and trace (B, steps)."""
        count, restarts = starts.shape[:2]
        z = tf.constant(starts.reshape(-1, self.width))
        labels = [] if self._labels is None else [self._labels[first : first + count]]
        repeated = [tf.repeat(tf.constant(x), restarts, axis=0) for x in labels]
        found = self._descend(z, tf.repeat(tf.constant(images), restarts, axis=0), repeated)
        codes, made, errors, totals, trace = (x.numpy() for x in found)
        pairs = (count, restarts)
        return (
            codes.reshape(*pairs, -1),
            made.reshape(*pairs, *self._shape),
            totals.reshape(pairs).astype(np.float64),
            errors.reshape(pairs).astype(np.float64),
            trace.reshape(-1, *pairs).min(axis=2).T,
        )
