"""The derivative of a target's scalars by the input, which many methods are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod
from tfgenxai.attribution.structure import largest_row
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Rows that a pass over several variants of each sample takes together: enough that the cost of
#: starting an operation does not show, few enough for the processor's cache.
ROWS = 128


class GradientMethod(CompiledMethod):
    """A method made of df/dx.

    Raises:
        UsageError: the input is not of real numbers.
    """

    def __init__(self, graph: Graph, *, wrt: str | None = None, seed: int = 0) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        dtype = graph.inputs[self.wrt].dtype
        if not dtype.is_floating:
            raise UsageError(
                f"The input {self.wrt!r} is of type {dtype.name}, by which nothing can be "
                f"differentiated: name another with wrt=, or use Occlusion."
            )

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as the gradients of all targets together leave room for."""
        largest = largest_row(explained, self.graph.inputs[self.wrt])
        return MEMORY // (4 * largest * len(explained.names))

    def slopes(self, explained: Explained, feeds: Feeds) -> tf.Tensor:
        """df/dx of every target, (n, T, ...) float32: one pass forth, and one back for all."""
        x = feeds.inputs[self.wrt]
        zero = tf.UnconnectedGradients.ZERO
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            scores = explained.scores(feeds)
        if len(explained.names) == 1:
            slopes = tape.gradient(scores, x, unconnected_gradients=zero)[:, None]
        else:
            slopes = tape.batch_jacobian(scores, x, unconnected_gradients=zero)
        return tf.cast(slopes, tf.float32)

    def over_variants(
        self,
        explained: Explained,
        feeds: Feeds,
        count: int,
        variants: Callable[[tf.Tensor], tf.Tensor],
        update: Callable[[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]], tuple[tf.Tensor, ...]],
        state: tuple[tf.Tensor, ...],
    ) -> tuple[tf.Tensor, ...]:
        """What `update` makes of df/dx at `count` variants of each sample.

        Several variants of all samples make one batch, and batch follows batch, so that memory
        does not grow with `count`.

        Args:
            variants: numbers (k,) of variants -> these variants of the input, (k, n, ...) float32.
            update: (numbers (k,), slopes (k, n, T, ...), state) -> new state.
            state: the first state; `zeros` makes one.
        """
        x = feeds.inputs[self.wrt]
        n = tf.shape(x)[0]
        k = tf.clip_by_value(self._rows(explained) // n, 1, count)

        def step(first: tf.Tensor, state: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, Any]:
            numbers = tf.range(first, tf.minimum(first + k, count))
            times = tf.size(numbers)
            points = tf.reshape(tf.cast(variants(numbers), x.dtype), (-1, *x.shape[1:]))
            repeated = feeds.repeated(explained.graph, times).with_input(self.wrt, points)
            slopes = self.slopes(explained, repeated)
            apart = tf.reshape(slopes, (times, n, len(explained.names), *x.shape[1:]))
            updated = zip(update(numbers, apart, state), state)
            # TensorFlow forgets a length of 1, and a loop wants to know that shapes stay.
            return first + times, tuple(tf.ensure_shape(new, old.shape) for new, old in updated)

        return tf.while_loop(
            lambda first, _: first < count, step, (0, state), parallel_iterations=1
        )[1]

    def zeros(self, explained: Explained, feeds: Feeds) -> tf.Tensor:
        """(n, T, ...) float32 zeros."""
        x = feeds.inputs[self.wrt]
        return tf.zeros((tf.shape(x)[0], len(explained.names), *x.shape[1:]))

    def _rows(self, explained: Explained) -> int:
        """Rows of a batch that holds several variants of each sample."""
        return 1 if self._fixed_batch else min(ROWS, self.rows_at_once(explained))


def check_count(option: str, value: int, least: int) -> None:
    """Raises UsageError unless the value is a whole number and large enough."""
    if not isinstance(value, int | np.integer) or value < least:
        raise UsageError(f"{option}= must be a whole number, at least {least}: not {value!r}.")
