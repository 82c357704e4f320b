"""Gradients at noisy inputs, which SmoothGrad and VarGrad sum up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.gradients import GradientMethod, check_count
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

State = tuple[tf.Tensor, ...]

_PHILOX = 1
_BLOCK = 4  # numbers that Philox gives for one value of its counter


class NoisyGradient(GradientMethod):
    """A statistic of df/dx at x + N(0, sigma^2), over `samples` draws.

    Args:
        graph, wrt, seed: see `Method`.
        samples: number of draws.
        noise: sigma as a fraction of each sample's own range, max(x) - min(x), as Smilkov et al.
            choose it for images; a sample whose elements are all equal gets no noise.
        sigma: sigma itself, the same for all samples, in place of `noise`. Codes want it: the
            range of a handful of coordinates is an accident.

    Raises:
        UsageError: too few samples, or a negative noise.
    """

    #: samples that the statistic needs
    least: int = 1

    def __init__(
        self,
        graph: Graph,
        *,
        samples: int = 50,
        noise: float = 0.15,
        sigma: float | None = None,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        check_count("samples", samples, self.least)
        for option, value in (("noise", noise), ("sigma", 0.0 if sigma is None else sigma)):
            if not 0.0 <= value < np.inf:
                raise UsageError(f"{option}= is a standard deviation: not {value}.")
        self.samples = samples
        self.noise = noise
        self.sigma = sigma

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        options = {"samples": self.samples, "noise": self.noise, "sigma": self.sigma}
        return {**super().settings(), **options}

    @abstractmethod
    def first(self, zeros: tf.Tensor) -> State:
        """The state before any draw, made of zeros (n, T, ...)."""

    @abstractmethod
    def update(self, numbers: tf.Tensor, slopes: tf.Tensor, state: State) -> State:
        """The state after draws `numbers` (k,), which gave `slopes` (k, n, T, ...)."""

    @abstractmethod
    def result(self, state: State) -> tf.Tensor:
        """Values (n, T, ...), after all draws."""

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Runs the compiled kernel, whose last shared argument is the place of the batch."""
        shared = (*feeds.shared, np.asarray(start, np.int64))
        return super().explain_batch(feeds._replace(shared=shared), explained, start)

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The statistic, draw after draw."""

        def noisy_gradient(feeds: Feeds) -> tf.Tensor:
            *shared, start = feeds.shared
            feeds = feeds._replace(shared=tuple(shared))
            x = tf.cast(feeds.inputs[self.wrt], tf.float32)
            sigma = self._sigma(x)

            def noisy(numbers: tf.Tensor) -> tf.Tensor:
                return x + sigma * normal(self.seed, numbers, start, tf.shape(x)[0], x.shape[1:])

            state = self.first(self.zeros(explained, feeds))
            return self.result(
                self.over_variants(explained, feeds, self.samples, noisy, self.update, state)
            )

        return noisy_gradient

    def _sigma(self, x: tf.Tensor) -> tf.Tensor | float:
        if self.sigma is not None:
            return self.sigma
        axes = tuple(range(1, x.shape.rank))
        high = tf.reduce_max(x, axes, keepdims=True)
        return self.noise * (high - tf.reduce_min(x, axes, keepdims=True))


def normal(
    seed: int, numbers: tf.Tensor, start: tf.Tensor, count: tf.Tensor, shape: tf.TensorShape
) -> tf.Tensor:
    """Draws `numbers` (k,) of N(0, 1) for samples start..start+count-1, (k, count, *shape).

    A value depends on the seed, the draw, the sample's place among all and its own place in the
    sample. Philox (Salmon et al. 2011) makes numbers from a key and a counter: here the key is the
    seed's, the counter's upper half the draw, its lower half the sample.
    """
    size = shape.num_elements()
    blocks = -(-size // _BLOCK)
    key = tf.constant(np.random.SeedSequence(seed).generate_state(1, np.uint64))

    def draw(number: tf.Tensor) -> tf.Tensor:
        counter = tf.stack([start * blocks, tf.cast(number, tf.int64)])
        drawn = tf.raw_ops.StatelessRandomNormalV2(
            shape=(count, blocks * _BLOCK),
            key=key,
            counter=tf.cast(counter, tf.uint64),
            alg=_PHILOX,
        )
        return tf.reshape(drawn[:, :size], (count, *shape))

    drawn = tf.TensorSpec((None, *shape), tf.float32)
    return tf.map_fn(draw, numbers, fn_output_signature=drawn, parallel_iterations=1)
