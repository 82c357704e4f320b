"""A target found in a graph: which tensors to fetch, and how to read scalars off them.

`targets.py` says what can be explained; explainers see only what is here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


#: Output names of which everybody knows what they stand for.
_MEANINGS = frozenset({"mean", "logvar", "z", "logits", "image", "probabilities"})


class NoOutputError(UsageError):
    """A graph has no output of the kind that a target looks for."""


class Feeds(NamedTuple):
    """Tensors of one batch of n samples, as compiled explainers take them.

    Attributes:
        inputs: name -> value, of the graph's inputs, and of noise tensors where it draws any.
        shared: arguments of the target that are the same for every sample.
        rows: arguments of the target with one row a sample, (n, ...).
    """

    inputs: dict[str, Any]
    shared: tuple[Any, ...] = ()
    rows: tuple[Any, ...] = ()

    def with_input(self, name: str, value: Any) -> Feeds:
        """The same batch with another value of one input."""
        return self._replace(inputs={**self.inputs, name: value})

    def repeated(self, graph: Graph, times: Any) -> Feeds:
        """The batch so many times, one after the other.

        What the graph takes once for the whole batch, such as noise, stays as it is.
        """

        def has_rows(name: str) -> bool:
            fed = (
                graph.inputs[name] if name in graph.inputs else graph.graph.get_tensor_by_name(name)
            )
            return fed.shape.rank is None or (fed.shape.rank > 0 and fed.shape[0] is None)

        def tiled(value: Any) -> tf.Tensor:
            value = tf.convert_to_tensor(value)
            return tf.tile(value, [times, *[1] * (value.shape.rank - 1)])

        inputs = {n: tiled(value) if has_rows(n) else value for n, value in self.inputs.items()}
        return Feeds(inputs, self.shared, tuple(map(tiled, self.rows)))


@dataclass(frozen=True, eq=False)
class Explained:
    """T scalars of every sample, in a graph.

    Attributes:
        graph: where they live.
        fetches: symbolic tensors of the graph.
        read: (values of `fetches`, inputs by name, *shared, *rows) -> (n, T). What the graph
            holds in half precision comes as float32.
        names: T names.
        key: where keys are equal, only `shared` and `rows` differ, and one compiled function
            serves both.
        family: whether explanations have a target axis, even of length 1.
        shared, rows: see `Feeds`; here rows have length N.
        columns: (T,), where the scalars are elements of the only fetched tensor, each sample
            flattened; it is then the only entry of `shared`. None elsewhere.
        linear: whether `read` is a weighted sum of the only fetched tensor's elements, with
            weights that do not depend on the inputs.
        inner: the same scalars in the graph of another model, which scores the image that is
            fetched here. None elsewhere.
    """

    graph: Graph
    fetches: tuple[tf.Tensor, ...]
    read: Callable[..., tf.Tensor]
    names: tuple[str, ...]
    key: Hashable
    family: bool = False
    shared: tuple[np.ndarray, ...] = ()
    rows: tuple[np.ndarray, ...] = ()
    columns: np.ndarray | None = None
    linear: bool = False
    inner: Explained | None = None

    def scores(self, feeds: Feeds) -> tf.Tensor:
        """The scalars (n, T) of a batch; differentiable with respect to its inputs."""
        return self._read(fetch(self.graph, feeds, self.fetches), feeds)

    def scores_from(self, cut: tf.Tensor, value: Any, feeds: Feeds) -> tf.Tensor:
        """The scalars (n, T) when the inner tensor `cut` of the graph has this value."""
        values = fetch(self.graph, feeds.with_input(cut.name, value), self.fetches)
        return self._read(values, feeds)

    def single(self) -> Explained:
        """The same only scalar, without a target axis."""
        return replace(self, family=False)

    def _read(self, values: tuple[tf.Tensor, ...], feeds: Feeds) -> tf.Tensor:
        inputs = {name: _widened(value) for name, value in feeds.inputs.items()}
        read = self.read(tuple(map(_widened, values)), inputs, *feeds.shared, *feeds.rows)
        return tf.cast(read, tf.float32)


def fetch(graph: Graph, feeds: Feeds, fetches: Sequence[tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """Values of symbolic tensors, computed from a batch's inputs and inner tensors fed by name."""
    symbolic = fetches[0].graph
    sources = {
        name: graph.inputs[name] if name in graph.inputs else symbolic.get_tensor_by_name(name)
        for name in feeds.inputs
    }
    values = {sources[name].ref(): tf.convert_to_tensor(feeds.inputs[name]) for name in sources}
    wanted = [tensor for tensor in fetches if tensor.ref() not in values]
    if wanted:
        before = {tensor.ref() for tensor in upstream(wanted, stops=sources.values())}
        needed = [s for s in sources.values() if s.ref() in before] or [*sources.values()]
        computed = graph.function(needed, wanted)(*(values[s.ref()] for s in needed))
        values.update(zip((tensor.ref() for tensor in wanted), computed, strict=True))
    return tuple(values[tensor.ref()] for tensor in fetches)


