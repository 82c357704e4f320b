import numpy as np
import pytest

from tfgenxai.data import cache


def test_folder_follows_the_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("TFGENXAI_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("TFGENXAI_CACHE")
    assert cache.cache_dir() == tmp_path / "xdg" / "tfgenxai"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / ".cache" / "tfgenxai"


def test_built_once_then_read(own_cache):
    calls = []

    def build():
        calls.append(1)
        return {"a": np.arange(5)}

    for _ in range(3):
        assert cache.cached("folder/x.npz", build)["a"].tolist() == [0, 1, 2, 3, 4]
    assert len(calls) == 1


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text", "incomplete"])
def test_a_damaged_file_is_rebuilt(own_cache, damage):
    good = {"a": np.random.default_rng(0).integers(0, 255, 4000, dtype=np.uint8)}
    cache.cached("x.npz", lambda: good)
    file = own_cache / "x.npz"
    content = bytearray(file.read_bytes())
    if damage == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "text":
        file.write_text("not an archive")
    else:
        cache.write_npz(file, {"b": np.zeros(1)})
    again = cache.cached("x.npz", lambda: good, lambda arrays: "a" in arrays)
    assert np.array_equal(again["a"], good["a"])
    assert np.array_equal(cache.read_npz(file)["a"], good["a"])


def test_a_failed_write_leaves_the_old_file_and_no_other(own_cache, monkeypatch):
    file = own_cache / "x.npz"
    cache.write_npz(file, {"a": np.arange(3)})

    def fail(stream, **arrays):
        stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        cache.write_npz(file, {"a": np.arange(9)})
    assert cache.read_npz(file)["a"].tolist() == [0, 1, 2]
    assert [f.name for f in own_cache.iterdir()] == ["x.npz"]


def test_an_unwritable_cache_is_a_warning(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("TFGENXAI_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="TFGENXAI_CACHE"):
        assert cache.cached("x.npz", lambda: {"a": np.ones(1)})["a"] == 1
