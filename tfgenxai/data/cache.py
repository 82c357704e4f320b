"""Arrays kept between runs: one folder, whole files only, and a damaged file counts as absent."""

from __future__ import annotations

import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


def cache_dir() -> Path:
    """The folder for cached arrays: `$TFGENXAI_CACHE`, else the user's cache folder (XDG)."""
    chosen = os.environ.get("TFGENXAI_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tfgenxai"


def read_npz(path: Path) -> Arrays | None:
    """The arrays of a cache file, or None when it is missing, truncated or altered.

    Every member of a zip file carries a CRC-32, so a flipped bit is noticed as well.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to `path` as a whole: a reader sees the old file or the new one, never half.

    Raises:
        OSError: the folder cannot be written or the disk is full; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            # ** over savez's own parameters is safe: our names are never "file".
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """`write_npz`, except that a failure is a warning: it costs time later, not the result."""
    try:
        write_npz(path, arrays)
    except OSError as error:
        warnings.warn(
            f"{path} could not be written ({error}); set TFGENXAI_CACHE to a writable folder.",
            stacklevel=3,
        )


def cached(
    name: str, build: Callable[[], Arrays], intact: Callable[[Arrays], bool] = lambda _: True
) -> Arrays:
    """The arrays of cache file `name`, built and kept when absent, damaged or not `intact`."""
    path = cache_dir() / name
    arrays = read_npz(path)
    if arrays is not None and intact(arrays):
        return arrays
    arrays = build()
    keep(path, arrays)
    return arrays
