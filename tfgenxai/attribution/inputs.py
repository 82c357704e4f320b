"""Inputs of every kind, checked and cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

Batch = dict[str, np.ndarray]


def batches(data: Any, graph: Graph, size: int) -> tuple[Iterator[Batch], int | None]:
    """Checked batches of at most `size` samples, by input name, and N where it is known.

    Args:
        data: an array or tensor (N, ...) for a graph of one input; a mapping of input names to
            such arrays; an `ImageData`; or a `tf.data.Dataset` or an iterator of samples or of
            batches, whose elements are tensors, mappings, or tuples in the order of the graph's
            inputs (more entries than inputs, such as labels, are left out).

    Raises:
        UsageError: the graph's inputs are not all there.
        InvalidInputError: wrong shape, type or range, NaN or infinite values, or no samples.
    """
    if size < 1:
        raise UsageError(f"batch_size must be at least 1, not {size}.")
    if isinstance(data, tf.data.Dataset):
        return _from_dataset(data, graph, size)
    if isinstance(data, Iterator):
        return _from_elements(data, graph, size), None
    return _from_arrays(_by_name(data, graph), graph, size)


def _by_name(data: Any, graph: Graph) -> dict[str, Any]:
    names = list(graph.inputs)
    if isinstance(data, Mapping):
        given = dict(data)
    elif isinstance(data, ImageData):
        given = {names[0]: data}
        if "label" in names and data.labels is not None:
            given["label"] = data.labels
    else:
        given = {names[0]: data}
    if set(given) != set(names):
        raise UsageError(
            f"This graph takes {', '.join(names)}, and was given {', '.join(given)}: pass a "
            f"mapping with one array for each."
        )
    return {name: given[name] for name in names}


def _from_arrays(given: dict[str, Any], graph: Graph, size: int) -> tuple[Iterator[Batch], int]:
    arrays = {
        name: values if isinstance(values, ImageData) else _array(name, values)
        for name, values in given.items()
    }
    for name, values in arrays.items():
        shape = (len(values), *values.shape) if isinstance(values, ImageData) else values.shape
        _check_shape(name, shape, graph.inputs[name])
    _check_lengths(arrays)
    count = len(next(iter(arrays.values())))
    if count == 0:
        raise InvalidInputError("There is nothing to explain: the input has no samples.")

    def slices() -> Iterator[Batch]:
        for start in range(0, count, size):
            part = {name: values[start : start + size] for name, values in arrays.items()}
            yield {
                name: checked(name, v.images if isinstance(v, ImageData) else v, graph.inputs[name])
                for name, v in part.items()
            }

    return slices(), count


def _from_dataset(
    data: tf.data.Dataset, graph: Graph, size: int
) -> tuple[Iterator[Batch], int | None]:
    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UsageError("The data set repeats for ever: limit it with take(n).")
    first = _element(data.element_spec, graph)
    name, spec = next(iter(first.items()))
    known = not _is_batch(spec.shape.rank, graph.inputs[name]) and int(data.cardinality()) >= 0
    count = int(data.cardinality()) if known else None
    if count == 0:
        raise InvalidInputError("There is nothing to explain: the data set is empty.")
    return _from_elements(data.as_numpy_iterator(), graph, size), count


def _from_elements(elements: Iterator[Any], graph: Graph, size: int) -> Iterator[Batch]:
    """Batches from samples or batches of any length, one after the other."""
    waiting: list[Batch] = []
    count = 0
    first: Batch = {}
    for element in elements:
        batch = {
            name: _as_batch(name, values, graph.inputs[name])
            for name, values in _element(element, graph).items()
        }
        _check_lengths(batch)
        first = first or batch
        for name, array in batch.items():
            if array.shape[1:] != first[name].shape[1:]:
                raise InvalidInputError(
                    f"Samples of {name!r} have different shapes, {first[name].shape[1:]} and "
                    f"{array.shape[1:]}: explain those of one shape together."
                )
        waiting.append(batch)
        count += len(next(iter(batch.values())))
        while count >= size:
            whole = _joined(waiting)
            yield {name: array[:size] for name, array in whole.items()}
            waiting = [{name: array[size:] for name, array in whole.items()}]
            count -= size
    if count:
        yield _joined(waiting)


def _element(element: Any, graph: Graph) -> dict[str, Any]:
    """What an element of a data set holds for each input."""
    names = list(graph.inputs)
    if isinstance(element, Mapping):
        if missing := [name for name in names if name not in element]:
            raise UsageError(f"The data set has no {', '.join(missing)}, which the graph takes.")
        return {name: element[name] for name in names}
    given = element if isinstance(element, tuple) else (element,)
    if len(given) < len(names):
        raise UsageError(f"This graph takes {', '.join(names)}; the data set has too little.")
    return dict(zip(names, given))


def _is_batch(rank: int | None, tensor: tf.Tensor) -> bool:
    """Whether an array of this rank is a batch of an input, rather than a sample of it."""
    return tensor.shape.rank is None or rank == tensor.shape.rank


def _as_batch(name: str, values: Any, tensor: tf.Tensor) -> np.ndarray:
    array = _array(name, values)
    return checked(name, array if _is_batch(array.ndim, tensor) else array[None], tensor)


def _joined(parts: list[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _check_lengths(arrays: Mapping[str, Any]) -> None:
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError(f"The inputs have different numbers of samples: {lengths}.")


def _array(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiub" and array.dtype != tf.bfloat16.as_numpy_dtype:
        raise InvalidInputError(f"The input {name!r} must be an array of numbers.")
    return array


def _check_shape(name: str, shape: tuple[int, ...], tensor: tf.Tensor) -> None:
    wanted = tensor.shape
    if wanted.rank is None or wanted[1:].is_compatible_with(shape[1:]) and len(shape):
        return
    axes = ", ".join(["N", *("?" if n is None else str(n) for n in wanted[1:])])
    hint = ""
    if wanted[1:].is_compatible_with(shape):
        hint = f"; for one sample pass {name}[None]"
    raise InvalidInputError(f"The input {name!r} must have shape ({axes}), not {shape}{hint}.")


def checked(name: str, values: Any, tensor: tf.Tensor) -> np.ndarray:
    """The values as the graph's input `tensor` takes them.

    Raises:
        InvalidInputError: wrong shape or type, NaN or infinite values, or an image (an input
            called `image`) outside [0, 1].
    """
    array = _array(name, values)
    _check_shape(name, array.shape, tensor)
    if tensor.dtype.is_floating and array.size:
        # Extremes propagate NaN, and need no array of booleans.
        low, high = float(array.min()), float(array.max())
        if not np.isfinite([low, high]).all():
            raise InvalidInputError(f"The input {name!r} holds NaN or infinite values.")
        if name == "image" and (low < 0.0 or high > 1.0):
            raise InvalidInputError(
                f"Images must lie in [0, 1]; these run from {low:g} to {high:g}. "
                f"Divide grey levels by 255, or clip."
            )
    elif array.dtype.kind == "f" and not tensor.dtype.is_floating:
        raise InvalidInputError(f"The input {name!r} must be whole numbers, {tensor.dtype.name}.")
    return array.astype(tensor.dtype.as_numpy_dtype, copy=False)
