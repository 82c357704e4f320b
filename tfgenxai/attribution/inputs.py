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
            such arrays; an `ImageData`; or a `tf.data.Dataset` of samples or of batches, whose
            elements are tensors, mappings, or tuples in the order of the graph's inputs (more
            entries than inputs, such as labels, are left out).

    Raises:
        UsageError: the graph's inputs are not all there.
        InvalidInputError: wrong shape, type or range, NaN or infinite values, or no samples.
    """
    if size < 1:
        raise UsageError(f"batch_size must be at least 1, not {size}.")
    if isinstance(data, tf.data.Dataset):
        return _from_dataset(data, graph, size)
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
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInputError(f"The inputs have different numbers of samples: {lengths}.")
    count = next(iter(lengths.values()))
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
    names = list(graph.inputs)
    spec = data.element_spec
    if isinstance(spec, Mapping):
        if missing := [name for name in names if name not in spec]:
            raise UsageError(f"The data set has no {', '.join(missing)}, which the graph takes.")
        data = data.map(lambda element: tuple(element[name] for name in names))
    elif isinstance(spec, tuple):
        if len(spec) < len(names):
            raise UsageError(f"This graph takes {', '.join(names)}; the data set has too little.")
        data = data.map(lambda *element: element[: len(names)])
    else:
        data = data.map(lambda element: (element,))
    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UsageError("The data set repeats for ever: limit it with take(n).")
    first = graph.inputs[names[0]]
    batched = data.element_spec[0].shape.rank == first.shape.rank
    count = None if batched or int(data.cardinality()) < 0 else int(data.cardinality())
    if count == 0:
        raise InvalidInputError("There is nothing to explain: the data set is empty.")
    data = data.rebatch(size) if batched else data.batch(size)

    def elements() -> Iterator[Batch]:
        for element in data.as_numpy_iterator():
            yield {
                name: checked(name, values, graph.inputs[name])
                for name, values in zip(names, element, strict=True)
            }

    return elements(), count


def _array(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
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
