"""Numbers as tables and sentences have them: a word each, and with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def number(row: Mapping[str, Any], name: str) -> str:
    """A number and its interval, `name`, `name_low` and `name_high` of a row."""
    return f"{row[name]:.3g} [{row[f'{name}_low']:.3g}, {row[f'{name}_high']:.3g}]"


def percent(row: Mapping[str, Any], name: str, *, signed: bool = False) -> str:
    """The same of a share, in percent."""
    form = "+.1f" if signed else ".1f"
    middle, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{middle:{form}} % [{low:{form}}, {high:{form}}]"


def word_means(values: np.ndarray) -> np.ndarray:
    """Mean over the characters of a word whose value is known, (N,); NaN where none is.

    Args:
        values: (N, n), NaN where a character has no value.
    """
    known = np.isfinite(values)
    total, count = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
