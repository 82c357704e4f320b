"""Which columns make the judge read a character, and which the generator draws it in."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attribution import create
from tfgenxai.compare.words_saying import percent, word_means
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import randomised
from tfgenxai.pictures import upsample
from tfgenxai.targets import Pixels
from tfgenxai.words import by_character, character_pixels, column_maps, shares
from tfgenxai.words.reading import own_share

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words
    from tfgenxai.graph import Graph

#: Methods on the judge; feature maps are those of the middle of the network and of its end.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "Grad-CAM, conv_3": ("grad_cam", {"layer": "recogniser_conv_3"}),
    "Grad-CAM, conv_5": ("grad_cam", {"layer": "recogniser_conv_5"}),
    "Layer-CAM, conv_3": ("layer_cam", {"layer": "recogniser_conv_3"}),
    "saliency": ("saliency", {}),
    "gradient x input": ("gradient_input", {}),
    "LRP, z+": ("lrp", {"composite": "epsilon_plus"}),
}
#: Whose maps of a word are drawn.
_SHOWN = ("Grad-CAM, conv_3", "Layer-CAM, conv_3", "Grad-CAM, conv_5", "LRP, z+")
#: Blocks of the generator, the first and the last, and what weighs their feature maps.
_BLOCKS = ("generator_up_0", "generator_up_2")
_WEIGHED = {"Grad-CAM": "grad_cam", "Layer-CAM": "layer_cam"}
_TINY = 1e-30


def add_reading(comparison: Words) -> None:
    """Maps of the judge's reading of each character, and how much of them is in its columns."""
    material = comparison.material
    rows, shown = [], {}
    random = [_drawn_anew(written.recognise, material.seed) for written in material.lengths]
    for name, (method, options) in METHODS.items():
        trained, drawn = [], []
        twins: list[float] = []
        others: list[float] = []
        for written, weights in zip(material.lengths, random, strict=True):
            given = written.images, written.label
            maps = column_maps(written.recognise, *given, method, **options)
            trained.append(own_share(maps))
            alike = written.label[:, :, None] == written.label[:, None]
            elsewhere = ~np.eye(written.count, dtype=bool)
            held = shares(by_character(maps, written.count))
            twins += held[alike & elsewhere].tolist()
            others += held[~alike].tolist()
            drawn.append(own_share(column_maps(weights, *given, method, **options)))
            if name in _SHOWN and written is material.longest:
                shown[name] = maps[0] / (maps[0].max(axis=(1, 2), keepdims=True) + _TINY)
        rows.append(
            {
                "method": name,
                **_row(trained, drawn),
                "twin": float(np.nanmean(twins)) if twins else None,
                "other": float(np.nanmean(others)) if others else None,
                "twins": len(twins),
            }
        )
    comparison.section(
        "Which columns a character is read by",
        "Explained is the log-probability of a character at the step where the judge reads it. "
        "Chance is the character's share of the word's width; with all weights drawn anew, a map "
        "shows how far the network's architecture alone looks.",
    )
    longest = material.longest
    comparison.figure(
        "reading",
        plots.overlay(
            np.stack([*shown.values()]),
            np.repeat(longest.images[:1], len(shown), axis=0),
            target_names=[f"character {i}" for i in range(longest.count)],
            row_names=[name.replace(", ", "\n") for name in shown],
            title=f"What each character of {longest.texts[0]} is read by",
        ),
        "A real word, and the map of each of its characters by several methods; each map on its "
        "own scale.",
    )
    comparison.table(
        "reading",
        rows,
        "`own`: the share of a character's map in its own 16 columns; `random`: the same with "
        "random weights; `gain`: their difference, by word. `twin`: the share in the columns of "
        "the same digit elsewhere in the word, `other`: of another digit.",
    )
    comparison.results["reading"] = {"rows": rows, **max(rows, key=lambda row: row["gain"])}
    for row in rows:
        sure = row["gain_low"] > 0
        comparison.finding(
            f"{row['method']} of the judge has {percent(row, 'own')} of a character's map in its "
            f"own columns (chance {100 * row['chance']:.0f} %, random weights "
            f"{100 * row['random']:.0f} %): training adds {percent(row, 'gain', signed=True)}"
            + ("." if sure else ", not surely any.")
        )
    if rows[0]["twins"]:
        listed = ", ".join(
            f"{row['method']} {100 * row['twin']:.0f} % ({100 * row['other']:.0f} %)"
            for row in rows
        )
        comparison.finding(
            "Where a digit stands twice in a word, its map lies in the other one's columns to "
            f"(and in those of another digit to): {listed} ({rows[0]['twins']} pairs)."
        )


def add_drawing(comparison: Words) -> None:
    """Class activation maps of a character's pixels on the generator's blocks."""
    material = comparison.material
    rows = []
    random = [_drawn_anew(written.generate, material.seed) for written in material.lengths]
    for layer, (name, method) in itertools.product(_BLOCKS, _WEIGHED.items()):
        trained, drawn = [], []
        for written, weights in zip(material.lengths, random, strict=True):
            maps = [
                _drawing_maps(graph, written.given, method, layer)
                for graph in (written.generate, weights)
            ]
            trained.append(own_share(maps[0]))
            drawn.append(own_share(maps[1]))
        rows.append({"layer": layer, "method": name, **_row(trained, drawn)})
    comparison.section(
        "Which places a character is drawn from",
        "Grad-CAM weighs a feature map by one number for all places, Layer-CAM by one for each.",
    )
    comparison.table(
        "drawing",
        rows,
        "Maps of the sum of a character's pixels on the feature maps of a block: the share in the "
        "character's own columns, as above.",
    )
    comparison.results["drawing"] = rows
    listed = ", ".join(
        f"{row['method']} at {row['layer']} {100 * row['own']:.0f} % (random weights "
        f"{100 * row['random']:.0f} %)"
        for row in rows
    )
    comparison.finding(
        f"Of maps of a drawn character's pixels lies in its own columns: {listed}; chance "
        f"{100 * rows[0]['chance']:.0f} %."
    )


def _drawing_maps(graph: Graph, given: dict[str, Any], name: str, layer: str) -> np.ndarray:
    """(N, n, H, 16 n) class activation maps of each character's pixels."""
    height, width = graph.outputs["image"].shape[1:3]
    count = given["label"].shape[1]
    method = create(name, graph, layer=layer, wrt="z")
    maps = [
        method(given, Pixels(character_pixels(count, i, height=height)), progress=False).values
        for i in range(count)
    ]
    return upsample(np.stack(maps, axis=1), height, width)


def _drawn_anew(graph: Graph, seed: int) -> Graph:
    """The same network with all weights drawn anew."""
    return randomised(graph, [layer.name for layer in graph.layers if layer.variables], seed)


def _row(trained: list[np.ndarray], drawn: list[np.ndarray]) -> dict[str, Any]:
    """Means over words of shares (N, n) of several lengths; empty maps are left out, counted."""
    words, random, chance = [], [], []
    for ours, theirs in zip(trained, drawn, strict=True):
        words.append(word_means(ours))
        random.append(word_means(theirs))
        chance.append(np.full(len(ours), 1 / ours.shape[1]))
    own, other, even = (np.concatenate(each) for each in (words, random, chance))
    empty = np.concatenate([np.isnan(each).ravel() for each in trained])
    return {
        **interval(own).row("own"),
        "chance": float(even.mean()),
        "random": float(np.nanmean(other)),
        **interval(own - other).row("gain"),
        "characters": int(empty.size),
        "empty": int(empty.sum()),
    }
