"""Localisation: whether relevance lies where it is known that it should.

Masks are boolean (N, H, W): the pixels that the target depends on. Relevance is read as
`relevance_maps` does. `chance` says what a map that knows nothing gets. Samples whose mask is
empty, or holds the whole image, give NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.relevance import relevance_rows


def relevance_mass(relevance: Any, masks: np.ndarray) -> np.ndarray:
    """Share of the positive relevance that lies inside the mask, (N,) in [0, 1].

    Arras, Osman and Samek 2022 (CLEVR-XAI). Higher is better; chance is `chance(masks)`. NaN where
    no relevance is positive.
    """
    rows, inside = _rows(relevance, masks)
    positive = np.maximum(rows, 0.0)
    total = positive.sum(axis=1)
    return _defined(inside, np.sum(positive * inside, axis=1), total)


def relevance_rank(relevance: Any, masks: np.ndarray) -> np.ndarray:
    """Share of the K most relevant places that lie inside the mask of K places, (N,) in [0, 1].

    Arras, Osman and Samek 2022. Higher is better; chance is `chance(masks)`. Of equally relevant
    places at the end of the K, each counts for the share of them that has room.
    """
    rows, inside = _rows(relevance, masks)
    size = inside.sum(axis=1)
    ordered = np.sort(rows, axis=1)[:, ::-1]
    least = np.take_along_axis(ordered, np.maximum(size - 1, 0)[:, None], axis=1)
    above, equal = rows > least, rows == least
    room = (size - above.sum(axis=1)) / equal.sum(axis=1)
    hits = np.sum(above & inside, axis=1) + room * np.sum(equal & inside, axis=1)
    return _defined(inside, hits, size)


def pointing(relevance: Any, masks: np.ndarray) -> np.ndarray:
    """Whether the most relevant place lies inside the mask, (N,): 1, 0, or between for ties.

    The pointing game of Zhang et al. 2018, without the tolerance around the mask. Of several
    places of the largest relevance, the share inside counts. Higher is better; chance is
    `chance(masks)`.
    """
    rows, inside = _rows(relevance, masks)
    largest = rows == rows.max(axis=1, keepdims=True)
    hits = np.sum(largest & inside, axis=1)
    return _defined(inside, hits, largest.sum(axis=1))


def auroc(relevance: Any, masks: np.ndarray) -> np.ndarray:
    """How likely a place inside the mask is more relevant than one outside, (N,) in [0, 1].

    The area under the ROC curve of relevance as a detector of the mask; of equally relevant
    places, half counts. Higher is better; chance is 0.5.
    """
    from scipy.stats import rankdata

    rows, inside = _rows(relevance, masks)
    size = inside.sum(axis=1)
    # The statistic of Mann and Whitney: pairs of a place inside and a less relevant one outside.
    pairs = np.sum(rankdata(rows, axis=1) * inside, axis=1) - size * (size + 1) / 2
    return _defined(inside, pairs, size * (inside.shape[1] - size))


def chance(masks: np.ndarray) -> np.ndarray:
    """Mass, rank and pointing of random relevance: the mask's share of the image, (N,)."""
    inside = np.asarray(masks, bool).reshape(len(masks), -1)
    return np.where(_usable(inside), inside.mean(axis=1), np.nan)


def _rows(relevance: Any, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relevance and masks, (N, P) each."""
    masks = np.asarray(masks)
    if masks.ndim != 3 or masks.dtype != bool:
        raise InvalidInputError(
            f"Masks are boolean and have shape (N, H, W), not {masks.dtype} {masks.shape}."
        )
    rows = relevance_rows(relevance, masks.shape[1:], len(masks))
    return rows, masks.reshape(len(masks), -1)


def _usable(inside: np.ndarray) -> np.ndarray:
    """Which masks (N, P) tell places apart."""
    size = inside.sum(axis=1)
    return (size > 0) & (size < inside.shape[1])


def _defined(inside: np.ndarray, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the mask tells nothing or the whole is 0."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=_usable(inside) & (whole > 0))
    return found
