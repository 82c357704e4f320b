"""What a caller asked of `load`, and what a data set says about itself in `sources()`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfgenxai.errors import DataNotFoundError, UsageError


@dataclass(frozen=True)
class Request:
    """The checked arguments of `tfgenxai.data.load`."""

    name: str
    split: str
    source: str | None
    size: int | None
    seed: int
    folder: Path | None
    image_size: tuple[int, int] | None
    alphabet: str | None
    progress: bool


@dataclass(frozen=True)
class Listing:
    """One row of the table of data sets.

    Attributes:
        name: what to pass to `load`.
        shape: (H, W, C); None where it depends on the images.
        labels: the number of classes, 0 for none, None where it depends on the folder.
        factors: names of the factors known of every image.
        sources: every source that `load(name, source=...)` accepts, first choice first.
        source: the source that `load(name)` would use here, None when it needs `folder=`
            or a download.
        how: how to get the data set when it is not here.
    """

    name: str
    shape: tuple[int, int, int] | None
    labels: int | None
    factors: tuple[str, ...]
    sources: tuple[str, ...]
    source: str | None
    how: str


def first_size(request: Request, available: int) -> int:
    """How many images to take: `size`, or all of them.

    Raises:
        DataNotFoundError: there are fewer than asked for.
    """
    if request.size is None:
        return available
    if request.size > available:
        raise DataNotFoundError(
            f"{request.name} has {available:,} {request.split} images here, "
            f"{request.size:,} were asked for; ask for at most {available:,}."
        )
    return request.size


def check_source(request: Request, sources: tuple[str, ...]) -> None:
    """Raise UsageError unless the source asked for is one of `sources` or none."""
    if request.source is not None and request.source not in sources:
        raise UsageError(
            f"{request.name} has no source {request.source!r}; choose one of {', '.join(sources)}, "
            "or leave it out."
        )
