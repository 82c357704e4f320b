"""Who reads what a model of words writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.saved.read import load
from tfgenxai.saved.word import alphabet_of

if TYPE_CHECKING:
    from tfgenxai.saved.read import SavedModel


def shipped_recogniser(data: str | None, alphabet: str) -> SavedModel | None:
    """The recogniser that ships; None where it learnt on other words, or knows other characters.

    Args:
        data: name of the data set that the words are of.
        alphabet: the characters that they are written in.
    """
    try:
        found = load("recogniser")
    except ModelNotFoundError:
        return None
    fits = found.trained_on.get("name") == data and set(alphabet) <= set(alphabet_of(found))
    return found if fits else None


def check_judge(judge: SavedModel, alphabet: str) -> None:
    """Whether `judge` can judge words of these characters.

    Raises:
        ModelNotFoundError: it reads no words, or gives no features of them.
        UsageError: it does not know one of the characters.
    """
    if "recognise" not in judge or "features" not in judge.signatures["recognise"].outputs:
        raise ModelNotFoundError(
            f"{judge.path} does not judge words: it has no signature 'recognise' that gives text "
            "and features. Give --classifier a recogniser."
        )
    unknown = sorted(set(alphabet) - set(alphabet_of(judge)))
    if unknown:
        raise UsageError(
            f"{judge.path} reads {alphabet_of(judge)!r}, and no {', '.join(map(repr, unknown))} "
            "that the model writes; give --classifier a recogniser of the same words."
        )
