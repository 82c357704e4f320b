"""From a character's pixels to the chunks of the style: by relevance, and by drawing them anew.

The first chunk of a style goes to the filters of the characters, each other one to the conditional
normalisation of one block, and codes, where there are any, to all of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution import create
from tfgenxai.errors import UsageError
from tfgenxai.latent.decoding import code_width
from tfgenxai.targets import Pixels
from tfgenxai.words.characters import change, character_pixels, characters_of, computed

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def chunk_slices(graph: Graph) -> dict[str, slice]:
    """Which columns of a code each chunk of the style takes, by name, codes behind them last.

    Raises:
        UsageError: the graph has no layers chunk_0, chunk_1, ...
    """
    found: dict[str, slice] = {}
    start = 0
    while f"chunk_{len(found)}" in graph.layers.names:
        width = int(graph[f"chunk_{len(found)}"].shape[-1])
        found[f"chunk {len(found)}"] = slice(start, start + width)
        start += width
    if not found:
        raise UsageError(f"The graph {graph.name!r} has no chunks of a style: no layer 'chunk_0'.")
    if start < code_width(graph):
        found["codes"] = slice(start, code_width(graph))
    return found


def chunk_relevance(
    graph: Graph, inputs: Mapping[str, Any], method: str = "lrp", **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and signed sums of relevance in each chunk for each character's pixels, (N, n, K) each.

    Args:
        graph: a generator of one word, or of words of one length.
        inputs: N of each of its inputs; codes are explained, others stay.
        method: an attribution method of `METHODS` that explains codes.
        options: of the method.
    """
    count, chunks = characters_of(graph), chunk_slices(graph)
    explain = create(method, graph, wrt="z", **options)
    height = graph.outputs["image"].shape[1]
    found = [
        explain(inputs, Pixels(character_pixels(count, i, height=height)), progress=False).values
        for i in range(count)
    ]
    values = np.stack(found, axis=1).astype(np.float64)
    parts = [values[..., columns] for columns in chunks.values()]
    return (
        np.stack([np.abs(part).sum(axis=-1) for part in parts], axis=-1),
        np.stack([part.sum(axis=-1) for part in parts], axis=-1),
    )


def chunk_effects(
    graph: Graph, inputs: Mapping[str, Any], drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What drawing one chunk anew does: changes (N, n, K), and the images (D, K, N, H, 16 n, C).

    A change is the mean absolute one of a character's pixels, over D draws.

    Args:
        graph: a generator of one word, or of words of one length.
        inputs: N of each of its inputs.
        drawn: (D, N, d) other codes, of which one chunk at a time takes the place of its own.
    """
    count, chunks = characters_of(graph), chunk_slices(graph)
    codes = np.asarray(inputs["z"], np.float32)
    whole = computed(graph, inputs, "image")
    images, changes = [], []
    for other in drawn:
        row = []
        for columns in chunks.values():
            mixed = codes.copy()
            mixed[:, columns] = other[:, columns]
            row.append(computed(graph, {**inputs, "z": mixed}, "image"))
        images.append(row)
        changes.append([change(each, whole, count) for each in row])
    return np.moveaxis(np.mean(changes, axis=0), 0, -1), np.array(images)
