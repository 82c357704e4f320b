"""Arrays from idx files, the format that MNIST and Fashion-MNIST are published in."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from tfgenxai.errors import InvalidInputError

_UINT8 = 0x08


def read_idx(path: Path) -> np.ndarray:
    """uint8 array of the shape that the file declares; a name ending in .gz is unpacked.

    The format: two zero bytes, the element type, the number of dimensions, each dimension as a
    big-endian 32-bit integer, then the elements, last dimension fastest.

    Raises:
        InvalidInputError: the file is no idx file of bytes, is truncated or goes on after the end.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path} cannot be read as an idx file: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UINT8:
        raise InvalidInputError(f"{path} is not an idx file of unsigned bytes.")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise InvalidInputError(f"{path} ends inside its header; copy the file again.")
    shape = tuple(int(side) for side in np.frombuffer(content[4:start], ">u4"))
    if len(content) - start != prod(shape):
        raise InvalidInputError(
            f"{path} declares {prod(shape):,} values of shape {shape} but holds "
            f"{len(content) - start:,}; copy the file again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
