"""Where the characters of a word are: 16 columns each, and what a map holds in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attention.queries import INK
from tfgenxai.attribution.inputs import batches
from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Feeds, fetch

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

HEIGHT = 32


def character_pixels(
    word: str | int, index: int, image: np.ndarray | None = None, *, height: int = HEIGHT
) -> np.ndarray:
    """Which pixels belong to a character of a word, (H, 16 n) bool: a mask for `Pixels`.

    Args:
        word: what is written, or how many characters it has.
        index: of the character, from 0.
        image: (H, 16 n[, C]) in [0, 1], bright ink on black: the ink alone is chosen.
        height: of the mask, without an image.

    Raises:
        UsageError: the word has no such character.
        InvalidInputError: the image is not as wide as the word.
    """
    count = word if isinstance(word, int) else len(word)
    if not 0 <= index < count:
        raise UsageError(f"There is no character {index}: they run from 0 to {count - 1}.")
    width = CHARACTER_WIDTH * count
    columns = np.arange(width) // CHARACTER_WIDTH == index
    if image is None:
        return np.broadcast_to(columns, (height, width)).copy()
    ink = np.asarray(image)
    ink = ink.mean(axis=-1) if ink.ndim == 3 else ink
    if ink.shape[1:] != (width,):
        raise InvalidInputError(
            f"A word of {count} characters is {width} pixels wide; the image is {ink.shape}."
        )
    return (ink > INK) & columns


def by_character(maps: Any, count: int) -> np.ndarray:
    """What maps (..., H, W) hold in the columns of each of `count` characters, (..., count).

    Raises:
        InvalidInputError: the width cannot be cut into so many equal parts.
    """
    array = np.asarray(maps)
    if array.ndim < 2 or array.shape[-1] % count:
        raise InvalidInputError(f"Maps {array.shape} cannot be cut into {count} equal parts.")
    return array.reshape(*array.shape[:-1], count, -1).sum(axis=(-3, -1))


def shares(values: Any) -> np.ndarray:
    """Sizes over the sum of sizes along the last axis, float64; NaN where all are 0."""
    size = np.abs(np.asarray(values, np.float64))
    total = size.sum(axis=-1, keepdims=True)
    return np.divide(size, total, out=np.full_like(size, np.nan), where=total > 0)


def characters_of(graph: Graph) -> int:
    """How many characters the images have that a graph for one length draws or takes.

    Raises:
        UsageError: their width is not known: no word is named.
    """
    for tensor in (*graph.outputs.values(), *graph.inputs.values()):
        if tensor.shape.rank == 4 and tensor.shape[2] is not None:
            return int(tensor.shape[2]) // CHARACTER_WIDTH
    raise UsageError(
        f"The graph {graph.name!r} is for words of any length: take that of one word, as of "
        "load('scrabble-gan@2026'), or of one length by with_shapes."
    )


def change(images: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Mean absolute difference of words (N, H, 16 n, C) in each character's pixels, (N, n)."""
    apart = np.abs(images - others).mean(axis=-1)
    return by_character(apart, count) / (apart[0].size / count)


def computed(graph: Graph, given: Mapping[str, Any], name: str, size: int = 128) -> np.ndarray:
    """An output or layer of a graph for N of each of its inputs, a batch at a time.

    Args:
        given: values by name; those that the graph does not take are left out.
    """
    tensor = graph.outputs[name] if name in graph.outputs else graph[name]
    stream, _ = batches({each: given[each] for each in graph.inputs}, graph, size)
    return np.concatenate([fetch(graph, Feeds(b), [tensor])[0].numpy() for b in stream])
