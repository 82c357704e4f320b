"""Images that a model draws, whichever kind of generator it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.data.images import CHARACTER_WIDTH
from tfgenxai.errors import ModelNotFoundError
from tfgenxai.latent.generator import Generator, find_generator
from tfgenxai.metrics.words import Texts, by_length
from tfgenxai.saved.word import spelled

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Draws:
    """N images from the prior.

    Attributes:
        images: (N, H, W, C) float32 in [0, 1]; of a VAE the decoder's means.
        codes: (N, d) float32, standard normal, or what the model's signature `prior` makes of it.
        labels: (N,) the classes asked for, of a conditional model; the characters (N, longest) of
            words, then -1; otherwise None.
    """

    images: np.ndarray
    codes: np.ndarray
    labels: np.ndarray | None


def draw(
    model: Mapping[str, Graph], count: int, *, classes: int | None = None, seed: int = 0
) -> Draws:
    """`count` images of codes of the prior; a conditional model draws all classes in turn.

    Args:
        classes: of a conditional model; by default as `Generator.of`.

    Raises:
        ModelNotFoundError: no signature makes images of codes.
    """
    generator = Generator.of(model, classes=classes)
    codes, labels = generator.codes(count, np.random.default_rng(seed)), generator.labels(count)
    return Draws(generator.images(codes, labels), codes, labels)


def writes_words(model: Mapping[str, Graph]) -> bool:
    """Whether the model draws words: `generate` takes characters (N, n) beside codes."""
    graph = find_generator(model)
    return graph is not None and "label" in graph.inputs and graph.inputs["label"].shape.rank == 2


def draw_words(
    model: Mapping[str, Graph],
    texts: Texts,
    alphabet: str,
    *,
    seed: int = 0,
    batch_size: int = 64,
) -> Draws:
    """Each of `texts` in a style of its own, drawn from the prior.

    Word i fills the first 16 len(texts[i]) columns of images as wide as the longest; the others
    are 0. Its style depends on its place and the seed alone, not on other words.

    Args:
        alphabet: the model's characters, in the order of their numbers.
        batch_size: words of one length that are drawn at a time.

    Raises:
        ModelNotFoundError: the model draws no words.
        UsageError: a word is empty, or holds a character that is not in the alphabet.
    """
    if not writes_words(model):
        raise ModelNotFoundError(
            "The model draws no words: it has no signature 'generate' from z (N, d) and label "
            "(N, n) to image."
        )
    generator = Generator.of(model)
    codes = generator.codes(len(texts), np.random.default_rng(seed))
    lengths = np.array([len(text) for text in texts])
    labels = np.full((len(texts), lengths.max()), -1)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = spelled(text, alphabet)
    function = generator.graph.function(["z", "label"], "image")
    height, _, channels = generator.graph.outputs["image"].shape[1:]
    shape = (len(texts), height, CHARACTER_WIDTH * lengths.max(), channels)
    images = np.zeros(shape, np.float32)
    for length, rows in by_length(lengths):
        for some in np.array_split(rows, range(batch_size, len(rows), batch_size)):
            drawn = function(codes[some], labels[some, :length]).numpy()
            images[some, :, : CHARACTER_WIDTH * length] = drawn
    return Draws(images, codes, labels)
