"""Who sees classes in what a model draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.latent.generator import find_generator
from tfgenxai.saved.read import load

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.saved.read import SavedModel


def find_classifier(model: SavedModel, named: str | None, *, trusted: bool = False) -> Graph | None:
    """`classify` of the classifier named, else of the one that ships if it knows such images.

    Raises:
        ModelNotFoundError: there is no such model, or it does not classify.
    """
    if named is None:
        graph = find_generator(model)
        data = model.trained_on.get("name")
        found = (
            None if graph is None else shipped_classifier(data, graph.outputs["image"].shape[1:])
        )
        return None if found is None else found["classify"]
    given = load(named, trusted=trusted)
    if "classify" not in given:
        raise ModelNotFoundError(
            f"{named} has no signature 'classify'; give --classifier another model."
        )
    return given["classify"]


def shipped_classifier(data: str | None, shape: Sequence[int | None]) -> SavedModel | None:
    """The classifier that ships; None where it knows no such images.

    Args:
        data: name of the data set that they are of.
        shape: (H, W, C).
    """
    try:
        found = load("classifier")
    except ModelNotFoundError:
        return None
    knows = tuple(found["classify"].inputs["image"].shape[1:])
    return found if found.trained_on.get("name") == data and knows == tuple(shape) else None
