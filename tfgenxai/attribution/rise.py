"""RISE: the mean target over random masks that leave a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.perturbation import Perturbation
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class RISE(Perturbation):
    """S = (1 / (p M)) sum_j f(x * m_j) m_j over M random masks m_j (Petsiuk et al. 2018, eq. 6).

    A mask is a grid of cells x cells values, each 1 with probability p and else 0, scaled up
    bilinearly and moved by a random part of a cell. Every pixel of a mask has mean p, so that S is
    an unbiased estimate of E[f(x * m) m] / E[m], in units of the target; its error falls with the
    root of M. Hidden pixels are 0, which is black.

    All samples and targets share the masks, as in the paper. They depend on the seed alone, and a
    larger M continues the same sequence.

    Values are (N, H, W) for one target, (N, T, H, W) for a family.

    Args:
        graph, wrt, seed: see `Method`.
        masks: M.
        cells: cells along each side of the grid.
        probability: p, that a cell is kept; between 0 and 1.
    """

    name = "rise"

    def __init__(
        self,
        graph: Graph,
        *,
        masks: int = 1000,
        cells: int = 7,
        probability: float = 0.5,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        if len(self.grid) != 2:
            raise UsageError(
                f"RISE masks images; input {self.wrt!r} is a vector: use Occlusion, which hides "
                f"coordinates."
            )
        if isinstance(masks, bool) or not isinstance(masks, int | np.integer) or masks < 1:
            raise UsageError(f"masks= must be a whole number from 1, not {masks!r}.")
        if not isinstance(cells, int | np.integer) or not 1 <= cells <= min(self.grid):
            raise UsageError(f"cells= must be a whole number from 1 to {min(self.grid)}.")
        if not 0.0 < probability < 1.0:
            raise UsageError(f"probability= must lie between 0 and 1, not {probability!r}.")
        self.masks, self.cells, self.probability = int(masks), int(cells), float(probability)
        self.sides = tuple(-(-size // self.cells) for size in self.grid)
        self.grids, self.shifts = self._draw()

    @property
    def count(self) -> int:
        """Number of masks."""
        return self.masks

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        options = {"masks": self.masks, "cells": self.cells, "probability": self.probability}
        return {**super().settings(), **options}

    def kept(self, places: tf.Tensor) -> tf.Tensor:
        """Random grids, scaled up along one axis after the other."""
        shifts = tf.gather(self.shifts, places)
        rows, columns = (
            tf.gather(_interpolation(size, side, self.cells), shifts[:, axis])
            for axis, (size, side) in enumerate(zip(self.grid, self.sides))
        )
        grids = tf.cast(tf.gather(self.grids, places), tf.float32)
        return tf.matmul(tf.matmul(rows, grids), columns, transpose_b=True)

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The weighted sum of masks."""

        def rise(feeds: Feeds) -> tf.Tensor:
            total = self.sum_over_masks(explained, feeds, lambda scores, kept: (scores, kept))
            return total / (self.probability * self.masks)

        return rise

    def _draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Grids (M, cells, cells) of booleans, and shifts (M, 2) in pixels, less than a cell."""
        cells, moves = (np.random.default_rng([self.seed, stream]) for stream in (0, 1))
        grids = cells.random((self.masks, self.cells, self.cells)) < self.probability
        return grids, (moves.random((self.masks, 2)) * self.sides).astype(np.int32)


def _interpolation(size: int, side: int, cells: int) -> np.ndarray:
    """Bilinear weights (side, size, cells): of the cells in each pixel, for each shift.

    As the paper has it, the grid becomes (cells + 1) * side pixels wide, pixel centres aligned,
    of which `size` are cut out.
    """
    scale = cells / ((cells + 1) * side)
    pixels = np.arange(side)[:, None] + np.arange(size) + 0.5
    at = np.clip(pixels * scale - 0.5, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(at[..., None] - np.arange(cells))).astype(np.float32)
