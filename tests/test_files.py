"""Atomic writing: the old file or the new one, never half of one."""

from __future__ import annotations

import os
import stat

import pytest

from tfgenxai.files import write_bytes, write_text


def test_content_arrives_and_nothing_else_is_left(tmp_path):
    path = write_bytes(tmp_path / "new" / "a.bin", b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    write_text(path, "größer")
    assert path.read_bytes() == "größer".encode()
    assert [each.name for each in path.parent.iterdir()] == ["a.bin"]


def test_a_crash_keeps_the_old_file(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "old")

    def crash(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_the_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").write_text("x")
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "plain", write_text(tmp_path / "atomic", "x"))
    ]
    assert modes[0] == modes[1]
