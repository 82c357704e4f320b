"""Words that need no network: one to four real MNIST digits in the hand of one writer a word."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgenxai.data import mnist
from tfgenxai.data.images import ImageData
from tfgenxai.data.progress import counter
from tfgenxai.data.request import Listing, Request
from tfgenxai.data.words_compose import HEIGHT, SLOT, WRITER, compose

DEFAULT_SIZE = {"train": 20_000, "test": 2_000}
LONGEST = 4
CHUNK = 1000  # words that come from one random stream
FACTORS = tuple(WRITER)


def load(request: Request) -> ImageData:
    """Words (32, 64, 1), bright ink on black; the digit at place k has columns 16k to 16k + 15.

    Lengths and digits are drawn evenly and so is each factor of the writer, which are the factors
    of the data: slant, thickness, baseline and width. Word i depends on (source, split, seed, i)
    alone, so that a larger `size` adds words and changes none. Words of "test" are made of test
    digits, those of "train" of training digits.

    Raises:
        DataNotFoundError: as for MNIST.
    """
    size = DEFAULT_SIZE[request.split] if request.size is None else request.size
    digits = mnist.load(dataclasses.replace(request, size=None))
    pixels = np.zeros((size, HEIGHT, SLOT * LONGEST, 1), np.uint8)
    draws = []
    with counter("Writing words", size, request.progress) as advance:
        for start in range(0, size, CHUNK):
            words = pixels[start : start + CHUNK]
            draws.append(_draw(request.seed, request.split, start // CHUNK, len(words)))
            _write(draws[-1], digits, words)
            advance(len(words))
    codes = np.concatenate([draw.writer for draw in draws])
    return ImageData(
        name="words",
        split=request.split,
        pixels=pixels,
        class_names=mnist.CLASSES,
        source=digits.source,
        source_detail=f"words of 1 to {LONGEST} digits, seed {request.seed}, made of "
        f"{len(digits):,} {request.split} digits: {digits.source_detail}",
        factor_codes=dict(zip(FACTORS, codes.T, strict=True)),
        factor_values={name: tuple(values) for name, values in WRITER.items()},
        texts=np.array([text for draw in draws for text in draw.texts()]),
    )


def listing() -> Listing:
    """The row for `sources()`."""
    return dataclasses.replace(
        mnist.listing(),
        name="words",
        shape=(HEIGHT, SLOT * LONGEST, 1),
        labels=0,
        factors=FACTORS,
        how="composed here from the digits of mnist, as many as you ask for; from where: as mnist",
    )


@dataclasses.dataclass(frozen=True)
class _Draw:
    """What chance decided for n words."""

    length: np.ndarray  # (n,) from 1 to 4
    digits: np.ndarray  # (n, 4)
    glyph: np.ndarray  # (n, 4) in [0, 1): which of the digit's glyphs
    writer: np.ndarray  # (n, factors) codes

    def texts(self) -> list[str]:
        """What is written."""
        return [
            "".join(map(str, digits[:length]))
            for digits, length in zip(self.digits, self.length, strict=True)
        ]


def _draw(seed: int, split: str, chunk: int, size: int) -> _Draw:
    rng = np.random.default_rng([seed, ("train", "test").index(split), chunk])
    choices = [len(values) for values in WRITER.values()]
    whole = _Draw(
        length=rng.integers(1, LONGEST + 1, CHUNK),
        digits=rng.integers(0, len(mnist.CLASSES), (CHUNK, LONGEST)),
        glyph=rng.random((CHUNK, LONGEST)),
        writer=rng.integers(0, choices, (CHUNK, len(choices))),
    )
    return _Draw(*(getattr(whole, field.name)[:size] for field in dataclasses.fields(whole)))


def _write(draw: _Draw, digits: ImageData, words: np.ndarray) -> None:
    """Fills the black `words` (n, 32, 64, 1)."""
    assert digits.labels is not None
    by_class = [np.flatnonzero(digits.labels == label) for label in range(len(mnist.CLASSES))]
    word, place = np.nonzero(np.arange(LONGEST) < draw.length[:, None])
    drawn = zip(draw.digits[word, place], draw.glyph[word, place], strict=True)
    chosen = [by_class[digit][int(which * len(by_class[digit]))] for digit, which in drawn]
    writer = {
        name: np.array(list(values.values()))[draw.writer[word, i]]
        for i, (name, values) in enumerate(WRITER.items())
    }
    slots = words.reshape(-1, HEIGHT, LONGEST, SLOT)  # a view
    slots[word, :, place] = compose(digits.pixels[chosen, :, :, 0], writer)
