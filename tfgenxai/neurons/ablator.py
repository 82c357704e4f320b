"""A layer whose channels are replaced: everything below it is computed once, never again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.gradients import ROWS
from tfgenxai.attribution.inputs import Batch, batches
from tfgenxai.attribution.structure import depends, largest_row
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Feeds, fetch
from tfgenxai.neurons.effects import Effect, checked_effect
from tfgenxai.neurons.layers import computed_layers, refuse_draws

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

How = Literal["zero", "mean", "resample"]

#: Bytes that the values between the layer and the scores may take in one pass.
MEMORY = 2**28


class Ablator:
    """A layer of a graph on N samples, ready to have channels replaced.

    Args:
        graph: the network.
        inputs: N samples, in any form that attribution methods take.
        layer: whose channels (the last axis) are replaced.
        effect: what is measured.
        how: "zero" puts 0; "mean" what the neuron gives on average over the samples, at each
            place by itself; "resample" what it gives for another sample, drawn without
            replacement.
        labels: (N,) classes, whole numbers.
        seed: of the drawn samples.
        batch_size: samples at a time.

    Attributes:
        values: (N, ..., C) the layer's activations.
        substitute: (N, ..., C) what replaces them.
        before: (N, T) scores of the whole network.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: Any,
        layer: str,
        effect: Effect,
        *,
        how: How = "mean",
        labels: Any = None,
        seed: int = 0,
        batch_size: int = 32,
    ) -> None:
        if how not in ("zero", "mean", "resample"):
            raise UsageError(f"how= is 'zero', 'mean' or 'resample', not {how!r}.")
        self.layer, self.how = layer, how
        self.effect = checked_effect(effect, labels is not None)
        (self.tensor,) = computed_layers(graph, [layer]).values()
        self.explained = effect.on(graph)
        refuse_draws(self.explained.fetches, self.explained.names[0])
        if not depends(self.explained.fetches, self.tensor):
            raise UsageError(
                f"{self.explained.names[0]} does not depend on layer {layer!r}: name a layer "
                f"between the input and what is measured."
            )
        stream, _ = batches(inputs, graph, batch_size)
        self._batches: list[Batch] = list(stream)
        self._starts = np.cumsum([0, *(len(next(iter(b.values()))) for b in self._batches)])
        count = int(self._starts[-1])
        self.labels = _checked_labels(labels, count)
        parts: list[np.ndarray] = []
        scores: list[np.ndarray] = []
        for number, batch in enumerate(self._batches):
            (values,) = fetch(graph, Feeds(batch), [self.tensor])
            parts.append(values.numpy())
            feeds = self._feeds(number).with_input(self.tensor.name, values)
            scores.append(self.explained.scores(feeds).numpy())
        self.values, self.before = np.concatenate(parts), np.concatenate(scores)
        self.substitute = _substitute(self.values, how, seed)
        self.channels = self.values.shape[-1]
        self._run: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def effects(self, masks: np.ndarray, progress: bool | None = None) -> np.ndarray:
        """The effect of replacing channels, (M, N, K) float32.

        Args:
            masks: (M, C) bool, the channels that are replaced together.
            progress: show a bar on stderr; by default on a terminal when there is much to do.
        """
        masks = np.asarray(masks, bool)
        if progress is None:
            progress = sys.stderr.isatty() and len(masks) * len(self) > 10_000
        if self._run is None:
            masked = tf.TensorSpec((None, self.channels), tf.bool)
            self._run = self._compiled(self._replaced, masked)
        found: list[np.ndarray] = []
        with counter(f"ablating {self.layer}", len(masks) * len(self), progress) as done:
            for number in range(len(self._batches)):
                feeds, rows = self._feeds(number), self._rows(number)
                count = rows.stop - rows.start
                at_once = max(1, self._rows_at_once() // count)
                parts = []
                for start in range(0, len(masks), at_once):
                    chosen = masks[start : start + at_once]
                    parts.append(_called(self._run, feeds, *self._arrays(rows), chosen))
                    done(len(chosen) * count)
                found.append(np.concatenate(parts))
        return np.concatenate(found, axis=1)

    def taylor(self, probes: int = 16, seed: int = 0) -> np.ndarray:
        """The effect of replacing each channel alone, to first order, (C, N, K).

        Scores after = before + sum over places of (substitute - activation) df/da, which for
        "zero" is gradient x activation (Molchanov et al. 2017). An effect on an image, a
        mean of squares over many pixels, is estimated from `probes` random projections of it; a
        drop in accuracy is replaced by what `Effect.smooth` says.
        """
        width = self.before.shape[1]
        project = None
        if self.effect.squared and width > probes:
            project, width = _projection(width, probes, seed), probes

        def predict(feeds: Feeds, values: Any, substitute: Any, before: Any, labels: Any) -> Any:
            # A copy of the batch for each score, and one pass back for all: a Jacobian by
            # vectorised map takes a second to trace, this a tenth.
            count = tf.shape(values)[0]
            copies = tf.tile(values, [width, *[1] * (values.shape.rank - 1)])
            own = tf.repeat(tf.range(width), count)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(copies)
                repeated = feeds.repeated(self.explained.graph, width)
                scores = self.explained.scores_from(self.tensor, copies, repeated)
                if project is not None:
                    scores, before = scores @ project, before @ project
                scores = tf.gather(scores, own, axis=1, batch_dims=1)
            slopes = tf.reshape(tape.gradient(scores, copies), (width, count, *values.shape[1:]))
            moved = tf.cast(slopes * (substitute - values)[None], tf.float32)
            by_channel = tf.reduce_sum(moved, axis=tuple(range(2, moved.shape.rank - 1)))
            after = before[None] + tf.transpose(by_channel, (2, 1, 0))
            return self.effect.smooth(before[None], after, labels[None])

        run = self._compiled(predict)
        at_once = max(1, self._rows_at_once() // width)
        found = []
        for number in range(len(self._batches)):
            feeds, rows = self._feeds(number), self._rows(number)
            for start in range(0, rows.stop - rows.start, at_once):
                inner = slice(start, min(start + at_once, rows.stop - rows.start))
                some = Feeds(
                    {name: array[inner] for name, array in feeds.inputs.items()},
                    feeds.shared,
                    tuple(array[inner] for array in feeds.rows),
                )
                part = slice(rows.start + inner.start, rows.start + inner.stop)
                found.append(_called(run, some, *self._arrays(part)))
        return np.concatenate(found, axis=1)

    def _feeds(self, number: int) -> Feeds:
        rows = self._rows(number)
        mine = tuple(array[rows] for array in self.explained.rows)
        return Feeds(self._batches[number], self.explained.shared, mine)

    def _rows(self, number: int) -> slice:
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def _arrays(self, rows: slice) -> tuple[np.ndarray, ...]:
        return self.values[rows], self.substitute[rows], self.before[rows], self.labels[rows]

    def _rows_at_once(self) -> int:
        return max(1, min(ROWS, MEMORY // (4 * largest_row(self.explained, self.tensor))))

    def _replaced(
        self, feeds: Feeds, values: Any, substitute: Any, before: Any, labels: Any, masks: Any
    ) -> Any:
        """The effect (M, n, K) of replacing the channels of each mask (M, C)."""
        times, count = tf.shape(masks)[0], tf.shape(values)[0]
        places = [1] * (values.shape.rank - 2)
        replaced = tf.reshape(masks, (times, 1, *places, self.channels))
        mixed = tf.where(replaced, substitute[None], values[None])
        flat = tf.reshape(mixed, (times * count, *values.shape[1:]))
        repeated = feeds.repeated(self.explained.graph, times)
        after = self.explained.scores_from(self.tensor, flat, repeated)
        after = tf.reshape(after, (times, count, before.shape[1]))
        return self.effect.change(before[None], after, labels[None])

    def _compiled(self, function: Any, *more: tf.TensorSpec) -> Any:
        feeds = self._feeds(0)
        specs = [
            Feeds(
                {name: _spec(array) for name, array in feeds.inputs.items()},
                tuple(tf.TensorSpec(array.shape, array.dtype) for array in feeds.shared),
                tuple(map(_spec, feeds.rows)),
            ),
            *map(_spec, self._arrays(slice(1))),
            *more,
        ]
        compiled = tf.function(function, input_signature=specs, autograph=False)
        # Concrete at once: TensorFlow warns of retracing where many functions share their code.
        return compiled.get_concrete_function()


def _called(function: Any, *arguments: Any) -> np.ndarray:
    return function(*tf.nest.map_structure(tf.constant, arguments)).numpy()


def _spec(array: np.ndarray) -> tf.TensorSpec:
    return tf.TensorSpec([None, *array.shape[1:]], array.dtype)


def _checked_labels(labels: Any, count: int) -> np.ndarray:
    if labels is None:
        return np.zeros(count, np.int32)
    array = np.asarray(labels)
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise InvalidInputError(
            f"Labels must be whole numbers of shape ({count},), one a sample; these have shape "
            f"{array.shape} and type {array.dtype}."
        )
    return array.astype(np.int32)


def _substitute(values: np.ndarray, how: How, seed: int) -> np.ndarray:
    if how == "zero":
        return np.broadcast_to(np.zeros(1, values.dtype), values.shape)
    if how == "mean":
        mean = values.mean(axis=0, dtype=np.float64).astype(values.dtype)
        return np.broadcast_to(mean, values.shape)
    if len(values) < 2:
        raise InvalidInputError("Resampling needs at least two samples.")
    # A cycle through a random order gives every sample another one's activations.
    order = np.random.default_rng(seed).permutation(len(values))
    source = np.empty_like(order)
    source[order] = np.roll(order, 1)
    return values[source]


def _projection(width: int, probes: int, seed: int) -> np.ndarray:
    """Random signs (T, P), scaled so that the mean of squares over P is that over T expected."""
    signs = np.random.default_rng([seed, width]).choice([-1.0, 1.0], (width, probes))
    return (signs / np.sqrt(width)).astype(np.float32)
