"""Who labels what a generator draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.saved.read import load

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def shipped_classifier(data: str | None, shape: tuple[int | None, ...]) -> Graph | None:
    """`classify` of the classifier that ships, or None where it knows no such images.

    Args:
        data: name of the data set that the generator was trained on.
        shape: (H, W, C) of its images.
    """
    try:
        found = load("classifier")
    except ModelNotFoundError:
        return None
    if data is None or found.trained_on.get("name") != data:
        return None
    graph = found["classify"]
    return graph if tuple(graph.inputs["image"].shape[1:]) == tuple(shape) else None
