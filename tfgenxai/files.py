"""Writing files so that a crash leaves the old file or the new one, never half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` atomically, making its folder; gives back the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; a report is meant to be shared.
        os.chmod(partial, shared_mode())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    return path


def write_text(path: str | os.PathLike[str], content: str) -> Path:
    """Write `content` to `path` atomically as UTF-8, making its folder; gives back the path."""
    return write_bytes(path, content.encode())


def shared_mode() -> int:
    """The permissions that a file opened as usual would have here."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
