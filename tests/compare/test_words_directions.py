"""The parts on directions and style codes, on words of bars that lean and thicken as codes say."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.latent.directions.bar_words import ALPHABET, bar_word, mark_reader
from tfgenxai.compare import words_codes, words_directions
from tfgenxai.compare.words import Words
from tfgenxai.graph import Graph

WIDTH = 4
MIXED = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)


class Toy(dict[str, Any]):
    """Signatures with what else a SavedModel of words has."""

    def __init__(self, name: str, config: dict[str, Any], **signatures: Any) -> None:
        super().__init__(signatures)
        self.path = types.SimpleNamespace(name=name)
        self.card = {"architecture": {"config": {"alphabet": ALPHABET, **config}}}


def graph(function: Any, **inputs: tuple[Any, ...]) -> Graph:
    specs = [tf.TensorSpec((None, *s), t, name) for name, (t, *s) in inputs.items()]
    return Graph.from_function(tf.function(function, input_signature=specs))


@pytest.fixture(scope="module")
def comparison() -> Words:
    """A code of four, of which two, turned by a rotation, lean and thicken; the last is a code."""

    def generate(z, label):
        image = bar_word(tf.nn.relu(z @ MIXED + 50.0)[:, :2] - 50.0, label)
        return {"image": tf.ensure_shape(image, (None, 32, None, 1))}

    model = Toy(
        "bars",
        {"continuous": 1, "categories": 0},
        generate=graph(generate, z=(tf.float32, WIDTH), label=(tf.int64, None)),
        infer=None,
    )
    recognise = graph(mark_reader, image=(tf.float32, 32, None, 1))
    judge = Toy("marks", {}, recognise=recognise)
    lengths = [
        types.SimpleNamespace(texts=texts, count=len(texts[0]))
        for texts in (["ab", "ca", "ab"], ["bca"])
    ]
    material = types.SimpleNamespace(
        model=model, judge=judge, lengths=lengths, total=4, seed=0, source="toys"
    )
    found = Words.__new__(Words)
    super(Words, found).__init__("toys")
    found.material = material  # type: ignore[assignment]
    with pytest.MonkeyPatch.context() as less:
        less.setattr(words_directions, "METHODS", ("sefa", "random"))
        less.setattr(words_directions, "FEWEST", 3)
        words_directions.add_directions(found)
    words_codes.add_codes(found)
    return found


def test_what_leans_at_home_leans_other_words(comparison: Words) -> None:
    rows = comparison.frames["direction-transfer"].set_index(["directions", "word", "measure"])
    for word in ("ab", "ca", "bca"):
        for method in ("sefa", "random"):
            assert rows.loc[(method, word, "slant"), "correlation"] > 0.95
            assert rows.loc[(method, word, "text lost"), "mean"] <= 1
    assert comparison.results["directions"]["home"] == "ab"


def test_effects_at_home_are_in_the_table(comparison: Words) -> None:
    frame = comparison.frames["direction-effects"]
    assert list(frame["directions"]) == ["sefa"] * WIDTH + ["random"] * WIDTH
    assert {"directions-sefa", "transfer-sefa", "directions-random", "codes"} <= set(
        comparison.figures
    )
    assert any("lean" in finding for finding in comparison.findings)


def test_codes_are_beside_controls(comparison: Words) -> None:
    frame = comparison.frames["codes"]
    assert list(frame["coordinate"]) == ["code 0", "z 0", "z 1", "z 2"]
    assert any(finding.startswith("The continuous code 0") for finding in comparison.findings)


def test_a_model_without_codes_has_no_such_part(comparison: Words) -> None:
    plain = types.SimpleNamespace(
        material=types.SimpleNamespace(model=Toy("plain", {}, generate=None))
    )
    words_codes.add_codes(plain)  # type: ignore[arg-type]
