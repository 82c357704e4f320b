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
    assert digits.labels is not None
    glyphs = digits.pixels[..., 0]
    by_class = [np.flatnonzero(digits.labels == c) for c in range(len(mnist.CLASSES))]
    pixels = np.zeros((size, HEIGHT, SLOT * LONGEST, 1), np.uint8)
    texts, codes = [], []
    with counter("Writing words", size, request.progress) as advance:
        for start in range(0, size, CHUNK):
            written = pixels[start : start + CHUNK]
            draw = _draw(request.seed, request.split, start // CHUNK, len(written))
            word, place = np.nonzero(np.arange(LONGEST) < draw.length[:, None])
            chosen = [
                by_class[digit][int(which * len(by_class[digit]))]
                for digit, which in zip(
                    draw.digits[word, place], draw.glyph[word, place], strict=True
                )
            ]
            values = {
                name: np.array(list(WRITER[name].values()))[draw.writer[word, i]]
                for i, name in enumerate(FACTORS)
            }
            slots = written.reshape(-1, HEIGHT, LONGEST, SLOT)
            slots[word, :, place] = compose(glyphs[chosen], values)
            texts += [
                "".join(map(str, row[:length]))
                for row, length in zip(draw.digits, draw.length, strict=True)
            ]
            codes.append(draw.writer)
            advance(len(written))
    return ImageData(
        name="words",
        split=request.split,
        pixels=pixels,
        class_names=mnist.CLASSES,
        source=digits.source,
        source_detail=f"words of 1 to {LONGEST} digits, seed {request.seed}, made of "
        f"{len(glyphs):,} {request.split} digits: {digits.source_detail}",
        factor_codes=dict(zip(FACTORS, np.concatenate(codes).T, strict=True)),
        factor_values={name: tuple(values) for name, values in WRITER.items()},
        texts=np.array(texts),
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
