"""Who sees classes in what a model draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.saved.read import load

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel


def find_classifier(model: SavedModel, named: str | None, *, trusted: bool = False) -> Graph | None:
    """`classify` of the classifier named, else for digits of the one that ships, else None.

    Raises:
        ModelNotFoundError: there is no such model, or it does not classify.
    """
    digits = model.trained_on.get("name") == "mnist"
    name = named or ("classifier" if digits else None)
    if name is None:
        return None
    found = load(name, trusted=trusted)
    if "classify" not in found:
        raise ModelNotFoundError(
            f"{name} has no signature 'classify'; give --classifier another model."
        )
    return found["classify"]
