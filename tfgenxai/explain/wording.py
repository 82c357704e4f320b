"""The small language of `tfgenxai explain --target`, read without TensorFlow."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NamedTuple

from tfgenxai.errors import UsageError


class _Word(NamedTuple):
    pattern: str
    forms: tuple[tuple[str, str], ...]


_WORDS = {
    "latent": _Word(
        r":(?P<index>all|\d+(,\d+)*)(:(?P<at>mean|sample))?",
        (
            ("latent:3", "a coordinate of the posterior mean"),
            ("latent:0,4", "two of them, each with maps of its own"),
            ("latent:all", "all of them"),
            ("latent:3:sample", "of a sample z rather than the mean"),
        ),
    ),
    "class": _Word(
        r":(?P<index>all|own|\d+)",
        (
            ("class:8", "the logit of a class; with --model, of a generated image"),
            ("class:own", "of each sample's own label"),
            ("class:all", "of every class"),
        ),
    ),
    "output": _Word(
        r":(?P<name>[^:]+)(:(?P<index>\d+(:\d+)*))?",
        (
            ("output:probabilities:8", "an element of an output"),
            ("output:mean", "all its elements"),
        ),
    ),
    "unit": _Word(
        r":(?P<name>[^:]+)(:(?P<index>all|\d+)(:(?P<place>\d+:\d+))?)?",
        (
            ("unit:encoder_conv_1:5", "the mean of a layer's channel 5"),
            ("unit:encoder_conv_1:5:3:2", "its neuron at row 3, column 2"),
            ("unit:encoder_conv_1:all", "every channel"),
        ),
    ),
    "pixels": _Word(
        r"(:(?P<name>[A-Za-z_]\w*))?:((?P<index>all|\d+:\d+:\d+:\d+)|(?P<file>.+\.(npy|png)))",
        (
            ("pixels:8:20:8:20", "the sum of the image over rows 8 to 19, columns 8 to 19"),
            ("pixels:logits:8:20:8:20", "the same before the sigmoid"),
            ("pixels:logits:mask.png", "over a mask: .png, or weights in a .npy file"),
            ("pixels:all", "over the whole image"),
        ),
    ),
    "reconstruction": _Word(
        "", (("reconstruction", "squared error of the reconstruction, summed over pixels"),)
    ),
    "elbo": _Word(
        "",
        (("elbo", "the negative ELBO in nats, of the image; of the code with --signature decode"),),
    ),
    "discriminator": _Word(
        "", (("discriminator", "its logit; with --model, or for a GAN, of a generated image"),)
    ),
}

HELP = "targets:\n" + "\n".join(
    f"  {form:<26} {meaning}" for word in _WORDS.values() for form, meaning in word.forms
)


@dataclass(frozen=True)
class Wording:
    """A target in words.

    Attributes:
        text: as it was written.
        word: its first word, which is the kind of target.
        index: numbers, "all" or "own"; None if nothing is said.
        name: an output or layer.
        at: "mean" or "sample", of latents.
        place: (y, x), of units.
        file: a mask.
    """

    text: str
    word: str
    index: tuple[int, ...] | str | None = None
    name: str | None = None
    at: str | None = None
    place: tuple[int, int] | None = None
    file: str | None = None

    def __str__(self) -> str:
        return self.text


def read_wording(text: str) -> Wording:
    """What a text of --target says.

    Raises:
        UsageError: an unknown word, or one that is written otherwise.
    """
    word, _, _ = text.partition(":")
    if word not in _WORDS:
        close = difflib.get_close_matches(word, _WORDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it begins with {', '.join(_WORDS)}."
        raise UsageError(f"--target {text!r} is unknown; {hint}")
    found = re.fullmatch(_WORDS[word].pattern, text[len(word) :])
    if found is None:
        forms = [form for form, _ in _WORDS[word].forms]
        raise UsageError(f"--target {text!r} is not understood; write {' or '.join(forms)}.")
    parts = {name: part for name, part in found.groupdict().items() if part is not None}
    index = parts.get("index")
    y_x = _numbers(parts["place"]) if "place" in parts else None
    return Wording(
        text,
        word,
        index if index in (None, "all", "own") else _numbers(str(index)),
        parts.get("name"),
        parts.get("at"),
        None if y_x is None else (y_x[0], y_x[1]),
        parts.get("file"),
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))
