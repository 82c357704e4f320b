"""Many masked copies of every input, scored batch by batch in constant memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod
from tfgenxai.attribution.structure import largest_row
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds, sample_shape

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Masked inputs that are scored together. Larger batches are no faster, and leave the caches.
ROWS = 256

#: (scores (k, n, T), what k masks keep (k, *grid)) -> amounts (k, n, T) and their maps (k, *grid).
Weigh = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Perturbation(CompiledMethod):
    """A method that scores masked inputs and adds up their masks: values (n, T, *grid).

    Every mask hides parts of every sample; masks are the same for all samples. A subclass says how
    many masks there are and what each of them keeps.

    Attributes:
        grid: places that a mask tells apart: (H, W) of images, (d,) of vectors.
    """

    def __init__(self, graph: Graph, *, wrt: str | None = None, seed: int = 0) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        shape = sample_shape(graph.inputs[self.wrt])
        if len(shape) not in (1, 3):
            raise UsageError(
                f"{type(self).__name__} masks images (N, H, W, channels) or vectors (N, d); input "
                f"{self.wrt!r} has shape (N, {', '.join(map(str, shape))})."
            )
        self.grid = shape[:2]

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of masks."""

    @abstractmethod
    def kept(self, places: tf.Tensor) -> tf.Tensor:
        """What the masks (k,), numbers from 0 to `count` - 1, keep: (k, *grid), in [0, 1]."""

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as one masked copy of each, and the maps of all targets, leave room."""
        maps = len(explained.names) * int(np.prod(self.grid))
        return MEMORY // (4 * (largest_row(explained, self.graph.inputs[self.wrt]) + maps))

    def sum_over_masks(
        self, explained: Explained, feeds: Feeds, weigh: Weigh, fill: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The sum over all masks of amount times map, (n, T, *grid).

        Args:
            weigh: gives amounts and maps of k masks.
            fill: what stands where a mask hides the input, of a shape that broadcasts to it;
                by default 0.
        """
        given = feeds.inputs[self.wrt]
        x = tf.cast(given, tf.float32)
        n, targets, places = tf.shape(x)[0], len(explained.names), int(np.prod(self.grid))
        size = tf.maximum(1, self._rows(explained) // n)
        channels = (1,) * (x.shape.rank - 1 - len(self.grid))

        def step(start: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            chosen = tf.range(start, tf.minimum(start + size, self.count))
            k = tf.size(chosen)
            kept = self.kept(chosen)
            masks = tf.reshape(kept, (k, 1, *self.grid, *channels))
            masked = x * masks if fill is None else x * masks + fill * (1.0 - masks)
            masked = tf.reshape(masked, (k * n, *x.shape[1:]))
            masked = tf.cast(masked if given.dtype.is_floating else tf.round(masked), given.dtype)
            copies = feeds.repeated(self.graph, k).with_input(self.wrt, masked)
            scores = tf.reshape(explained.scores(copies), (k, n, targets))
            amounts, maps = weigh(scores, kept)
            amounts = tf.reshape(amounts, (k, n * targets))
            maps = tf.reshape(maps, (k, places))
            return start + k, total + tf.matmul(amounts, maps, transpose_a=True)

        _, total = tf.while_loop(
            lambda start, total: start < self.count,
            step,
            (tf.constant(0), tf.zeros((n * targets, places))),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, places])),
            parallel_iterations=1,
        )
        return tf.reshape(total, (n, targets, *self.grid))

    def _rows(self, explained: Explained) -> int:
        """Masked inputs to score together; no more than the samples, if the graph fixes these."""
        source = self.graph.inputs[self.wrt]
        if source.shape[0] is not None:
            return 1
        return min(ROWS, MEMORY // (4 * largest_row(explained, source)))