def upstream(tensors: Iterable[tf.Tensor], stops: Iterable[tf.Tensor] = ()) -> Iterator[tf.Tensor]:
    """Every tensor that these depend on, themselves included; not what lies before `stops`."""
    cut = {tensor.ref() for tensor in stops}
    seen = set()
    waiting = list(tensors)
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen:
            continue
        seen.add(tensor.ref())
        yield tensor
        if tensor.ref() not in cut:
            waiting.extend(tensor.op.inputs)


def find_output(graph: Graph, given: str | None, usual: Sequence[str], who: str) -> tf.Tensor:
    """The output or layer that the user names, else an output of a usual name, else the only one.

    Raises:
        NoOutputError: nothing is given and no output is the obvious one: there are several, or
            the only one has a name that stands for something else.
        LayerNotFoundError: nothing is called as given.
    """
    if given is not None:
        return graph.outputs[given] if given in graph.outputs else graph[given]
    for name in usual:
        if name in graph.outputs:
            return graph.outputs[name]
    if len(graph.outputs) == 1 and _MEANINGS.isdisjoint(graph.outputs):
        return next(iter(graph.outputs.values()))
    raise NoOutputError(
        f"{who} looks for an output named {' or '.join(usual)}, and this graph gives "
        f"{', '.join(graph.outputs)}; name the right one with output=."
    )


def sample_shape(tensor: tf.Tensor) -> tuple[int, ...]:
    """Shape of one sample.

    Raises:
        UsageError: it is not fixed.
    """
    if tensor.shape.rank is None or None in tensor.shape[1:] or tensor.shape.rank == 0:
        raise UsageError(
            f"Tensor {tensor.name!r} has shape {tensor.shape}; to explain it, every axis but the "
            f"batch must have a fixed length."
        )
    return tuple(tensor.shape[1:])


def element(index: Any, size: int, what: str) -> int:
    """The index as an int.

    Raises:
        UsageError: it is not a whole number in 0..size-1.
    """
    try:
        number = operator.index(index)
    except TypeError:
        raise UsageError(f"The {what} must be a whole number, not {index!r}.") from None
    if not 0 <= number < size:
        raise UsageError(f"There is no {what} {number}: they run from 0 to {size - 1}.")
    return number


def elements(
    graph: Graph,
    tensor: tf.Tensor,
    chosen: Sequence[Any] | None,
    label: Callable[[tuple[int, ...]], str],
    what: str,
) -> Explained:
    """A family of elements of one tensor.

    Args:
        chosen: flat indices into a sample, or tuples with one index an axis; None for all.
        label: position in the sample -> name.
        what: an element, for error messages.
    """
    shape = sample_shape(tensor)
    size = int(np.prod(shape))
    flat = []
    for index in range(size) if chosen is None else chosen:
        if isinstance(index, tuple):
            if len(index) != len(shape):
                raise UsageError(f"An index of {what} needs one number for each axis of {shape}.")
            pairs = zip(index, shape, strict=True)
            index = np.ravel_multi_index([element(i, n, what) for i, n in pairs], shape)
        flat.append(element(index, size, what))
    if not flat:
        raise UsageError(f"The family is empty: choose at least one {what}.")
    columns = np.asarray(flat, np.int32)
    names = tuple(label(tuple(int(i) for i in np.unravel_index(column, shape))) for column in flat)

    def read(values: tuple[tf.Tensor], inputs: Any, columns: tf.Tensor) -> tf.Tensor:
        return tf.gather(_flattened(values[0], size), columns, axis=1)

    key = ("elements", tensor.name, len(flat))
    return Explained(
        graph, (tensor,), read, names, key, True, (columns,), columns=columns, linear=True
    )


