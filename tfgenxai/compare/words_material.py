"""The words that explanations are compared on: real ones, and drawn ones of the same characters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data import load as load_data
from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.generator import Generator
from tfgenxai.saved.word import alphabet_of, spelled
from tfgenxai.words.characters import computed

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel

#: Lengths of the words that are looked at: one character has no neighbours.
LENGTHS = (2, 3, 4)
#: Fewest words.
LEAST = 6


@dataclass(frozen=True, eq=False)
class Written:
    """N words of n characters each.

    Attributes:
        texts: what is written.
        label: (N, n) the characters' indices.
        images: (N, 32, 16 n, 1) float32 in [0, 1], real ones.
        codes: (N, d) a style for each, drawn from the prior.
        generate: graph from `z` and `label` of n characters to `image`.
        discriminate: of images of n characters; None of a model without it.
        recognise: the judge's, of images of n characters.
    """

    texts: list[str]
    label: np.ndarray
    images: np.ndarray
    codes: np.ndarray
    generate: Graph
    discriminate: Graph | None
    recognise: Graph

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def count(self) -> int:
        """n, characters of a word."""
        return self.label.shape[1]

    @property
    def given(self) -> dict[str, Any]:
        """What the generator takes."""
        return {"z": self.codes, "label": self.label}

    @cached_property
    def drawn(self) -> np.ndarray:
        """What the generator makes of codes and characters, (N, 32, 16 n, 1)."""
        return computed(self.generate, self.given, "image")


@dataclass(frozen=True, eq=False)
class Material:
    """Words of several lengths, and the models.

    Attributes:
        alphabet: of model and judge.
        lengths: words by their length, the shortest first.
    """

    model: SavedModel
    judge: SavedModel
    alphabet: str
    lengths: list[Written]
    source: str
    seed: int
    generator: Generator = field(repr=False)

    @property
    def longest(self) -> Written:
        """The longest words."""
        return self.lengths[-1]

    @property
    def total(self) -> int:
        """How many words there are."""
        return sum(map(len, self.lengths))

    def draws(self, count: int, place: int) -> np.ndarray:
        """Other codes of the prior, (count, d); `place` keeps the uses of one seed apart."""
        return self.generator.codes(count, np.random.default_rng([self.seed, place]))


def material(
    model: SavedModel, judge: SavedModel, size: int, seed: int, source: str | None
) -> Material:
    """The first `size` test words of 2 to 4 characters, and as many drawn ones.

    Args:
        model: writes words: `generate` from `z` and `label`.
        judge: reads them: `recognise`.
        source: of the digits that words are made of; by default the first found.

    Raises:
        InvalidInputError: fewer than 6 words are asked for, or no word is of these lengths.
        UsageError: model and judge know other characters.
    """
    if size < LEAST:
        raise InvalidInputError(f"The comparison needs at least {LEAST} words; raise --size.")
    alphabet = alphabet_of(model)
    if alphabet_of(judge) != alphabet:
        raise UsageError(
            f"{judge.path} reads {alphabet_of(judge)!r}, and {model.path} writes {alphabet!r}: "
            "name a judge of the same characters."
        )
    data = load_data("words", "test", source=source, size=4 * size)
    assert data.texts is not None
    long = np.flatnonzero(np.isin(np.char.str_len(data.texts), LENGTHS))[:size]
    chosen = data[long]
    assert chosen.texts is not None
    generator = Generator.of(model)
    codes = generator.codes(len(chosen), np.random.default_rng(seed))
    sizes = np.char.str_len(chosen.texts)
    found = []
    for count in LENGTHS:
        rows = np.flatnonzero(sizes == count)
        if len(rows):
            texts = [str(text) for text in chosen.texts[rows]]
            found.append(
                Written(
                    texts,
                    np.array([spelled(text, alphabet) for text in texts]),
                    chosen.images[rows][:, :, : CHARACTER_WIDTH * count],
                    codes[rows],
                    generator.graph.with_shapes({"label": (count,)}),
                    _sized(model["discriminate"], count) if "discriminate" in model else None,
                    _sized(judge["recognise"], count),
                )
            )
    return Material(model, judge, alphabet, found, chosen.source, seed, generator)


def _sized(graph: Graph, count: int) -> Graph:
    """The graph for images of so many characters."""
    height, _, channels = graph.inputs["image"].shape[1:]
    return graph.with_shapes({"image": (height, CHARACTER_WIDTH * count, channels)})
