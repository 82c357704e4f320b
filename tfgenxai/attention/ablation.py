"""What attention is worth: the output of a network whose attention adds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attention.find import attention_layer
from tfgenxai.attribution.inputs import batches
from tfgenxai.errors import UsageError
from tfgenxai.explained import Feeds, fetch

if TYPE_CHECKING:
    from tfgenxai.attention.find import AttentionLayer
    from tfgenxai.graph import Graph


def with_and_without(
    graph: Graph,
    inputs: Any,
    layer: str | None = None,
    *,
    output: str | None = None,
    batch_size: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """An output as it is, and with x in place of x + f(x) at the attention, (N, ...) each.

    The second is what a gain of 0 would give, but works where there is no gain too.

    Args:
        graph, inputs, layer: see `attention_maps`.
        output: of the graph; by default its first.

    Raises:
        UsageError: the attention is added to nothing, so that it cannot be left out; or there is
            no such output.
    """
    found = block(graph, layer)
    output = next(iter(graph.outputs)) if output is None else output
    if output not in graph.outputs:
        raise UsageError(f"The graph gives {', '.join(graph.outputs)}, not {output!r}.")
    target = graph.outputs[output]
    whole, without = [], []
    for batch in batches(inputs, graph, batch_size)[0]:
        value, before = fetch(graph, Feeds(batch), [target, graph[str(found.block_input)]])
        (cut,) = fetch(graph, Feeds({**batch, str(found.block_output): before}), [target])
        whole.append(value.numpy())
        without.append(cut.numpy())
    return np.concatenate(whole), np.concatenate(without)


def block(graph: Graph, layer: str | None = None) -> AttentionLayer:
    """A self-attention whose result is added to what came in.

    Raises:
        UsageError: it is added to nothing.
    """
    found = attention_layer(graph, layer)
    if found.block_input is None:
        raise UsageError(
            f"What {found.name} computes is not added to what came in, so that there is no "
            "network without it."
        )
    return found
