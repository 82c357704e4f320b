"""A curve of scores with its random control: what deletion, insertion and flipping give back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.metrics.intervals import interval


@dataclass(frozen=True, eq=False)
class Curve:
    """The target of N samples as more and more of the input is changed.

    Attributes:
        name: what the cells of its row are called.
        fractions: (K,) share of the places that are changed, from 0 to 1.
        scores: (N, K) target, places in order of relevance.
        control: (N, K) the same for random orders, their mean.
        sign: 1 where a larger area is better, -1 where a smaller one is.
    """

    name: str
    fractions: np.ndarray
    scores: np.ndarray
    control: np.ndarray
    sign: int

    @property
    def area(self) -> np.ndarray:
        """Area under the curve (N,), by the trapezoid rule, in units of the target."""
        return np.trapezoid(self.scores, self.fractions, axis=1)

    @property
    def control_area(self) -> np.ndarray:
        """Area under the curve of random orders, (N,)."""
        return np.trapezoid(self.control, self.fractions, axis=1)

    @property
    def gain(self) -> np.ndarray:
        """How much better than random the order is, (N,): 0 for an order that says nothing."""
        return self.sign * (self.area - self.control_area)

    def row(self) -> dict[str, float]:
        """Mean areas and gain with their 95 % intervals: cells of a table."""
        return {
            **interval(self.area).row(self.name),
            **interval(self.control_area).row(f"{self.name}_control"),
            **interval(self.gain).row(f"{self.name}_gain"),
        }


@dataclass(frozen=True, eq=False)
class PixelFlipping(Curve):
    """The gap between flipping the least and the most relevant places first.

    `scores` is LeRF - MoRF; its `area` lies between the two curves. `control` is the same gap
    for random orders and their reverses, whose expectation is 0.

    Attributes:
        morf, lerf: the curves of most and of least relevant places first.
    """

    morf: Curve
    lerf: Curve
