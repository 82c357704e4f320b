import pytest

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.saved.card import CARD, write_card
from tfgenxai.saved.listing import list_models


def make(folder, name, card=None, graph=b"graph"):
    path = folder / name
    path.mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(graph)
    if card is not None:
        write_card(path, card)
    return path


def test_models_are_described_by_their_cards(tmp_path):
    card = {
        "architecture": {"class": "CVAE"},
        "data": {"name": "mnist"},
        "signatures": ["decode", "encode"],
        "metrics": {"elbo": -97.0},
    }
    path = make(tmp_path, "b", card)
    make(tmp_path, "a", graph=b"12345")
    (tmp_path / "b.keras").write_bytes(b"an archive")
    (tmp_path / "b.training").mkdir()
    make(tmp_path / ".c.1.partial", "model")  # left by a killed export
    plain, described = list_models(tmp_path)
    assert (plain.name, plain.size, plain.signatures, plain.metrics) == ("a", 5, (), {})
    assert (plain.architecture, plain.data) == ("", "")
    assert (described.name, described.path) == ("b", path)
    assert (described.architecture, described.data) == ("CVAE", "mnist")
    assert described.signatures == ("decode", "encode")
    assert described.metrics == {"elbo": -97.0}
    assert described.size == sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def test_no_models_and_no_folder(tmp_path):
    assert list_models(tmp_path) == []
    with pytest.raises(ModelNotFoundError, match="no folder .*nowhere"):
        list_models(tmp_path / "nowhere")


def test_models_of_the_current_directory_come_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = make(tmp_path / "saved_models", "classifier")
    found = {model.name: model.path for model in list_models()}
    assert found["classifier"] == mine


def test_a_damaged_card_hides_no_other_model(tmp_path):
    make(tmp_path, "whole", {"architecture": {"class": "CVAE"}})
    (make(tmp_path, "broken", {}) / CARD).write_text("{")
    broken, whole = list_models(tmp_path)
    assert (broken.architecture, whole.architecture) == ("damaged card", "CVAE")
