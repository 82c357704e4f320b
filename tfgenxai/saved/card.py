"""The model card: what a SavedModel is, how it came about, and the checksums of its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tfgenxai.errors import DamagedModelError
from tfgenxai.files import write_text

CARD = Path("assets.extra") / "card.json"
"""Where the card lies in a SavedModel's folder."""


def shelves() -> list[Path]:
    """Where models are looked up by name: `saved_models/` here, then in this package's checkout."""
    name = "saved_models"
    return [Path.cwd() / name, Path(__file__).resolve().parents[2] / name]


def read_card(path: str | Path) -> dict[str, Any] | None:
    """The card of the SavedModel in the folder ``path``, or None if it has none.

    Raises:
        DamagedModelError: the card is not a JSON object.
    """
    file = Path(path) / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedModelError(
            f"The model card {str(file)!r} cannot be read: {error}. Export the model again."
        ) from error
    if not isinstance(card, dict):
        raise DamagedModelError(f"The model card {str(file)!r} is not a JSON object.")
    return card


def write_card(path: str | Path, card: dict[str, Any]) -> Path:
    """Write the card of the SavedModel in the folder ``path``; gives the card's file.

    ``card`` is stored with the entry ``sha256`` set: relative path -> SHA-256, in hex, of every
    file but the card itself.
    """
    folder = Path(path)
    file = folder / CARD
    content = {**card, "sha256": _checksums(folder)}
    return write_text(file, json.dumps(content, indent=2) + "\n")


def verify(path: str | Path) -> None:
    """Compare the files of the SavedModel in the folder ``path`` with its card's checksums.

    A model without a card, or a card without checksums, passes: there is nothing to compare.

    Raises:
        DamagedModelError: a file is missing or differs; names it.
    """
    folder = Path(path)
    expected = (read_card(folder) or {}).get("sha256", {})
    if not isinstance(expected, dict):
        raise DamagedModelError(f"The model card of {str(path)!r} holds no table of checksums.")
    for name, checksum in expected.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            raise DamagedModelError(
                f"The model card of {str(path)!r} names a file outside of the model: {name!r}."
            )
        if not file.is_file():
            raise DamagedModelError(
                f"{str(path)!r} is incomplete: {name!r} is missing. Copy or export it again."
            )
        if sha256(file) != checksum:
            raise DamagedModelError(
                f"{str(path)!r} is damaged or was altered: {name!r} differs from the checksum on "
                "its card. Copy or export it again."
            )


def sha256(file: Path) -> str:
    """SHA-256 of a file, in hex; reads it piece by piece."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f != folder / CARD)
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}
