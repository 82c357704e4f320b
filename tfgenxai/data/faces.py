"""Drawn colour faces: every factor known, and for every part the exact pixels it changes."""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tfgenxai.data.cache import cache_dir, keep, read_npz
from tfgenxai.data.faces_draw import PAINTED, PARTS, SIDE, draw_many
from tfgenxai.data.faces_factors import CHUNK, NAMES, VALUES, chunk_codes, codes_of
from tfgenxai.data.images import ImageData
from tfgenxai.data.progress import counter
from tfgenxai.data.request import Listing, Request, check_source
from tfgenxai.errors import DataNotFoundError

DEFAULT_SIZE = {"train": 10_000, "test": 2_000}
_DESIGN = 1  # raised whenever the same seed would give another face


def load(request: Request) -> ImageData:
    """Drawn faces, 128 × 128 × 3, drawn once and then read from the cache.

    Face i depends on (seed, split, i) alone: a larger `size` adds faces and changes none, and no
    face of one split is in the other (see `faces_factors.chunk_codes`).
    """
    check_source(request, ("drawn",))
    split, seed = request.split, request.seed
    size = DEFAULT_SIZE[split] if request.size is None else request.size
    codes = codes_of(split, seed, size)
    return ImageData(
        name="faces",
        split=split,
        pixels=_pixels(split, size, seed, request.progress),
        source="drawn",
        source_detail=f"drawn from {len(NAMES)} named factors with python-avatars and resvg, "
        f"seed {seed}, {split} faces 0 to {size - 1}",
        factor_codes={name: codes[:, i] for i, name in enumerate(NAMES)},
        factor_values=VALUES,
        parts=PARTS,
        masker=part_masks,
    )


def listing() -> Listing:
    """The row for `sources()`."""
    here = all(importlib.util.find_spec(name) for name in ("python_avatars", "resvg_py"))
    return Listing(
        name="faces",
        shape=(SIDE, SIDE, 3),
        labels=0,
        factors=NAMES,
        sources=("drawn",),
        source="drawn" if here else None,
        how="drawn here from named factors by python-avatars and resvg-py, as many as you ask for",
    )


def part_masks(faces: ImageData, part: str, progress: bool = False) -> np.ndarray:
    """bool (n, 128, 128): the pixels that differ when the face is drawn without `part`.

    Skin and background, which cannot be left out, are drawn black and then white: the pixels that
    differ are those that any other colour could change. Masks are exact by construction,
    antialiased edges included. What another part covers is not in the mask; what shows through a
    see-through part (skin under an eyebrow) is in both masks.
    """
    assert faces.factor_codes is not None
    codes = np.stack([faces.factor_codes[name] for name in NAMES], axis=1)
    painted = part in PAINTED
    with counter(f"Masks of {part}", len(codes) * (1 + painted), progress) as advance:
        if painted:
            one = draw_many(codes, f"{part}=#FFFFFF", advance)
            other = draw_many(codes, f"{part}=#000000", advance)
        else:
            one, other = faces.pixels, draw_many(codes, part, advance)
    return (one != other).any(axis=-1)


def _folder(split: str, seed: int) -> Path:
    """Where this split's chunks are kept: another renderer version may draw another pixel."""
    try:
        drawn_by = f"avatars{version('python-avatars')}-resvg{version('resvg-py')}"
    except PackageNotFoundError as error:
        raise DataNotFoundError(
            f"Drawing faces needs a package that is missing ({error.name}); "
            "install python-avatars and resvg-py."
        ) from error
    return cache_dir() / "faces" / f"v{_DESIGN}-{drawn_by}" / f"seed{seed}" / split


def _pixels(split: str, size: int, seed: int, progress: bool) -> np.ndarray:
    """uint8 (size, 128, 128, 3), drawing and keeping what the cache does not hold yet."""
    folder = _folder(split, seed)
    pixels = np.empty((size, SIDE, SIDE, 3), np.uint8)
    missing = []
    for chunk in range(-(-size // CHUNK)):
        wanted = pixels[chunk * CHUNK : (chunk + 1) * CHUNK]
        kept = _read_chunk(folder, chunk)
        wanted[: len(kept)] = kept[: len(wanted)]
        if len(kept) < len(wanted):
            missing.append((chunk, len(kept), len(wanted)))
    total = sum(stop - start for _, start, stop in missing)
    with counter("Drawing faces", total, progress) as advance:
        for chunk, start, stop in missing:
            wanted = pixels[chunk * CHUNK : (chunk + 1) * CHUNK]
            codes = chunk_codes(split, seed, chunk)[start:stop]
            wanted[start:stop] = draw_many(codes, advance=advance)
            keep(folder / f"{chunk:05d}.npz", {"faces": wanted})
    return pixels


def _read_chunk(folder: Path, chunk: int) -> np.ndarray:
    """uint8 (n ≤ 1000, 128, 128, 3): the kept faces of a chunk, none when the file is damaged."""
    arrays = read_npz(folder / f"{chunk:05d}.npz")
    faces = None if arrays is None else arrays.get("faces")
    if faces is None or faces.dtype != np.uint8 or faces.shape[1:] != (SIDE, SIDE, 3):
        return np.empty((0, SIDE, SIDE, 3), np.uint8)
    return faces
