from __future__ import annotations

import hashlib
import json

import pytest

from tfgenxai.errors import DamagedModelError
from tfgenxai.saved.card import read_card, verify, write_card


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(bytes(range(256)) * 5000)
    return folder


def test_card_holds_what_was_given_and_the_checksum_of_every_other_file(folder):
    file = write_card(folder, {"name": "vae", "metrics": {"elbo": -97.0}, "sha256": "old"})
    assert file == folder / "assets.extra" / "card.json"
    card = read_card(folder)
    assert card["name"] == "vae" and card["metrics"] == {"elbo": -97.0}
    assert card["sha256"] == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("saved_model.pb", "variables/variables.index")
    }
    verify(folder)


def test_writing_again_replaces_the_card_and_leaves_nothing_else(folder):
    write_card(folder, {"name": "one"})
    write_card(folder, {"name": "two"})
    assert read_card(folder)["name"] == "two"
    assert [f.name for f in (folder / "assets.extra").iterdir()] == ["card.json"]
    verify(folder)


def test_failing_to_write_keeps_the_old_card(folder):
    write_card(folder, {"name": "one"})
    with pytest.raises(TypeError):
        write_card(folder, {"name": object()})
    assert read_card(folder)["name"] == "one"
    assert [f.name for f in (folder / "assets.extra").iterdir()] == ["card.json"]


def test_no_card(folder):
    assert read_card(folder) is None
    verify(folder)


@pytest.mark.parametrize("change", [b"graph!", b"Graph", b""])
def test_changed_file(folder, change):
    write_card(folder, {})
    (folder / "saved_model.pb").write_bytes(change)
    with pytest.raises(DamagedModelError, match=r"'saved_model\.pb' differs"):
        verify(folder)


def test_missing_file(folder):
    write_card(folder, {})
    (folder / "variables" / "variables.index").unlink()
    with pytest.raises(DamagedModelError, match=r"variables\.index' is missing"):
        verify(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read"), ("[1]", "not a JSON object"), ('{"sha256": 3}', "no table")],
)
def test_broken_card(folder, text, said):
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "card.json").write_text(text)
    with pytest.raises(DamagedModelError, match=said):
        verify(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname"])
def test_card_that_names_a_file_outside(folder, name):
    (folder.parent / "outside").write_text("x")
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "card.json").write_text(json.dumps({"sha256": {name: "00"}}))
    with pytest.raises(DamagedModelError, match="outside"):
        verify(folder)
