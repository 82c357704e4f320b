"""Handwriting, explained: which filter, which part of the style and which columns make a character.

Explanations are held against interventions: a character exchanged, a chunk of the style drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfgenxai.compare import (
    words_attention,
    words_chunks,
    words_codes,
    words_directions,
    words_filters,
    words_maxima,
    words_reading,
    words_sheet,
)
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.words_material import LENGTHS, Material, material
from tfgenxai.data.progress import counter

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.saved.read import SavedModel

INTRODUCTION = """\
A ScrabbleGAN draws each character by a **filter** of its own from the first **chunk** of a style; \
the other chunks condition the normalisation of one block each, and convolutions let what a \
neighbour drew leak in. A separately trained **judge** reads words column by column. All words \
are of 2 to 4 characters, 16 columns each. *Truth* is what an intervention changes; *chance* what \
a map without any knowledge has."""


class Words(Comparison):
    """The comparison as it grows, with the words that its parts look at.

    Attributes:
        material: models and words.
    """

    def __init__(self, material: Material) -> None:
        names = material.model.path.name, material.judge.path.name
        super().__init__(
            "Handwriting, explained",
            f"{names[0]}, read by {names[1]}; {material.total:,} test words of {LENGTHS[0]} to "
            f"{LENGTHS[-1]} digits ({material.source}), as many drawn, seed {material.seed}",
        )
        self.material = material
        self.results |= {
            "words": material.total,
            "lengths": {written.count: len(written) for written in material.lengths},
            "source": material.source,
            "seed": material.seed,
            "models": {"writer": names[0], "judge": names[1]},
        }


#: The parts, in order; each adds its section, figures, tables and findings.
STEPS: tuple[Callable[[Words], Any], ...] = (
    words_sheet.add_sheet,
    words_filters.add_filters,
    words_chunks.add_chunks,
    words_directions.add_directions,
    words_codes.add_codes,
    words_reading.add_reading,
    words_reading.add_drawing,
    words_attention.add_attention,
    words_maxima.add_maxima,
)


def compare_words(
    subjects: Subjects,
    *,
    size: int = 24,
    seed: int = 0,
    progress: bool = True,
    model: SavedModel | None = None,
    judge: SavedModel | None = None,
) -> Words:
    """Explanations of words and of their characters, held against interventions and controls.

    Args:
        subjects: the source of the digits that words are made of.
        size: test words, at least 6, and as many drawn ones.
        seed: of styles, exchanges and random weights.
        progress: show a bar on stderr.
        model: a SavedModel that writes words, and `judge`, one that reads them; those that ship
            by default.

    Raises:
        ModelNotFoundError: they do not ship with this version.
        InvalidInputError: fewer than 6 words.
    """
    from tfgenxai.saved.read import load

    writer, reader = model or load("scrabble-gan"), judge or load("recogniser")
    comparison = Words(material(writer, reader, size, seed, subjects.data.source))
    comparison.text(INTRODUCTION)
    with counter("reading words", len(STEPS), progress) as done:
        for step in STEPS:
            step(comparison)
            done(1)
    comparison.headline = _in_short(comparison.results)
    return comparison


def _in_short(results: dict[str, Any]) -> str:
    """How far explanations agree with interventions, and how far judge and attention look."""
    filters, reading = results["filters"], results["reading"]
    closest = max(filters["agreement"], key=lambda row: row["overlap"])
    (alone,) = (row for row in filters["all"] if row["method"] == words_filters.OWN)
    beats = "more than" if closest["overlap"] > alone["overlap"] else "no more than"
    return (
        f"{100 * filters['truth']['own']:.0f} % of what exchanging characters changes lies in the "
        f"exchanged character's own columns. {closest['method']} agrees most with that (overlap "
        f"{closest['overlap']:.2f} of 1), {beats} naming the own filter alone "
        f"({alone['overlap']:.2f}). {100 * reading['own']:.0f} % of the judge's "
        f"{reading['method']} map of a character lies in its own columns (chance "
        f"{100 * reading['chance']:.0f} %, random weights {100 * reading['random']:.0f} %)."
        + "".join(
            f" The {row['network']}'s attention takes {100 * row['own']:.1f} % from a character's "
            f"own columns (chance {100 * row['chance']:.1f} %)."
            for row in results["attention"].get("rows", [])
        )
    )
