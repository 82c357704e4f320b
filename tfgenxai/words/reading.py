"""Which columns of an image make a recogniser read a character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution import create
from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.pictures import upsample
from tfgenxai.words.certainty import OUTPUT, CharacterReading
from tfgenxai.words.characters import by_character, computed

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def reading_steps(graph: Graph, images: Any, label: Any) -> np.ndarray:
    """The time step at which each character is read most surely, (N, n) int64.

    Looked for among the steps whose middle lies in the character's own columns: the last 4x4
    places overlap by half, so that step t is about column 4 (t + 1).

    Args:
        graph: `recognise` for words of one length, with `log_probabilities` (N, T, V + 1).
        images: (N, H, 16 n, C) in [0, 1].
        label: (N, n) characters' indices; character i is class i + 1.
    """
    label = np.asarray(label)
    found = computed(graph, {"image": images}, OUTPUT)
    count, total = label.shape[1], found.shape[1]
    per_step = CHARACTER_WIDTH * count / (total + 1)
    owner = (per_step * np.arange(1, total + 1) / CHARACTER_WIDTH).astype(int)
    own = np.take_along_axis(found, label[:, None] + 1, axis=2)  # (N, T, n)
    return np.where(owner[:, None] == np.arange(count), own, -np.inf).argmax(axis=1)


def column_maps(
    graph: Graph, images: Any, label: Any, method: str = "grad_cam", **options: Any
) -> np.ndarray:
    """What makes the recogniser read each character: maps of sizes (N, n, H, 16 n).

    The target is the log-probability of the character's class at its step of `reading_steps`.

    Args:
        graph, images, label: as of `reading_steps`.
        method: an attribution method of `METHODS` that explains images; maps of a layer are
            upsampled bilinearly.
        options: of the method.
    """
    images, label = np.asarray(images, np.float32), np.asarray(label)
    number, count = label.shape
    explain = create(method, graph, **options)
    target = CharacterReading(reading_steps(graph, images, label).ravel(), label.ravel())
    values = np.abs(explain(np.repeat(images, count, axis=0), target, progress=False).values)
    maps = values.sum(axis=-1) if values.ndim == 4 else values
    maps = upsample(maps, *images.shape[1:3])
    return maps.reshape(number, count, *maps.shape[1:])


def own_share(maps: np.ndarray) -> np.ndarray:
    """The share of each character's map that lies in its own columns, (N, n); NaN where it is 0.

    Args:
        maps: (N, n, H, 16 n), from 0.
    """
    count = maps.shape[1]
    held = by_character(maps, count)
    total = held.sum(axis=-1)
    own = np.diagonal(held, axis1=1, axis2=2)
    return np.divide(own, total, out=np.full(own.shape, np.nan), where=total > 0)
