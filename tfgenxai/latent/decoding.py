"""From codes to images, by any graph that takes a code: a decoder or a generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def code_input(graph: Graph) -> str:
    """The name of the input that is a code: `z`, or the only one of shape (N, d).

    Raises:
        UsageError: There is none, or no saying which one.
    """
    if "z" in graph.inputs:
        return "z"
    flat = [n for n, t in graph.inputs.items() if t.shape.rank == 2 and t.dtype.is_floating]
    if len(flat) != 1:
        raise UsageError(
            f"The graph {graph.name!r} takes {', '.join(graph.inputs)}; a decoder or generator "
            "takes a code, an input of shape (N, d) named z."
        )
    return flat[0]


def code_width(graph: Graph) -> int:
    """The number of dimensions d of the graph's codes.

    Raises:
        UsageError: The graph takes no code, or one of any width.
    """
    name = code_input(graph)
    width = graph.inputs[name].shape[-1]
    if width is None:
        raise UsageError(f"The input {name!r} of {graph.name!r} has no fixed number of dimensions.")
    return int(width)


def prior_codes(prior: Graph | None, eps: np.ndarray) -> np.ndarray:
    """Codes (..., d) float32 that a prior makes of standard normal draws `eps` (..., d).

    Args:
        prior: A model's signature from `eps` to `z`; None where codes are standard normal.
    """
    from tfgenxai.metrics.batches import batched

    eps = np.asarray(eps, np.float32)
    if prior is None:
        return eps
    return batched(prior.function("eps", "z"), eps.reshape(-1, eps.shape[-1])).reshape(eps.shape)


def decoded(
    graph: Graph,
    codes: np.ndarray,
    *,
    extra: Mapping[str, Any] | None = None,
    fetch: str | None = None,
    batch_size: int = 256,
) -> np.ndarray:
    """Images (..., H, W, C) of `codes` (..., d), in batches.

    Args:
        graph: A decoder or generator.
        extra: The other inputs of a conditional one, such as {"label": 3}: a value for all
            codes, or an array of the codes' leading shape (...).
        fetch: Another output or layer than the image.

    Raises:
        InvalidInputError: Codes of another width, NaN or infinite ones.
        UsageError: The graph takes no code, or an input is missing or unknown.
    """
    from tfgenxai.explained import find_output

    name, width = code_input(graph), code_width(graph)
    array = np.asarray(codes, np.float32)
    if array.ndim < 1 or array.shape[-1] != width or not array.size:
        raise InvalidInputError(
            f"{graph.name!r} takes codes of {width} dimensions, (..., {width}); "
            f"these have shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InvalidInputError("Codes hold NaN or infinite values; check how they were made.")
    shape = array.shape[:-1]
    fed = {name: array.reshape(-1, width)}
    for key, value in (extra or {}).items():
        if key not in graph.inputs or key == name:
            raise UsageError(f"{graph.name!r} takes {', '.join(graph.inputs)}, and no {key!r}.")
        fed[key] = _spread(key, value, shape, graph.inputs[key].dtype.as_numpy_dtype)
    function = graph.function(list(fed), find_output(graph, fetch, ("image",), "A walk"))
    parts = [
        function(*(values[start : start + batch_size] for values in fed.values())).numpy()
        for start in range(0, len(fed[name]), batch_size)
    ]
    found = np.concatenate(parts)
    return found.reshape(*shape, *found.shape[1:])


def _spread(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """`value` once for each code, (N,)."""
    try:
        return np.broadcast_to(np.asarray(value, dtype), shape).reshape(-1)
    except ValueError:
        raise InvalidInputError(
            f"{name!r} has shape {np.shape(value)}; give one value, or one a code: {shape}."
        ) from None
