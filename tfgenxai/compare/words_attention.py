"""What the characters of a word take from each other by self-attention, and what that is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attention import (
    attention_layer,
    attention_maps,
    choose_queries,
    find_attention,
    measures_with_controls,
    shuffled_weights,
    with_and_without,
)
from tfgenxai.attention.controls import TRAINED
from tfgenxai.compare.words_saying import number, percent, word_means
from tfgenxai.compare.words_sheet import read
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.words import error_rates
from tfgenxai.words import attention_between

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words
    from tfgenxai.compare.words_material import Written
    from tfgenxai.graph import Graph

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
_SHOWN = 2


def add_attention(comparison: Words) -> None:
    """Maps of generator and discriminator by character, their measures, and words without them."""
    material = comparison.material
    longest = material.longest
    parts = [part for part in (GENERATOR, DISCRIMINATOR) if _attends(longest, part)]
    if not parts:
        comparison.results["attention"] = {}
        return
    import pandas

    comparison.section(
        "What characters take from each other",
        "Queries in the ink of a character, and the columns that their keys lie in; chance is the "
        "same from all columns. A map says where values come from; the gain, 0 before training, "
        "how much of them is added.",
    )
    rows, frames, gains, matrices = [], [], {}, {}
    for part in parts:
        graph, given = _network(longest, part)
        maps = attention_maps(graph, given)
        name = f"{part}, gain {maps.gain:.3g}" if maps.gain is not None else part
        gains[part] = maps.gain
        matrices[name] = np.nanmean(attention_between(maps, longest.count), axis=0)
        rows.append({"network": part, "gain": maps.gain, **_own_row(comparison, part)})
        few = maps[:_SHOWN]
        comparison.figure(
            f"attention-{part}",
            plots.attention_queries(
                few,
                [choose_queries(image) for image in few.images],  # type: ignore[union-attr]
                title=f"Attention of the {name}",
            ),
            "What three queries on the stroke and three in the background take; one scale, of "
            "square roots, for all maps.",
        )
        table = measures_with_controls(graph, given, seed=material.seed)
        table.insert(0, "layer", part)
        frames.append(table)
    frame = pandas.concat(frames, ignore_index=True)
    comparison.figure(
        "attention-between",
        plots.character_matrices(
            matrices,
            title="What the ink of a character takes from each",
            chance=1 / longest.count,
        ),
        f"Mean over {len(longest)} words of {longest.count} characters; row: queries, column: "
        "keys; rows add up to 1.",
    )
    comparison.figure(
        "attention-measures",
        plots.attention_chart(frame, gains),
        "Entropy, mass on ink less chance, and distance, with shuffled weights of queries and keys "
        "and with the uniform map as controls.",
    )
    comparison.table(
        "attention",
        rows,
        "`own`: the share that a character's ink takes from its own columns; `gain_over_chance` "
        "and `over_shuffled`: less 1/n, and less that of shuffled weights; by word, all lengths.",
    )
    comparison.table("attention-measures", frame, "All measures of the longest words.")
    comparison.results["attention"] = {"rows": rows}
    for row in rows:
        comparison.finding(_sentence(row, frame))
    if GENERATOR in parts:
        _add_worth(comparison)


def _attends(written: Written, part: str) -> bool:
    graph = written.generate if part == GENERATOR else written.discriminate
    return graph is not None and bool(find_attention(graph))


def _network(written: Written, part: str) -> tuple[Graph, dict[str, Any]]:
    """The graph, and what it is given: codes and characters, or real images."""
    if part == GENERATOR:
        return written.generate, written.given
    assert written.discriminate is not None
    return written.discriminate, {"image": written.images}


def _own_row(comparison: Words, part: str) -> dict[str, Any]:
    """The share that ink takes from its own character, against chance and shuffled weights."""
    own: list[np.ndarray] = []
    drawn: list[np.ndarray] = []
    chance: list[np.ndarray] = []
    for written in comparison.material.lengths:
        graph, given = _network(written, part)
        maps = attention_maps(graph, given)
        shuffled = attention_maps(shuffled_weights(graph, seed=comparison.material.seed), given)
        # The words are those of the trained network: only the map changes.
        other = type(maps)(
            shuffled.values, maps.query_grid, maps.key_grid, maps.layer, images=maps.images
        )
        for each, into in ((maps, own), (other, drawn)):
            found = attention_between(each, written.count)
            into.append(word_means(np.diagonal(found, axis1=1, axis2=2)))
        chance.append(np.full(len(maps), 1 / written.count))
    ours, theirs, even = (np.concatenate(each) for each in (own, drawn, chance))
    return {
        **interval(ours).row("own"),
        "chance": float(even.mean()),
        **interval(ours - even).row("gain_over_chance"),
        **interval(ours - theirs).row("over_shuffled"),
    }


def _sentence(row: dict[str, Any], frame: Any) -> str:
    """What one network attends to."""
    chosen = frame[(frame["layer"] == row["network"]) & (frame["map"] == TRAINED)]
    kinds = chosen.set_index("queries")
    taken = " and ".join(
        f"{kind} queries {100 * kinds.loc[kind, 'mass']:.0f} %"
        for kind in ("stroke", "background")
        if kind in kinds.index
    )
    low, high = row["gain_over_chance_low"], row["gain_over_chance_high"]
    side = "surely more" if low > 0 else "surely less" if high < 0 else "not surely other"
    gain = "no gain" if row["gain"] is None else f"gain {row['gain']:.3g}"
    return (
        f"In the {row['network']} ({gain}) the ink of a character takes {percent(row, 'own')} "
        f"from its own columns, {side} than chance ({100 * row['chance']:.1f} %); beside shuffled "
        f"weights that is {percent(row, 'over_shuffled', signed=True)}. Entropy is "
        f"{kinds.loc['all', 'entropy_share']:.3f} of its largest value; from ink take {taken} "
        f"(chance {100 * kinds.loc['all', 'chance']:.0f} %)."
    )


def _add_worth(comparison: Words) -> None:
    """Words drawn without attention."""
    material = comparison.material
    changes, apart = [], []
    asked: list[str] = []
    seen: dict[bool, list[str]] = {True: [], False: []}
    shown = None
    for written in material.lengths:
        layer = attention_layer(written.generate)
        if layer.block_input is None:
            return
        whole, without = with_and_without(written.generate, written.given, output="image")
        changes.append(np.abs(whole - without).mean(axis=(1, 2, 3)))
        apart.append(np.abs(whole - np.roll(whole, 1, axis=0)).mean(axis=(1, 2, 3)))
        asked += written.texts
        seen[True] += read(written, whole, material.alphabet)
        seen[False] += read(written, without, material.alphabet)
        shown = np.concatenate([whole[:6], without[:6]])
    row: dict[str, Any] = {
        "words": len(asked),
        **interval(np.concatenate(changes)).row("change"),
        **interval(np.concatenate(apart)).row("apart"),
    }
    for kind, name in ((True, "with"), (False, "without")):
        rate = error_rates(asked, seen[kind], seed=material.seed).characters
        row |= rate.row(f"errors_{name}")
    comparison.section("What it is worth")
    assert shown is not None
    comparison.figure(
        "without-attention",
        plots.image_grid(shown, columns=len(shown) // 2, title="with attention; below, without"),
        "The same styles and characters; what comes into the attention's block takes the place of "
        "what goes out.",
    )
    comparison.table(
        "without-attention",
        [row],
        "Mean absolute change of a pixel, beside that between two words of one length; character "
        "error rate of the judge with attention and without.",
    )
    comparison.results["attention"]["worth"] = row
    comparison.finding(
        f"Without its attention the generator changes a pixel by {number(row, 'change')} (two "
        f"words differ by {row['apart']:.3g}); the judge then misreads "
        f"{100 * row['errors_without']:.1f} % of the characters, with attention "
        f"{100 * row['errors_with']:.1f} % (n={row['words']})."
    )
