"""Complexity: over how many places the relevance is spread. Simple is not the same as right."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgenxai.metrics.relevance import relevance_rows


def gini(relevance: Any) -> np.ndarray:
    """Gini index of absolute relevance, (N,): 0 for an even map, 1 - 1/P for a single place.

    Hurley and Rickard 2009; of explanations, Chalasani et al. 2020. Higher is sparser. NaN for
    maps of zeros.
    """
    shares = np.sort(_shares(relevance), axis=1)
    places = shares.shape[1]
    weights = (places - np.arange(1, places + 1) + 0.5) / places
    return 1.0 - 2.0 * shares @ weights


def entropy(relevance: Any) -> np.ndarray:
    """Entropy of the shares of absolute relevance, (N,) in nats: 0 to log P.

    The complexity of Bhatt, Weller and Moura 2020. Lower is simpler. NaN for maps of zeros.
    """
    from scipy.special import entr

    return entr(_shares(relevance)).sum(axis=1)


def _shares(relevance: Any) -> np.ndarray:
    """Absolute relevance as shares of its sum, (N, P)."""
    rows = np.abs(relevance_rows(relevance))
    total = rows.sum(axis=1, keepdims=True)
    return np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0)
