"""The words themselves, real and drawn, and what the judge reads in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.words import decode, error_rates
from tfgenxai.words.characters import computed

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words
    from tfgenxai.compare.words_material import Written

_SHOWN = 6


def read(written: Written, images: np.ndarray, alphabet: str) -> list[str]:
    """What the judge reads in images of words of one length."""
    return decode(computed(written.recognise, {"image": images}, "text"), alphabet)


def add_sheet(comparison: Words) -> None:
    """A sheet of words, and the judge's error rates on both kinds."""
    material = comparison.material
    rows = []
    for kind in ("real", "drawn"):
        asked, seen = [], []
        for written in material.lengths:
            images = written.images if kind == "real" else written.drawn
            asked += written.texts
            seen += read(written, images, material.alphabet)
        rates = error_rates(asked, seen, seed=material.seed)
        rows.append({"words": kind, "count": len(asked), **rates.row()})
    longest = material.longest
    shown = slice(_SHOWN)
    comparison.section("The words")
    comparison.figure(
        "words",
        plots.image_grid(
            np.concatenate([longest.images[shown], longest.drawn[shown]]),
            [*longest.texts[shown], *longest.texts[shown]],
            columns=min(_SHOWN, len(longest)),
            title="real above, drawn of the same characters below",
        ),
        "Test words of the longest length, and words of the same characters in drawn styles.",
    )
    comparison.table(
        "reading-errors",
        rows,
        "What the judge reads: edits over characters, and words with an edit, with 95 % intervals.",
    )
    comparison.results["errors"] = rows
    real, drawn = rows
    comparison.finding(
        f"The judge misreads {100 * drawn['character_error_rate']:.1f} % of the characters of "
        f"{drawn['count']} drawn words and {100 * real['character_error_rate']:.1f} % of those of "
        f"as many real ones."
    )
