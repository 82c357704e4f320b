"""Occlusion: how far the target falls when a patch of the input is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.perturbation import Perturbation
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


class Occlusion(Perturbation):
    """Mean of f(x) - f(x with a patch hidden) over the patches that cover a place.

    A patch slides over the image, and hides all channels (Zeiler and Fergus 2014, section 4.2).
    Values are (N, H, W) for one target, (N, T, H, W) for a family, in units of the target. Where
    patches overlap, a pixel has the mean of all that cover it. The last patch of a row or column
    is moved back to end at the border, so that every pixel is covered.

    For vectors (N, d), such as latent codes, a patch is a run of neighbouring coordinates, and the
    values are (N, d) or (N, T, d).

    Args:
        graph, wrt, seed: see `Method`.
        patch: side of the patch, or (height, width); for vectors, how many coordinates. By default
            4 on images and 1 on vectors.
        stride: how far it moves, likewise; by default half the patch, rounded up.
        baseline: what is put in place of the hidden pixels: a number; an array of an input's shape,
            or one that broadcasts to it, such as a colour (C,); or "mean", each sample's own mean
            colour.
    """

    name = "occlusion"

    def __init__(
        self,
        graph: Graph,
        *,
        patch: int | tuple[int, int] | None = None,
        stride: int | tuple[int, int] | None = None,
        baseline: float | Literal["mean"] | np.ndarray | Sequence[Any] = 0.0,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        if patch is None:
            patch = 4 if len(self.grid) == 2 else 1
        self.patch = _sides(patch, "patch", self.grid)
        half = tuple((side + 1) // 2 for side in self.patch)
        self.stride = half if stride is None else _sides(stride, "stride", self.patch)
        self.baseline = self._checked(baseline)
        axes = zip(self.grid, self.patch, self.stride, strict=True)
        self._hidden = [_covered(*axis) for axis in axes]

    @property
    def count(self) -> int:
        """Number of patches."""
        return int(np.prod([len(axis) for axis in self._hidden]))

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        baseline = self.baseline if isinstance(self.baseline, str) else self.baseline.tolist()
        sides = {"patch": list(self.patch), "stride": list(self.stride)}
        return {**super().settings(), **sides, "baseline": baseline}

    def kept(self, places: tf.Tensor) -> tf.Tensor:
        """All but the patch: 1 minus the product of what it covers of each axis."""
        return 1.0 - self._covered(places)

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The mean fall."""
        coverage = self._hidden[0].sum(0)
        for axis in self._hidden[1:]:
            coverage = np.multiply.outer(coverage, axis.sum(0))

        def occlusion(feeds: Feeds) -> tf.Tensor:
            whole = explained.scores(feeds)
            falls = self.sum_over_masks(
                explained,
                feeds,
                lambda scores, kept: (whole - scores, 1.0 - kept),
                self._fill(feeds.inputs[self.wrt]),
            )
            return falls / coverage

        return occlusion

    def _covered(self, places: tf.Tensor) -> tf.Tensor:
        """1 under the patch, 0 elsewhere; the last axis runs fastest."""
        covered = tf.gather(self._hidden[-1], places % len(self._hidden[-1]))
        if len(self._hidden) == 2:
            rows = tf.gather(self._hidden[0], places // len(self._hidden[1]))
            covered = rows[:, :, None] * covered[:, None, :]
        return covered

    def _fill(self, x: tf.Tensor) -> tf.Tensor | None:
        if isinstance(self.baseline, str):
            return tf.reduce_mean(x, axis=(1, 2), keepdims=True)
        return tf.constant(self.baseline) if self.baseline.any() else None

    def _checked(self, baseline: Any) -> np.ndarray | str:
        """The baseline as float32, or "mean"."""
        shape = tuple(self.graph.inputs[self.wrt].shape[1:])
        if isinstance(baseline, str):
            if baseline != "mean" or len(self.grid) != 2:
                allowed = "a number, an array or, for images, 'mean'"
                raise UsageError(f"baseline= is {allowed}, not {baseline!r}.")
            return baseline
        array = np.asarray(baseline, np.float32)
        try:
            fits = np.broadcast_shapes(array.shape, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise InvalidInputError(
                f"The baseline has shape {array.shape}, which does not fit an input of {shape}."
            )
        if not np.isfinite(array).all():
            raise InvalidInputError("The baseline holds NaN or infinite values.")
        return array


def _sides(given: Any, what: str, most: tuple[int, ...]) -> tuple[int, ...]:
    """One whole number for each axis, from 1 to `most`."""
    sides = tuple(np.atleast_1d(given).tolist())
    sides = sides * len(most) if len(sides) == 1 else sides
    if len(sides) != len(most) or not all(
        isinstance(side, int) and 1 <= side <= limit for side, limit in zip(sides, most)
    ):
        of = "the patch, so that no place is left out" if what == "stride" else "the input"
        raise UsageError(
            f"{what}= must be whole numbers from 1 to the size of {of}, "
            f"{' x '.join(map(str, most))}; it is {given!r}."
        )
    return sides


def _covered(size: int, patch: int, stride: int) -> np.ndarray:
    """What the patch covers of one axis at each of its positions: (positions, size), 0 or 1."""
    starts = [*range(0, size - patch, stride), size - patch]
    along = np.arange(size)
    covered = [(start <= along) & (along < start + patch) for start in starts]
    return np.array(covered, np.float32)
