"""Messages between two processes: a JSON header and named arrays, without pickle."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np

_LENGTHS = struct.Struct(">QQ")


class Message(NamedTuple):
    """What is sent at once.

    Attributes:
        header: JSON values.
        arrays: by name.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = {}


def send(stream: IO[bytes], message: Message) -> None:
    """Writes both lengths, the header and the arrays, as a .npz file.

    Raises:
        OSError: nobody reads the stream any more.
    """
    header = json.dumps(message.header).encode()
    arrays = io.BytesIO()
    np.savez(arrays, **message.arrays)  # type: ignore[arg-type]
    stream.write(_LENGTHS.pack(len(header), arrays.tell()))
    stream.write(header)
    stream.write(arrays.getbuffer())
    stream.flush()


def receive(stream: IO[bytes]) -> Message:
    """The next message.

    Raises:
        EOFError: the stream ends before the message does.
    """
    header, arrays = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    read = json.loads(_exactly(stream, header))
    with np.load(io.BytesIO(_exactly(stream, arrays)), allow_pickle=False) as archive:
        return Message(read, {name: archive[name] for name in archive.files})


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError("The stream ended within a message.")
    return found
