"""The target at changed inputs: what every test of faithfulness looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, Explanation, Method
from tfgenxai.attribution.inputs import batches
from tfgenxai.attribution.structure import largest_row
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds
from tfgenxai.metrics.relevance import grid_of

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target

#: Changed inputs that are scored together. Larger batches are no faster, and leave the caches.
ROWS = 256

#: (samples (R,), variants (R,)) -> changed inputs (R, ...) of these samples.
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Scores(Method):
    """One target of N samples, at other values of the explained input.

    All else is each sample's own: the other inputs, the target's label or image, and the noise
    that the graph draws, which is the one that a `Method` with this seed explains.

    Args:
        graph, wrt, seed: see `Method`.
        inputs: what a `Method` takes; it is held in memory.
        target: one scalar a sample.

    Attributes:
        x: the explained input, (N, ...).
        grid: its places; see `grid_of`.

    Raises:
        UsageError: a family of targets, or a target that the input does not reach.
        InvalidInputError: as a `Method` does of such inputs.
    """

    name = "scores"

    def __init__(
        self, graph: Graph, inputs: Any, target: Target, *, wrt: str | None = None, seed: int = 0
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        explained = self._explained(target)
        self._check_reach(explained)
        if len(explained.names) > 1:
            raise UsageError(
                f"Explanations are measured one target at a time; this is a family of "
                f"{len(explained.names)}."
            )
        self._of = explained
        given = whole(inputs, graph)
        count = len(given[self.wrt])
        if any(len(rows) != count for rows in explained.rows):
            raise InvalidInputError(
                f"The target has rows for {len(explained.rows[0])} samples; there are {count}."
            )
        self._inputs = given | self._noise_of(given, count)
        self.x = self._inputs[self.wrt]
        self.grid = grid_of(self.x.shape[1:])

    def __len__(self) -> int:
        return len(self.x)

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """The scalars."""
        return Explanation(explained.scores(feeds))

    def plain(self) -> np.ndarray:
        """The scalars of the samples as they are, float64 (N,)."""
        return self.over(1, lambda samples, _: self.x[samples])[:, 0]

    def over(self, variants: int, change: Change) -> np.ndarray:
        """The scalars of so many variants of every sample, float64 (N, variants)."""
        rows = MEMORY // (4 * largest_row(self._of, self.graph.inputs[self.wrt]))
        size = self._fixed_batch or max(1, min(ROWS, rows))
        found = np.empty(len(self) * variants)
        for start in range(0, len(found), size):
            places = np.arange(start, min(start + size, len(found)))
            samples, chosen = np.divmod(places, variants)
            found[places] = self._score(samples, change(samples, chosen))
        return found.reshape(len(self), variants)

    def _score(self, samples: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The scalars (R,) of some samples with these values of the explained input."""
        size = self._fixed_batch or len(samples)
        all_of = _filled(samples, size)
        inputs = {k: v[all_of] if self._has_rows(k) else v for k, v in self._inputs.items()}
        inputs[self.wrt] = _filled(values, size).astype(self.x.dtype, copy=False)
        rows = tuple(tf.convert_to_tensor(row[all_of]) for row in self._of.rows)
        feeds = Feeds(inputs, self._of.shared, rows)
        return self._of.scores(feeds).numpy()[: len(samples), 0].astype(np.float64)

    def _noise_of(self, given: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """What the graph draws for the samples, by the names of its tensors."""
        draws = self._draws(self._of)
        parts = []
        for start in range(0, count, self._fixed_batch or ROWS):
            part = {k: v[start : start + (self._fixed_batch or ROWS)] for k, v in given.items()}
            found = len(part[self.wrt])
            filled = {k: _filled(v, self._fixed_batch or found) for k, v in part.items()}
            noise = self._noise(draws, filled, start)
            parts.append({k: v[:found] if self._has_rows(k) else v for k, v in noise.items()})
        return {
            k: np.concatenate([part[k] for part in parts]) if self._has_rows(k) else parts[0][k]
            for k in parts[0]
        }

    def _has_rows(self, name: str) -> bool:
        """Whether an input or a noise tensor has one row a sample."""
        inputs = self.graph.inputs
        shape = (
            inputs[name] if name in inputs else self.graph.graph.get_tensor_by_name(name)
        ).shape
        return shape.rank is None or (shape.rank > 0 and shape[0] in (None, self._fixed_batch))


def whole(inputs: Any, graph: Graph) -> dict[str, np.ndarray]:
    """All samples in memory, checked, by the names of the graph's inputs; see `Method`."""
    parts = [*batches(inputs, graph, ROWS)[0]]
    if not parts:
        raise InvalidInputError("There is nothing to measure: the data set is empty.")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def values_of(tensor: tf.Tensor, inputs: dict[str, np.ndarray], graph: Graph) -> np.ndarray:
    """The values (N, ...) of a tensor of the graph for `whole` inputs, a batch at a time."""
    function = graph.function([*inputs], tensor)
    fixed = next(iter(graph.inputs.values())).shape[0]
    size = fixed or ROWS
    found = []
    for start in range(0, len(next(iter(inputs.values()))), size):
        parts = [values[start : start + size] for values in inputs.values()]
        count = len(parts[0])
        found.append(function(*(_filled(each, fixed or count) for each in parts)).numpy()[:count])
    return np.concatenate(found)


def _filled(array: np.ndarray, count: int) -> np.ndarray:
    """The array with its last row repeated until there are so many."""
    return np.concatenate([array, np.repeat(array[-1:], count - len(array), axis=0)])
