"""Which layers of a graph have neurons to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError
from tfgenxai.explained import sample_shape, upstream
from tfgenxai.graph import kinds

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgenxai.graph import Graph

# Layers whose output holds the values of the layer before, in another shape.
_VIEWS = frozenset({"Flatten", "Reshape", "Identity"})


def computed_layers(graph: Graph, named: Sequence[str] | None = None) -> dict[str, tf.Tensor]:
    """Layers that the inputs decide: name -> symbolic output (None, ...), in order of execution.

    Args:
        named: these layers (or tensors); by default all between the inputs and the outputs whose
            samples have a fixed shape and need no random draw, but for those that only reshape.

    Raises:
        LayerNotFoundError: the graph has no layer of a name; names the closest.
        UsageError: a named layer does not depend on the inputs, has no fixed shape, or depends on
            random draws.
    """
    between = {
        ref
        for source in graph.inputs.values()
        for ref in dependants(source, graph.outputs.values())
    }
    if named is None:
        tensors = {
            layer.name: graph[layer.name] for layer in graph.layers if layer.kind not in _VIEWS
        }
        found = {
            name: tensor
            for name, tensor in tensors.items()
            if tensor.ref() in between and _has_neurons(tensor) and not draws([tensor])
        }
        if not found:
            raise UsageError(f"The graph {graph.name!r} has no layer that its inputs decide.")
        return found
    if isinstance(named, str) or not named:
        raise UsageError(f"layers= takes names of layers, such as [{named!r}].")
    found = {name: graph[name] for name in named}
    for name, tensor in found.items():
        if tensor.ref() not in between:
            raise UsageError(
                f"Layer {name!r} does not lie between the inputs and the outputs of "
                f"{graph.name!r}: name one of {', '.join(computed_layers(graph))}."
            )
        sample_shape(tensor)
        refuse_draws([tensor], f"Layer {name!r}")
    return found


def draws(tensors: Iterable[tf.Tensor]) -> bool:
    """Whether the value of any of these tensors depends on random draws."""
    return any(kinds.is_random(tensor.op.type) for tensor in upstream(tensors))


def refuse_draws(tensors: Iterable[tf.Tensor], what: str) -> None:
    """Raises UsageError if the value depends on random draws, which differ from call to call."""
    if draws(tensors):
        raise UsageError(
            f"{what} depends on random draws, so that a change could not be told from chance: "
            f"look at what comes before them, such as the posterior mean."
        )


def _has_neurons(tensor: tf.Tensor) -> bool:
    shape = tensor.shape
    return (
        tensor.dtype.is_floating and bool(shape.rank and shape.rank > 1) and None not in shape[1:]
    )
