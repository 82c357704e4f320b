"""`Method`: what all attribution methods share. A subclass is one file with one formula."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.inputs import Batch, batches
from tfgenxai.attribution.result import Attribution
from tfgenxai.attribution.sinks import MemorySink, NpySink, Sink
from tfgenxai.attribution.structure import NORMAL, UNIFORM, depends
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds, fetch, upstream
from tfgenxai.targets import Target

if TYPE_CHECKING:
    import os

    from tfgenxai.graph import Graph

__all__ = ["Attribution", "CompiledMethod", "Explanation", "Method"]

#: Bytes that the intermediate values of one vectorised pass may take.
MEMORY = 2**29


class Explanation(NamedTuple):
    """What a method finds in one batch of n samples.

    Attributes:
        values: (n, T, ...).
        delta: convergence delta (n, T), for methods with a sum rule.
        parts: what the delta consists of, (n, T) each; see `Attribution.delta_parts`.
    """

    values: Any
    delta: Any = None
    parts: Mapping[str, Any] = {}

    def map(self, change: Callable[[Any], Any]) -> Explanation:
        """The same with every array changed."""
        delta = None if self.delta is None else change(self.delta)
        return Explanation(
            change(self.values), delta, {name: change(part) for name, part in self.parts.items()}
        )


def first_input(graph: Graph) -> str:
    """What is explained when nothing is said: the first input of real numbers, if there is one."""
    real = (name for name, tensor in graph.inputs.items() if tensor.dtype.is_floating)
    return next(real, next(iter(graph.inputs)))


class Method(ABC):
    """An attribution method bound to a graph.

    Args:
        graph: the graph to explain: a signature of a SavedModel, or any `Graph`.
        wrt: the input that is explained; by default the graph's first of real numbers.
        seed: of everything random, which is the noise that a graph draws for its samples, and
            the method's own draws. A sample's draws do not depend on the batch it comes in.
    """

    #: name in the registry
    name: ClassVar[str]
    #: what is explained when a call says nothing
    default_target: ClassVar[Target | None] = None

    def __init__(self, graph: Graph, *, wrt: str | None = None, seed: int = 0) -> None:
        if not (hasattr(graph, "function") and hasattr(graph, "outputs")):
            raise UsageError(
                f"{type(self).__name__} explains a Graph, not a {type(graph).__name__}: take one "
                f"signature of a SavedModel, as load(path)['encode'], or Graph.from_keras(model)."
            )
        self.graph = graph
        if wrt is None:
            wrt = first_input(graph)
        if wrt not in graph.inputs:
            raise UsageError(f"wrt= must be one of {', '.join(graph.inputs)}, not {wrt!r}.")
        self.wrt = wrt
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise UsageError(f"seed= must be a whole number from 0, not {seed!r}.")
        self.seed = int(seed)

    def __call__(
        self,
        inputs: Any,
        target: Target | None = None,
        *,
        batch_size: int = 64,
        out: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> Attribution:
        """Explains every sample.

        Args:
            inputs: (N, ...) array or tensor, which may lie on disk (`np.memmap`); `ImageData`; a
                `tf.data.Dataset` or an iterator, of samples or of batches; or a mapping with one
                array for each input of the graph. Images are in [0, 1].
            target: what is explained.
            batch_size: samples at a time, at most. A graph whose batch is fixed gets just that.
            out: name of a .npy file to stream the values to; they are then memory-mapped.
            progress: show a bar on stderr; by default, on a terminal when there is much to do.

        Raises:
            UsageError, LayerNotFoundError: the target does not fit the graph.
            InvalidInputError: wrong shape, type or range, or NaN or infinite values.
        """
        explained = self._explained(target)
        self._check_reach(explained)
        size = self._fixed_batch or min(batch_size, max(1, self.rows_at_once(explained)))
        stream, count = batches(inputs, self.graph, size)
        for rows in explained.rows:
            _check_rows(len(rows), count)
        if progress is None:
            progress = sys.stderr.isatty() and count is not None and count > size
        sink: Sink = MemorySink(count) if out is None else NpySink(out)
        draws = self._draws(explained)
        deltas: list[np.ndarray] = []
        parts: dict[str, list[np.ndarray]] = {}
        shape: tuple[int, ...] = ()
        start = 0
        try:
            with counter(self.name, count or 0, progress) as done:
                for batch in stream:
                    found = self._explain(batch, explained, draws, start)
                    sink.append(found.values)
                    if found.delta is not None:
                        deltas.append(found.delta)
                    for name, part in found.parts.items():
                        parts.setdefault(name, []).append(part)
                    shape = batch[self.wrt].shape[1:]
                    start += len(found.values)
                    done(len(found.values))
            if start == 0:
                raise InvalidInputError("There is nothing to explain: the data set is empty.")
            for rows in explained.rows:
                _check_rows(len(rows), start)
            values = sink.close()
        except BaseException:
            sink.discard()
            raise
        return Attribution(
            values=values,
            method=self.name,
            target_names=explained.names,
            input_shape=shape,
            family=explained.family,
            layer=self.layer_name,
            convergence_delta=np.concatenate(deltas) if deltas else None,
            delta_parts={name: np.concatenate(part) for name, part in parts.items()},
            settings=self.settings(),
        )

    @abstractmethod
    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Arrays (n, T, ...) of one batch.

        Args:
            feeds: arrays of the batch.
            start: place of the batch's first sample among all.
        """

    @property
    def layer_name(self) -> str | None:
        """The layer that is explained, for methods that explain one."""
        return None

    def settings(self) -> dict[str, Any]:
        """Settings to record with the result; JSON values."""
        return {"seed": self.seed, "wrt": self.wrt}

    def rows_at_once(self, explained: Explained) -> int:
        """Samples that fit into `MEMORY` together."""
        return sys.maxsize

    def _explained(self, target: Target | None) -> Explained:
        target = self.default_target if target is None else target
        if not isinstance(target, Target):
            raise UsageError(
                "Say what to explain with target=, such as Latent(3) or ClassLogit(8)"
                + ("." if target is None else f"; {target!r} is none.")
            )
        return target.on(self.graph)

    @property
    def _fixed_batch(self) -> int | None:
        """The only number of samples that the graph takes, for graphs exported so."""
        shape = self.graph.inputs[self.wrt].shape
        return shape[0] if shape.rank else None

    def _check_reach(self, explained: Explained) -> None:
        if not depends(explained.fetches, self.graph.inputs[self.wrt]):
            raise UsageError(
                f"{explained.names[0]} does not depend on the input {self.wrt!r}, so that there is "
                f"nothing to explain: choose another target, or another input with wrt=."
            )

    def _draws(self, explained: Explained) -> list[tf.Tensor]:
        """The random numbers that the target depends on."""
        before = {tensor.ref() for tensor in upstream(explained.fetches)}
        return [tensor for tensor in self.graph.random if tensor.ref() in before]

    def _explain(
        self, batch: Batch, explained: Explained, draws: list[tf.Tensor], start: int
    ) -> Explanation:
        """What is found in a batch, without the target axis if there is none."""
        count = len(batch[self.wrt])
        rows = tuple(array[start : start + count] for array in explained.rows)
        if any(len(array) < count for array in rows):
            _check_rows(len(explained.rows[0]), start + count)
        if self._fixed_batch:
            batch = {name: _filled(array, self._fixed_batch) for name, array in batch.items()}
            rows = tuple(_filled(array, self._fixed_batch) for array in rows)
        feeds = Feeds({**batch, **self._noise(draws, batch, start)}, explained.shared, rows)
        try:
            found = self.explain_batch(feeds, explained, start)
        except tf.errors.ResourceExhaustedError as error:
            raise UsageError(
                f"There is not enough memory to explain {count} samples together: lower batch_size."
            ) from error
        place = (slice(count),) if explained.family else (slice(count), 0)
        found = found.map(lambda array: np.asarray(array)[place])
        return found._replace(values=found.values.astype(np.float32, copy=False))

    def _noise(self, draws: list[tf.Tensor], batch: Batch, start: int) -> Batch:
        """Values for the random draws of the graph, so that a result can be repeated."""
        noise: Batch = {}
        for place, tensor in enumerate(draws):
            if tensor.op.type not in NORMAL | UNIFORM:
                raise UsageError(
                    f"The target depends on {tensor.op.type} ({tensor.name}), whose draws cannot "
                    f"be repeated; explain a target before it, such as Latent(i, at='mean')."
                )
            shape = tensor.shape
            if not shape.is_fully_defined():
                shape = fetch(self.graph, Feeds(batch), [tensor])[0].shape
            shape = shape.as_list()
            if shape and shape[0] == len(batch[self.wrt]):
                rows = range(start, start + shape[0])
                drawn = [_draw(tensor, shape[1:], [self.seed, place, row]) for row in rows]
                noise[tensor.name] = np.stack(drawn)
            else:
                noise[tensor.name] = _draw(tensor, shape, [self.seed, place])
        return noise


