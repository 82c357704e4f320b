"""From a text to a picture of it on disk, and to what a recogniser reads in it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.files import write_bytes
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.gif import save_gif
from tfgenxai.latent.reader import Reader, find_reader
from tfgenxai.latent.walks import slerp
from tfgenxai.pictures import as_pixels, make_grid
from tfgenxai.saved.read import load
from tfgenxai.writing.writer import MODEL, Writer, arranged

#: --recogniser that stands for none
NO_RECOGNISER = "none"
RESAMPLES = ("nearest", "bicubic")


@dataclass(frozen=True)
class WriteRequest:
    """The parsed command.

    Attributes:
        text: words with spaces between them.
        model: a SavedModel's folder or shipped name.
        style_seed: of the style, or of the first of several.
        styles: so many styles, a row each.
        between: seeds of two styles, and what lies between them.
        along: a file of directions to move the style along.
        direction: a number, or a name, of a direction in that file.
        reach: epsilon goes from -reach to reach.
        steps: images of a walk; by default 9 of a strip, 25 of a moving picture.
        stacked: words one under another.
        scale: each pixel becomes so many times as wide and high.
        resample: a name in `RESAMPLES`.
        out: a .png or .gif file; by default named after the text.
        recogniser: who reads it; None for the one that ships, and `NO_RECOGNISER` for none.
        trusted: allow any operation in the models.

    Raises:
        UsageError: a number out of its range, or a file of another kind.
    """

    text: str
    model: str = MODEL
    style_seed: int = 0
    styles: int = 1
    between: tuple[int, int] | None = None
    along: Path | None = None
    direction: str = "0"
    reach: float = 6.0
    steps: int | None = None
    stacked: bool = False
    scale: int = 4
    resample: str = "nearest"
    out: Path | None = None
    recogniser: str | None = None
    trusted: bool = False

    def __post_init__(self) -> None:
        if self.styles < 1 or self.scale < 1 or not self.reach > 0:
            raise UsageError("--styles and --scale are at least 1, and --reach is above 0.")
        if self.steps is not None and (self.steps < 2 or not self.walks):
            raise UsageError("--steps are those of --between or --along, and at least 2.")
        if self.resample not in RESAMPLES:
            raise UsageError(f"--resample is {' or '.join(RESAMPLES)}, not {self.resample!r}.")
        if self.file.suffix.lower() not in (".png", ".gif"):
            raise UsageError(f"--out is a .png or a .gif file, not {str(self.out)!r}.")
        if self.moves and not self.walks:
            raise UsageError("A .gif moves: add --between A B or --along FILE, or write a .png.")

    @property
    def walks(self) -> bool:
        """Whether the style goes from one to another."""
        return self.between is not None or self.along is not None

    @property
    def file(self) -> Path:
        """Where the picture goes."""
        if self.out is not None:
            return self.out
        name = re.sub(r"[^\w]+", "-", self.text.strip()).strip("-") or "word"
        return Path(f"{name}{'.gif' if self.along is not None else '.png'}")

    @property
    def moves(self) -> bool:
        """Whether the picture moves."""
        return self.file.suffix.lower() == ".gif"


def written(request: WriteRequest) -> dict[str, Any]:
    """Writes the picture, and says what is in it: JSON values.

    Raises:
        TfgenxaiError: what was asked for is not there, or does not fit.
    """
    writer = Writer(load(request.model, trusted=request.trusted))
    words = writer.split(request.text)
    reader = None
    if request.recogniser != NO_RECOGNISER:
        reader = find_reader(writer.model, request.recogniser, trusted=request.trusted)
    codes, rows = _styles(request, writer)
    images = [writer.word(word, codes) for word in words]
    if reader is not None:
        rows = [row | each for row, each in zip(rows, _read(reader, words, images), strict=True)]
    lines = arranged(images, stacked=request.stacked)
    size = _save(request, lines)
    return {
        "file": str(request.file),
        "pixels": size,
        "text": " ".join(words),
        "model": request.model,
        "recogniser": None if reader is None else reader.name,
        "images": rows,
    }


def _styles(request: WriteRequest, writer: Writer) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Codes (S, d), and how each came about."""
    first = request.style_seed
    steps = request.steps or (25 if request.moves else 9)
    if request.between is not None:
        start, end = writer.normals(list(request.between))
        way = np.linspace(0, 1, steps)
        codes = writer.of_prior(slerp(start, end, steps))
        return codes, [{"style_seeds": list(request.between), "way": float(t)} for t in way]
    if request.along is not None:
        directions = Directions.load(request.along)
        k = _chosen(directions, request.direction)
        sizes = np.linspace(-request.reach, request.reach, steps)
        codes = np.concatenate(
            [directions.shift(writer.styles([first]), k, size) for size in sizes]
        )
        about = {"style_seed": first, "direction": k, "name": directions.names[k]}
        return codes, [{**about, "epsilon": float(size)} for size in sizes]
    seeds = list(range(first, first + request.styles))
    return writer.styles(seeds), [{"style_seed": seed} for seed in seeds]


def _chosen(directions: Directions, asked: str) -> int:
    """The number of a direction that is asked for by its number or its name."""
    if asked in directions.names:
        return directions.names.index(asked)
    if asked.isdigit() and int(asked) < len(directions):
        return int(asked)
    raise UsageError(
        f"There is no direction {asked!r}; they run from 0 to {len(directions) - 1}, and are "
        f"named {', '.join(map(repr, dict.fromkeys(directions.names)))}."
    )


def _read(reader: Reader, words: list[str], images: list[np.ndarray]) -> list[dict[str, Any]]:
    """What is read in each line, and whether that is what it should be."""
    read = zip(*(reader.texts(each) for each in images), strict=True)
    return [{"read": " ".join(line), "right": list(line) == words} for line in read]


def _save(request: WriteRequest, lines: np.ndarray) -> list[int]:
    """Writes lines (S, H, W, 1) as one picture; gives its width and height."""
    from PIL import Image

    method = Image.Resampling[request.resample.upper()]
    # The steps of a narrow text stand side by side: a sheet, and no ribbon.
    narrow = request.walks and lines.shape[2] <= 2 * lines.shape[1]
    columns = len(lines) if narrow else 1
    stills = as_pixels(lines) if request.moves else [make_grid(lines, columns)]
    large = []
    for still in stills:
        height, width = request.scale * np.array(still.shape[:2])
        large.append(Image.fromarray(still).resize((int(width), int(height)), method))
    if request.moves:
        save_gif(request.file, np.stack([np.asarray(each) for each in large]), enlarge=1)
    else:
        content = io.BytesIO()
        large[0].save(content, format="PNG")
        write_bytes(request.file, content.getvalue())
    return list(large[0].size)
