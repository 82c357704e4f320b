"""A SavedModel of words, for one word: all shapes known, so that every explainer takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import UsageError
from tfgenxai.saved.read import SavedModel, Signature

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

LONGEST = 64
_EXAMPLE = "2026"


class OneWord(SavedModel):
    """A model of words, for the word `word`.

    `generate` and all else that takes characters writes this word, and takes a code `z` alone;
    what takes images takes images of as many characters. Signatures that would be left without an
    input, such as `sample`, are left out.

    Attributes:
        word: what is written.
        alphabet: the characters that the model knows, in the order of their indices.
        label: the word's characters as indices.
    """

    def __init__(self, model: SavedModel, word: str) -> None:
        """Raises UsageError: the model knows no alphabet, or the word is not written in it."""
        vars(self).update(vars(model))
        self.alphabet = alphabet_of(model)
        self.word = word
        self.label = spelled(word, self.alphabet)
        self.signatures = {
            name: self._signature(signature)
            for name, signature in model.signatures.items()
            if set(signature.inputs) != {"label"}
        }
        self._model = model
        self._words: dict[str, Graph] = {}

    def __getitem__(self, name: str) -> Graph:
        """The Graph of a signature, for this word.

        Raises:
            ModelNotFoundError: there is no such signature.
        """
        if name not in self.signatures:
            return super().__getitem__(name)  # which says what there is
        if name not in self._words:
            graph = self._model[name]
            if "label" in graph.inputs:
                graph = graph.with_inputs({"label": self.label})
            if "image" in graph.inputs:
                graph = graph.with_shapes({"image": self._sized(graph.inputs["image"].shape[1:])})
            self._words[name] = graph
        return self._words[name]

    def __repr__(self) -> str:
        return super().__repr__().replace("<SavedModel", f"<OneWord {self.word!r} of", 1)

    def _sized(self, shape: Any) -> tuple[int, ...]:
        """An image's shape (H, W, C) with the word's width."""
        height, _, channels = shape
        return (height, CHARACTER_WIDTH * len(self.word), channels)

    def _signature(self, signature: Signature) -> Signature:
        """The signature without characters, images as wide as the word."""
        import tensorflow as tf

        def own(specs: Mapping[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
            return {
                name: tf.TensorSpec((None, *self._sized(spec.shape[1:])), spec.dtype, name)
                if name == "image"
                else spec
                for name, spec in specs.items()
                if name != "label"
            }

        return Signature(signature.name, own(signature.inputs), own(signature.outputs))


def name_a_word(name: str, alphabet: str | None = None) -> UsageError:
    """What to say where a model of words is used without a word.

    Args:
        name: what the user calls the model.
        alphabet: its characters; digits, if nothing is known.
    """
    known = _EXAMPLE if alphabet is None or set(_EXAMPLE) <= set(alphabet) else alphabet[:4]
    return UsageError(
        f"{name} is a model of words, and sizes follow the word: name a word, as {name}@{known}."
    )


def alphabet_of(model: SavedModel) -> str:
    """The characters that a model of words knows, by its card.

    Raises:
        UsageError: it is no model of words.
    """
    config = ((model.card or {}).get("architecture") or {}).get("config") or {}
    alphabet = config.get("alphabet")
    if not alphabet:
        raise UsageError(f"{str(model.path)!r} is no model of words: its card has no alphabet.")
    return alphabet


def spelled(word: str, alphabet: str) -> list[int]:
    """The characters of a word as indices.

    Raises:
        UsageError: the word is empty or too long, or holds another character.
    """
    if not 1 <= len(word) <= LONGEST:
        raise UsageError(f"A word has 1 to {LONGEST} characters, not {len(word)}.")
    missing = sorted(set(word) - set(alphabet))
    if missing:
        raise UsageError(
            f"The model cannot write {', '.join(map(repr, missing))}; its alphabet is {alphabet!r}."
        )
    return [alphabet.index(character) for character in word]
