"""Who reads what a model of words draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import ModelNotFoundError
from tfgenxai.metrics.reader import shipped_recogniser
from tfgenxai.metrics.words import read_words
from tfgenxai.saved.read import load
from tfgenxai.saved.word import alphabet_of

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel


@dataclass(frozen=True)
class Reader:
    """A recogniser that judges words, and the characters that it knows.

    Attributes:
        name: of its folder.
        recognise: graph from `image` of any width to `text`.
        alphabet: its characters, in the order of their numbers.
    """

    name: str
    recognise: Graph
    alphabet: str

    @classmethod
    def of(cls, model: SavedModel) -> Self:
        """The reader that a SavedModel is.

        Raises:
            ModelNotFoundError: it does not read.
            UsageError: its card has no alphabet.
        """
        if "recognise" not in model or "image" not in model["recognise"].inputs:
            raise ModelNotFoundError(
                f"{str(model.path)!r} reads no words: it has no signature 'recognise'."
            )
        return cls(model.path.name, model["recognise"], alphabet_of(model))

    def texts(self, images: np.ndarray) -> list[str]:
        """What it reads in images (N, H, 16 n, C) of words of one length."""
        lengths = np.full(len(images), images.shape[2] // CHARACTER_WIDTH)
        return read_words(self.recognise, images, lengths, self.alphabet).texts

    def errors(self, images: np.ndarray, word: str) -> np.ndarray:
        """Edits from what it reads to `word`, over the word's characters, (N,) from 0.

        Args:
            images: (N, H, 16 n, C), which all should show `word`.
        """
        from rapidfuzz.distance import Levenshtein

        edits = [Levenshtein.distance(word, text) for text in self.texts(images)]
        return np.array(edits, np.float64) / len(word)


def find_reader(
    model: SavedModel, named: str | None = None, *, trusted: bool = False
) -> Reader | None:
    """The recogniser named, else the one that ships, if it was trained on the model's data.

    A recogniser that judges is never the model's own, which the generator was trained to please.

    Args:
        model: of words; its card tells what it was trained on, and its alphabet.

    Raises:
        ModelNotFoundError: there is no such model, or it does not read.
    """
    if named is not None:
        return Reader.of(load(named, trusted=trusted))
    shipped = shipped_recogniser(model.trained_on.get("name"), alphabet_of(model))
    return None if shipped is None else Reader.of(shipped)
