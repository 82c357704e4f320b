"""The SavedModels of a folder, described by their cards, without opening them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.saved.card import read_card


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


def shipped_folder() -> Path:
    """`saved_models/` of the current directory, or else of the checkout of this package."""
    here = Path("saved_models")
    return here if here.is_dir() else Path(__file__).resolve().parents[2] / "saved_models"


def list_models(folder: str | Path | None = None) -> list[Listed]:
    """The SavedModels in `folder` (default: those that ship), sorted by name; sizes in bytes.

    Raises ModelNotFoundError when there is no such folder.
    """
    folder = Path(folder) if folder is not None else shipped_folder()
    if not folder.is_dir():
        raise ModelNotFoundError(f"There is no folder {folder}; name one that holds SavedModels.")
    paths = sorted(file.parent for file in folder.glob("*/saved_model.pb"))
    return [_listed(path) for path in paths]


def _listed(path: Path) -> Listed:
    card = read_card(path) or {}
    return Listed(
        name=path.name,
        path=path,
        architecture=card.get("architecture", {}).get("class", ""),
        data=card.get("data", {}).get("name", ""),
        signatures=tuple(card.get("signatures", ())),
        metrics=card.get("metrics", {}),
        size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
    )
