"""Controls: the same attention with queries and keys that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attention.find import attention_layer
from tfgenxai.attention.maps import attention_maps
from tfgenxai.attention.measures import measures
from tfgenxai.attention.queries import INK
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph

TRAINED, SHUFFLED, UNIFORM = "as trained", "weights shuffled", "uniform"


def shuffled_weights(graph: Graph, layer: str | None = None, *, seed: int = 0) -> Graph:
    """The same network whose weights of queries and of keys are put in random order.

    Their sizes stay: a map that is as peaked as before is peaked by size, not by what it learned.

    Raises:
        LayerNotFoundError: there is no such self-attention.
        UsageError: its queries and keys have no weights.
    """
    found = attention_layer(graph, layer)
    constants = dict.fromkeys((*found.query_weights, *found.key_weights))
    if not constants:
        raise UsageError(f"The queries and keys of {found.name} have no weights to shuffle.")
    values = {}
    for place, name in enumerate(constants):
        old = graph.value(name)
        rng = np.random.default_rng([seed, place])
        values[name] = rng.permutation(old.ravel()).reshape(old.shape)
    return graph.with_values(values)


def measures_with_controls(
    graph: Graph,
    inputs: Any,
    layer: str | None = None,
    *,
    ink: float = INK,
    seed: int = 0,
    **options: Any,
) -> pandas.DataFrame:
    """`measures` of a layer as it is, with shuffled weights, and uniform; column `map` says which.

    The images are those of the trained network in all three: only the map changes. Without weights
    to shuffle, that control is left out.

    Args:
        graph, inputs, layer, options: see `attention_maps`.
        ink: grey above which a pixel is ink.
        seed: of the shuffling.
    """
    import pandas

    trained = attention_maps(graph, inputs, layer, **options)
    found = {TRAINED: trained}
    about = attention_layer(graph, layer)
    if about.query_weights or about.key_weights:
        drawn = attention_maps(shuffled_weights(graph, layer, seed=seed), inputs, layer, **options)
        found[SHUFFLED] = replace(drawn, images=trained.images)
    found[UNIFORM] = trained.uniform()
    frames = []
    for name, maps in found.items():
        frame = measures(maps, ink=ink)
        frame.insert(0, "map", name)
        frames.append(frame)
    return pandas.concat(frames, ignore_index=True)