def element_of_each(graph: Graph, tensor: tf.Tensor, index: np.ndarray, what: str) -> Explained:
    """An element that every sample chooses for itself by `index` (N,)."""
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise UsageError(f"Give one {what}, or one for each sample: whole numbers, shape (N,).")
    size = int(np.prod(sample_shape(tensor)))
    for extreme in (index.min(initial=0), index.max(initial=0)):
        element(extreme, size, what)

    def read(values: tuple[tf.Tensor], inputs: Any, index: tf.Tensor) -> tf.Tensor:
        return tf.gather(_flattened(values[0], size), index[:, None], axis=1, batch_dims=1)

    key = ("element of each", tensor.name)
    rows = (index.astype(np.int32),)
    return Explained(graph, (tensor,), read, (f"own {what}",), key, rows=rows, linear=True)


def of_generated_image(graph: Graph, scored: Explained) -> Explained:
    """The scalars of another graph's target, for the image that `graph` generates."""
    image = find_output(graph, None, ("image",), "A target with model=")
    score = continued(image, scored.graph, scored.fetches)

    def read(values: tuple[tf.Tensor], given: Any, *arguments: tf.Tensor) -> tf.Tensor:
        return scored.read(score(values[0]), given, *arguments)

    key = ("of image", image.name, scored.graph, scored.key)
    return replace(
        scored,
        graph=graph,
        fetches=(image,),
        read=read,
        key=key,
        columns=None,
        linear=False,
        inner=scored,
    )


def continued(
    tensor: tf.Tensor, model: Graph, wanted: Sequence[tf.Tensor]
) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """What another graph makes of a tensor of this one: its value -> values of `wanted`.

    Raises:
        UsageError: the other graph takes something else.
    """
    shape = tensor.shape[1:]
    inputs = model.inputs
    if len(inputs) > 1 or not next(iter(inputs.values())).shape[1:].is_compatible_with(shape):
        raise UsageError(
            f"The model of the target must take one input of shape {tuple(shape)}, which is what "
            f"{tensor.name.removesuffix(':0')} has; it takes "
            + ", ".join(f"{name} {tuple(given.shape[1:])}" for name, given in inputs.items())
            + "."
        )
    ((source, taken),) = inputs.items()

    def values(value: tf.Tensor) -> tuple[tf.Tensor, ...]:
        found = fetch(model, Feeds({source: tf.cast(value, taken.dtype)}), wanted)
        return tuple(map(_widened, found))

    return values


def original_image(
    graph: Graph, reconstruction: tf.Tensor, images: Any, who: str
) -> tuple[str | None, tuple[np.ndarray, ...]]:
    """Where the original of a reconstruction is: the name of a graph input, or rows (N, H, W, C).

    Raises:
        UsageError: neither is there.
    """
    shape = reconstruction.shape[1:]
    if images is not None:
        return None, (checked_rows(images, shape, f"images of {who}"),)
    for name, tensor in graph.inputs.items():
        if tensor.shape[1:].is_compatible_with(shape):
            return name, ()
    raise UsageError(
        f"{who} compares with the original image, of shape {tuple(shape)}, which no input of this "
        f"graph ({', '.join(graph.inputs)}) is: pass images=."
    )


def checked_rows(values: Any, shape: Sequence[int | None], what: str) -> np.ndarray:
    """float32 (N, *shape), an array on disk left there.

    Raises:
        InvalidInputError: another shape, or NaN or infinite values.
    """
    array = np.asarray(values, np.float32)
    if not tf.TensorShape(shape).is_compatible_with(array.shape[1:]):
        expected = ", ".join(["N", *("?" if n is None else str(n) for n in shape)])
        raise InvalidInputError(f"The {what} must have shape ({expected}), not {array.shape}.")
    for start in range(0, len(array), 1024):
        if not np.isfinite(array[start : start + 1024]).all():
            raise InvalidInputError(f"The {what} hold NaN or infinite values.")
    return array


def row_sum(values: tf.Tensor) -> tf.Tensor:
    """Sum over all axes but the first, (n, 1)."""
    return tf.reduce_sum(values, axis=tuple(range(1, values.shape.rank)))[:, None]


def named(names: Sequence[str], values: Sequence[tf.Tensor]) -> Mapping[str, tf.Tensor]:
    """Values by name."""
    return dict(zip(names, values, strict=True))


def _flattened(values: tf.Tensor, size: int) -> tf.Tensor:
    return values if values.shape.rank == 2 else tf.reshape(values, (-1, size))


def _widened(value: Any) -> Any:
    """A value of half precision as float32; any other as it is."""
    value = tf.convert_to_tensor(value)
    return tf.cast(value, tf.float32) if value.dtype in (tf.float16, tf.bfloat16) else value
