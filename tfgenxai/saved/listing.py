"""The SavedModels of a folder, described by their cards, without opening them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgenxai.errors import DamagedModelError, ModelNotFoundError
from tfgenxai.saved.card import read_card, shelves


@dataclass(frozen=True)
class Listed:
    """A SavedModel as its card describes it; the fields are empty where there is no card."""

    name: str
    path: Path
    architecture: str
    data: str
    signatures: tuple[str, ...]
    metrics: dict[str, Any]
    size: int


def list_models(folder: str | Path | None = None) -> list[Listed]:
    """The SavedModels in `folder` (default: those that ship), sorted by name; sizes in bytes.

    Raises ModelNotFoundError when there is no such folder.
    """
    folders = shelves() if folder is None else [Path(folder)]
    if not any(shelf.is_dir() for shelf in folders):
        raise ModelNotFoundError(
            f"There is no folder {folders[0]}; name one that holds SavedModels."
        )
    # The first shelf wins, as it does for `load(name)`.
    found = {
        file.parent.name: file.parent
        for shelf in reversed(folders)
        for file in shelf.glob("*/saved_model.pb")
    }
    return [_listed(found[name]) for name in sorted(found)]


def _listed(path: Path) -> Listed:
    try:
        card = read_card(path) or {}
    except DamagedModelError:
        card = {"architecture": {"class": "damaged card"}}
    return Listed(
        name=path.name,
        path=path,
        architecture=card.get("architecture", {}).get("class", ""),
        data=card.get("data", {}).get("name", ""),
        signatures=tuple(card.get("signatures", ())),
        metrics=card.get("metrics", {}),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
    )
