"""Texts as images, each in one style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError
from tfgenxai.latent.decoding import code_width, prior_codes
from tfgenxai.saved.read import load
from tfgenxai.saved.word import alphabet_of, spelled

if TYPE_CHECKING:
    from tfgenxai.saved.read import SavedModel

MODEL = "scrabble-gan"
#: Columns, or rows, of paper between two words.
GAP = 8
_BATCH = 64


def write(
    text: str,
    *,
    style_seed: int = 0,
    model: str | Path | SavedModel = MODEL,
    stacked: bool = False,
) -> np.ndarray:
    """An image (H, W, 1) float32 in [0, 1] of a text, all of its words in one style.

    Args:
        text: words with spaces between them.
        style_seed: the same seed is the same style for every word.
        model: a model of words; the ScrabbleGAN that ships by default.
        stacked: the words stand one under another, and not side by side.

    Raises:
        UsageError: no text, a character that the model does not know, or a model of other images.
        ModelNotFoundError: there is no such model.

    Example:
        >>> image = tfgenxai.write("2026", style_seed=7)
    """
    writer = Writer(model)
    return writer.lines(text, writer.styles([style_seed]), stacked=stacked)[0]


class Writer:
    """A model of words with its alphabet.

    Args:
        model: a SavedModel whose `generate` takes a code `z` (N, d) and characters `label`
            (N, n), or its folder or shipped name.

    Attributes:
        model: the SavedModel.
        alphabet: its characters.
        width: dimensions d of a style's code.

    Raises:
        ModelNotFoundError: there is no such model, or it generates nothing.
        UsageError: it writes no words.
    """

    def __init__(self, model: str | Path | SavedModel = MODEL) -> None:
        self.model = load(model) if isinstance(model, str | Path) else model
        self.alphabet = alphabet_of(self.model)
        graph = self.model.get("generate")
        if graph is None:
            raise ModelNotFoundError(f"{str(self.model.path)!r} has no signature 'generate'.")
        if "label" not in graph.inputs:
            raise UsageError("Give the model without @WORD: the words are those of the text.")
        self.width = code_width(graph)
        self._draw = graph.function(["z", "label"], "image")

    def normals(self, seeds: list[int]) -> np.ndarray:
        """What the styles of `seeds` are made of, standard normal (S, d) float32.

        Each seed has a stream of its own: `numpy.random.default_rng(seed).standard_normal(d)`.

        Raises:
            UsageError: a seed below 0.
        """
        if min(seeds) < 0:
            raise UsageError(f"Style seeds are whole numbers from 0, not {min(seeds)}.")
        drawn = [np.random.default_rng(seed).standard_normal(self.width) for seed in seeds]
        return np.array(drawn, np.float32)

    def styles(self, seeds: list[int]) -> np.ndarray:
        """The codes (S, d) float32 of the styles of `seeds`.

        Raises:
            UsageError: a seed below 0.
        """
        return self.of_prior(self.normals(seeds))

    def of_prior(self, normals: np.ndarray) -> np.ndarray:
        """The codes (S, d) that the model's prior makes of standard normal draws."""
        return prior_codes(self.model.get("prior"), normals)

    def split(self, text: str) -> list[str]:
        """The words of a text.

        Raises:
            UsageError: there is none, or the model cannot write one.
        """
        words = text.split()
        if not words:
            raise UsageError(f"There is nothing to write; its characters are {self.alphabet!r}.")
        for word in words:
            spelled(word, self.alphabet)
        return words

    def word(self, word: str, codes: np.ndarray) -> np.ndarray:
        """Images (S, H, 16 n, 1) in [0, 1] of a word, one for each of the codes (S, d).

        Raises:
            UsageError: the model cannot write the word.
            InvalidInputError: codes of another width.
        """
        return self.words([word] * len(codes), codes)

    def words(self, words: Sequence[str], codes: np.ndarray) -> np.ndarray:
        """Images (N, H, 16 n, 1) in [0, 1] of N words of one length, each in its own style (N, d).

        Raises:
            UsageError: the model cannot write a word.
            InvalidInputError: codes of another width or number, or words of several lengths.
        """
        codes = np.asarray(codes, np.float32)
        if codes.shape != (len(words), self.width) or not len(codes):
            raise InvalidInputError(
                f"Styles are codes ({len(words) or 'N'}, {self.width}), one a row; these have "
                f"shape {codes.shape}."
            )
        if len(set(map(len, words))) > 1:
            raise InvalidInputError("Words that are written together have one length.")
        known = {word: spelled(word, self.alphabet) for word in dict.fromkeys(words)}
        labels = np.array([known[word] for word in words])
        return np.concatenate(
            [
                self._draw(codes[start : start + _BATCH], labels[start : start + _BATCH]).numpy()
                for start in range(0, len(codes), _BATCH)
            ]
        )

    def lines(self, text: str, codes: np.ndarray, *, stacked: bool = False) -> np.ndarray:
        """Images (S, H, W, 1) in [0, 1] of a whole text, one for each of the codes (S, d).

        Raises:
            UsageError, InvalidInputError: as `split` and `word`.
        """
        words = [self.word(word, codes) for word in self.split(text)]
        return arranged(words, stacked=stacked)


def arranged(words: list[np.ndarray], *, stacked: bool = False) -> np.ndarray:
    """Words (S, H, W_i, 1), side by side or one under another, with `GAP` of paper between.

    Paper is what most pixels are nearer to, black or white. Words that stand one under another
    begin at the left.
    """
    paper = float(np.median(np.concatenate([word.ravel() for word in words])) > 0.5)
    axis = 1 if stacked else 2
    widest = max(word.shape[2] for word in words)
    parts = []
    for i, word in enumerate(words):
        sides = [(0, 0)] * 4
        if stacked:
            sides[2] = (0, widest - word.shape[2])
        sides[axis] = (GAP if i else 0, 0)
        parts.append(np.pad(word, sides, constant_values=paper))
    return np.concatenate(parts, axis=axis)
