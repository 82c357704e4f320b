"""SmoothGrad: the gradient without its fluctuations from one input to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import tensorflow as tf

from tfgenxai.attribution.noise import NoisyGradient, State
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_OF = {"gradient": tf.identity, "absolute": tf.abs, "square": tf.square}


class SmoothGrad(NoisyGradient):
    """The mean of df/dx over noisy inputs, of the shape of x (Smilkov et al. 2017).

    Args:
        graph, samples, noise, sigma, wrt, seed: see `NoisyGradient`.
        of: mean of the "gradient" itself, of its "absolute" value, or of its "square"
            (SmoothGrad-Squared of Hooker et al. 2019).

    Raises:
        UsageError: as `NoisyGradient`; or another `of`.
    """

    name = "smooth_grad"

    def __init__(
        self,
        graph: Graph,
        *,
        samples: int = 50,
        noise: float = 0.15,
        sigma: float | None = None,
        of: Literal["gradient", "absolute", "square"] = "gradient",
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, samples=samples, noise=noise, sigma=sigma, wrt=wrt, seed=seed)
        if of not in _OF:
            raise UsageError(f"SmoothGrad is the mean of {', '.join(_OF)}; not of {of!r}.")
        self.of = of

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "of": self.of}

    def first(self, zeros: tf.Tensor) -> State:
        """An empty sum."""
        return (zeros,)

    def update(self, numbers: tf.Tensor, slopes: tf.Tensor, state: State) -> State:
        """The sum with some more."""
        return (state[0] + tf.reduce_sum(_OF[self.of](slopes), axis=0),)

    def result(self, state: State) -> tf.Tensor:
        """The mean."""
        return state[0] / self.samples
