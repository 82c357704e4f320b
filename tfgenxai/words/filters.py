"""From a character's pixels to the filters of all characters: by relevance, and by intervention.

A generator of words draws each character by a filter of its own, and its convolutions let what
neighbours drew leak in. How much is explained by relevance at the layer that the filters give, and
measured by exchanging or removing one character.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution import create
from tfgenxai.targets import Pixels
from tfgenxai.words.characters import (
    by_character,
    change,
    character_pixels,
    characters_of,
    computed,
)

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: What the filters give, (N, n, ...): one row a character.
FILTERS = "generator_filters"


def filter_relevance(
    graph: Graph,
    inputs: Mapping[str, Any],
    method: str = "lrp",
    *,
    layer: str = FILTERS,
    **options: Any,
) -> np.ndarray:
    """How much of each character's pixels comes from each character's filter, (N, n, n) from 0.

    [s, i, j] is the sum of the sizes of the relevance that what filter j gives has for the pixels
    of character i. Relevance that styles have by their own way, past the filters, is not in it.

    Args:
        graph: a generator of one word, or of words of one length.
        inputs: N of each of its inputs.
        method: an attribution method of `METHODS` that explains any layer.
        layer: (N, n, ...), or (N, h, w, C) with an equal part of the width for each character.
        options: of the method.
    """
    count = characters_of(graph)
    rest, values = _cut(graph, inputs, layer)
    given = {name: {**inputs, layer: values}[name] for name in rest.inputs}
    explain = create(method, rest, wrt=layer, **options)
    height = graph.outputs["image"].shape[1]
    found = [
        explain(given, Pixels(character_pixels(count, i, height=height)), progress=False).values
        for i in range(count)
    ]
    return np.stack([_positions(np.abs(each), count) for each in found], axis=1)


def removed(graph: Graph, inputs: Mapping[str, Any], *, layer: str = FILTERS) -> np.ndarray:
    """Change of each character's pixels when what one filter gives is set to 0, (N, n, n) from 0.

    [s, i, j] is the mean absolute change of the pixels of character i without filter j.

    Args:
        graph, inputs, layer: as of `filter_relevance`; the layer gives (N, n, ...).
    """
    count = characters_of(graph)
    rest, values = _cut(graph, inputs, layer)
    whole = computed(rest, {**inputs, layer: values}, "image")
    changes = []
    for j in range(count):
        less = values.copy()
        less[:, j] = 0
        changes.append(change(computed(rest, {**inputs, layer: less}, "image"), whole, count))
    return np.stack(changes, axis=2)


def exchanged(
    graph: Graph, codes: Any, label: Any, characters: int, *, others: int = 3, seed: int = 0
) -> np.ndarray:
    """Change of each character's pixels when one is exchanged for another, (N, n, n) from 0.

    [s, i, j] is the mean absolute change of the pixels of character i over `others` characters
    that take the place of character j, drawn without replacement; the style stays.

    Args:
        graph: a generator that takes codes `z` (N, d) and characters `label` (N, n).
        characters: of the alphabet.
    """
    codes, label = np.asarray(codes, np.float32), np.asarray(label)
    count = label.shape[1]
    whole = computed(graph, {"z": codes, "label": label}, "image")
    rng = np.random.default_rng(seed)
    changes = []
    for j in range(count):
        steps = rng.permuted(np.tile(np.arange(1, characters), (len(label), 1)), axis=1)
        changed = []
        for step in steps.T[:others]:
            other = label.copy()
            other[:, j] = (label[:, j] + step) % characters
            images = computed(graph, {"z": codes, "label": other}, "image")
            changed.append(change(images, whole, count))
        changes.append(np.mean(changed, axis=0))
    return np.stack(changes, axis=2)


def _cut(graph: Graph, inputs: Mapping[str, Any], layer: str) -> tuple[Graph, np.ndarray]:
    """What follows the layer, and what the layer gives."""
    return graph.after(layer), computed(graph, inputs, layer)


def _positions(values: np.ndarray, count: int) -> np.ndarray:
    """What values (N, n, ...) or (N, h, w, C) hold for each character, (N, n)."""
    if values.ndim == 4:
        return by_character(values.sum(axis=-1), count)
    return values.reshape(len(values), count, -1).sum(axis=2)
