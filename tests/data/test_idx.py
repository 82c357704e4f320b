import gzip
import struct

import numpy as np
import pytest

from tfgenxai.data.idx import read_idx
from tfgenxai.errors import InvalidInputError

MATRIX = b"\x00\x00\x08\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + bytes([1, 2, 3, 4, 5, 6])


def test_bytes_written_by_hand(tmp_path):
    file = tmp_path / "a-idx2-ubyte"
    file.write_bytes(MATRIX)
    assert read_idx(file).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert read_idx(file).dtype == np.uint8


def test_unpacks_gzip_and_large_dimensions(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (300, 5, 7), dtype=np.uint8)
    file = tmp_path / "a.gz"
    file.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 300, 5, 7) + bytes(values)))
    assert np.array_equal(read_idx(file), values)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MATRIX[:3],
        MATRIX[:9],
        MATRIX[:-1],
        MATRIX + b"\0",
        b"\x01" + MATRIX[1:],
        MATRIX[:2] + b"\x0d" + MATRIX[3:],
    ],
    ids=["empty", "no header", "half header", "short", "long", "no magic", "floats"],
)
def test_damaged_files_are_named(tmp_path, content):
    file = tmp_path / "broken"
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match="broken"):
        read_idx(file)


def test_truncated_gzip_is_named(tmp_path):
    file = tmp_path / "broken.gz"
    file.write_bytes(gzip.compress(MATRIX * 100)[:-9])
    with pytest.raises(InvalidInputError, match="broken.gz"):
        read_idx(file)
