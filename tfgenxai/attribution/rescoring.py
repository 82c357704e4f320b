"""What SHAP and LIME share: a sample, and its target as a function of the explained input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod, Explanation
from tfgenxai.attribution.inputs import checked
from tfgenxai.attribution.regions import Regions
from tfgenxai.attribution.structure import largest_row
from tfgenxai.attribution.superpixels import Kind
from tfgenxai.errors import InvalidInputError
from tfgenxai.explained import Explained, Feeds
from tfgenxai.targets import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Inputs that are scored together, at most: enough that the cost of a call does not show, few
#: enough for the processor's cache.
ROWS = 128


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample to explain.

    Attributes:
        x: the explained input, (...).
        regions: the feature that each element of x belongs to, (...).
        seed: of all that is drawn for this sample.
        score: inputs (m, ...) -> the T scalars of each, (m, T) float64, where all else that the
            target depends on is the sample's own.
    """

    x: np.ndarray
    regions: np.ndarray
    seed: int
    score: Callable[[np.ndarray], np.ndarray]

    @property
    def count(self) -> int:
        """Number of features."""
        return int(self.regions.max()) + 1


class RescoringMethod(CompiledMethod):
    """A method that explains one sample after the other by the target at many other inputs.

    The graph is compiled once to score inputs; T targets cost one evaluation.

    Args:
        graph, wrt, seed: see `Method`.
        features, segments, superpixels: see `Regions`.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        features: Any,
        segments: int,
        superpixels: Kind,
        wrt: str | None,
        seed: int,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self.regions = Regions(features, segments, superpixels, self._shape)

    @abstractmethod
    def explain_sample(self, sample: Sample) -> Explanation:
        """Values (T, ...), and a delta (T,) for methods with a sum rule."""

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), **self.regions.settings()}

    def rows_at_once(self, explained: Explained) -> int:
        """One: samples are explained one after the other anyway, and so progress shows."""
        return 1

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The scalars."""
        return explained.scores

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """One sample after the other."""
        found = [
            self.explain_sample(self._sample(feeds, explained, place, start + place))
            for place in range(len(feeds.inputs[self.wrt]))
        ]
        values = np.stack([each.values for each in found])
        deltas = [each.delta for each in found]
        return Explanation(values, None if deltas[0] is None else np.stack(deltas))

    @property
    def _shape(self) -> tf.TensorShape:
        """Of one sample."""
        return self.graph.inputs[self.wrt].shape[1:]

    def _explained(self, target: Target | None) -> Explained:
        """The target, with the labels of each sample's regions as one more row where it has any."""
        explained = super()._explained(target)
        if self.regions.own is None:
            return explained
        return replace(explained, rows=(*explained.rows, self.regions.own))

    def _sample(self, feeds: Feeds, explained: Explained, place: int, number: int) -> Sample:
        own = None
        if self.regions.own is not None:
            *rows, labels = feeds.rows
            feeds, own = feeds._replace(rows=tuple(rows)), labels[place]
        x = feeds.inputs[self.wrt][place]
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        limit = MEMORY // (4 * largest_row(explained, self.graph.inputs[self.wrt]))
        size = self._fixed_batch or max(1, min(ROWS, limit))
        score = partial(self._score, feeds, explained, place, size)
        return Sample(x, self.regions.of(x, own), seed, score)

    def _score(
        self, feeds: Feeds, explained: Explained, place: int, size: int, points: np.ndarray
    ) -> np.ndarray:
        """The scalars (m, T) of one sample of a batch at other values (m, ...) of its input.

        Args:
            place: of the sample in the batch.
            size: inputs to score together.
        """
        count = len(feeds.inputs[self.wrt])

        def repeated(array: np.ndarray, times: int) -> np.ndarray:
            # Noise that the graph draws once for the whole batch has no row of this sample.
            if not np.ndim(array) or len(array) != count:
                return array
            return np.repeat(array[place : place + 1], times, axis=0)

        found = []
        for start in range(0, len(points), size):
            part = points[start : start + size]
            missing = size - len(part) if self._fixed_batch else 0
            filled = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
            others = {name: repeated(v, len(filled)) for name, v in feeds.inputs.items()}
            dtype = feeds.inputs[self.wrt].dtype
            many = Feeds(
                {**others, self.wrt: filled.astype(dtype, copy=False)},
                feeds.shared,
                tuple(repeated(row, len(filled)) for row in feeds.rows),
            )
            found.append(self.compiled(explained, many)(many).numpy()[: len(part)])
        return np.concatenate(found).astype(np.float64)


def checked_background(background: Any, graph: Graph, wrt: str) -> np.ndarray:
    """A number, (), or samples (B, ...), as the input takes them.

    Raises:
        InvalidInputError: another shape or type, not finite, or no images where x is one.
    """
    tensor = graph.inputs[wrt]
    array = np.asarray(background)
    single = array.ndim == 0 or array.ndim + 1 == tensor.shape.rank
    if array.ndim == 0:
        tensor = tf.TensorSpec([None], tensor.dtype)
    elif not single and len(array) == 0:
        raise InvalidInputError("background= has no samples.")
    try:
        rows = checked(wrt, array[None] if single else array, tensor)
    except InvalidInputError as error:
        raise InvalidInputError(f"background= does not fit the input. {error}") from None
    return rows[0] if array.ndim == 0 else rows


@contextmanager
def numpy_seed(seed: int) -> Iterator[None]:
    """NumPy's global generator, started with this seed, and as it was before afterwards."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