class CompiledMethod(Method):
    """A method whose formula is one TensorFlow function, compiled once for each kind of target."""

    def __init__(self, graph: Graph, *, wrt: str | None = None, seed: int = 0) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self._compiled: dict[Hashable, Any] = {}

    @abstractmethod
    def kernel(self, explained: Explained) -> Callable[[Feeds], Any]:
        """A TensorFlow function from a batch to values (n, T, ...), or to an `Explanation`.

        It serves all targets with this key: what differs between them is in `Feeds`.
        """

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Runs the compiled kernel."""
        result = self.compiled(explained, feeds)(feeds)
        found = result if isinstance(result, Explanation) else Explanation(result)
        return found.map(lambda tensor: tensor.numpy())

    def compiled(self, explained: Explained, feeds: Feeds) -> Any:
        """The compiled kernel; arrays like those in `feeds`, with any n, never retrace it."""
        spec = _whole_spec if self._fixed_batch else _spec
        specs = Feeds(
            {name: spec(array) for name, array in feeds.inputs.items()},
            tuple(map(_whole_spec, feeds.shared)),
            tuple(map(spec, feeds.rows)),
        )
        key = (explained.key, tuple(specs.inputs.items()), specs.shared, specs.rows)
        if key not in self._compiled:
            kernel = self.kernel(explained)
            self._compiled[key] = tf.function(kernel, input_signature=[specs], autograph=False)
        return self._compiled[key]


def _spec(array: np.ndarray) -> tf.TensorSpec:
    return tf.TensorSpec([None, *array.shape[1:]] if array.ndim else [], array.dtype)


def _whole_spec(array: np.ndarray) -> tf.TensorSpec:
    return tf.TensorSpec(array.shape, array.dtype)


def _filled(array: np.ndarray, count: int) -> np.ndarray:
    """The array with its last row repeated until there are so many."""
    return np.concatenate([array, np.repeat(array[-1:], count - len(array), axis=0)])


def _draw(tensor: tf.Tensor, shape: list[int], seed: list[int]) -> np.ndarray:
    generator = np.random.default_rng(seed)
    draw = generator.standard_normal if tensor.op.type in NORMAL else generator.random
    return np.asarray(draw(shape), tensor.dtype.as_numpy_dtype)


def _check_rows(given: int, count: int | None) -> None:
    if count is not None and given != count:
        raise InvalidInputError(
            f"The target or an option has rows for {given} samples; there are {count} to explain."
        )
