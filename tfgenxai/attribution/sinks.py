"""Where values go batch by batch: memory, or a memory-mapped file, so that N does not matter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.files import shared_mode


class Sink(Protocol):
    """Takes values batch by batch."""

    def append(self, values: np.ndarray) -> None:
        """Takes (n, ...)."""

    def close(self) -> np.ndarray:
        """All that was appended, (N, ...)."""

    def discard(self) -> None:
        """Forgets everything."""


class MemorySink:
    """Collects values in memory; with a known length they are never there twice."""

    def __init__(self, length: int | None) -> None:
        self.length = length
        self.count = 0
        self.parts: list[np.ndarray] = []
        self.whole: np.ndarray | None = None

    def append(self, values: np.ndarray) -> None:
        """Takes (n, ...)."""
        if self.length is None:
            self.parts.append(values)
            return
        if self.whole is None:
            self.whole = np.empty((self.length, *values.shape[1:]), values.dtype)
        self.whole[self.count : self.count + len(values)] = values
        self.count += len(values)

    def close(self) -> np.ndarray:
        """All that was appended, (N, ...)."""
        return np.concatenate(self.parts) if self.whole is None else self.whole[: self.count]

    def discard(self) -> None:
        """Forgets everything."""
        self.parts, self.whole = [], None


class NpySink:
    """Streams values into a .npy file that appears when it is complete, and is memory-mapped."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix != ".npy":
            raise UsageError(f"out= names a .npy file, not {str(path)!r}.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, self.partial = tempfile.mkstemp(
            dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp"
        )
        self.file = os.fdopen(handle, "wb")
        self.count = 0
        self.row: tuple[int, ...] | None = None

    def append(self, values: np.ndarray) -> None:
        """Takes (n, ...)."""
        if self.row is None:
            self.row = values.shape[1:]
            self._header()
        self.file.write(np.ascontiguousarray(values, np.float32).data)
        self.count += len(values)

    def _header(self) -> None:
        # NumPy pads headers so that the first axis can grow: the second header fits the first.
        description = np.lib.format.dtype_to_descr(np.dtype(np.float32))
        shape = (self.count, *(self.row or ()))
        header = {"descr": description, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def close(self) -> np.ndarray:
        """All that was appended, (N, ...), read from the file as it is needed."""
        self.file.seek(0)
        self._header()
        self.file.close()
        os.chmod(self.partial, shared_mode())
        os.replace(self.partial, self.path)
        return np.load(self.path, mmap_mode="r")

    def discard(self) -> None:
        """Removes the unfinished file."""
        self.file.close()
        Path(self.partial).unlink(missing_ok=True)
