"""A model of words without a word: one sentence that says how to name one."""

import types

import pytest

from tests.words import tiny
from tfgenxai.errors import UsageError
from tfgenxai.explain import models
from tfgenxai.latent.generator import Generator
from tfgenxai.saved.word import name_a_word


class Toy(dict):
    """A model of words as `load` gives it."""

    def __init__(self, alphabet):
        super().__init__(generate=tiny.graph_of(tiny.generator()))
        self.path = types.SimpleNamespace(name="writer")
        self.card = {"architecture": {"config": {"alphabet": alphabet}}}

    def __str__(self):
        return "writer"


def test_commands_that_open_a_model_ask_for_a_word(monkeypatch):
    monkeypatch.setattr(models, "load", lambda path, trusted: Toy("abc"))
    with pytest.raises(UsageError, match="^runs/writer is a model of words.*as runs/writer@abc.$"):
        models.open_model("runs/writer")


def test_a_generator_of_words_has_no_classes_to_draw():
    generator = Generator.of(Toy("0123456789"))
    assert generator.conditional and generator.width == tiny.CODE
    with pytest.raises(UsageError, match="name a word, as .*writer.*@2026"):
        generator.labels(4)


def test_a_word_that_the_model_can_write():
    assert str(name_a_word("m", "0123456789")).endswith("m@2026.")
    assert str(name_a_word("m")).endswith("m@2026.")
    assert str(name_a_word("m", "XYZ")).endswith("m@XYZ.")
