"""Centred kernel alignment: how alike two layers represent the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas


def cka(first: Any, second: Any, *, debiased: bool = False) -> float:
    """Linear CKA of two representations of the same N samples, in [0, 1].

    Kornblith et al. 2019: <K, L> / (||K|| ||L||) of the centred Gram matrices K and L. It is 1 for
    representations that differ by a rotation, a reflection, a shift or a common factor only. With
    few samples of many neurons it is high for any two; `debiased` takes the unbiased estimate of
    the three products (Song et al. 2012, HSIC_1), which is about 0 for unrelated ones, and may be
    negative.

    Args:
        first, second: (N, ...); each sample is flattened.

    Raises:
        InvalidInputError: other numbers of samples, fewer than four, or NaN or infinite values.
    """
    return _aligned(_gram(first, debiased), _gram(second, debiased))


def cka_matrix(
    first: Mapping[str, Any],
    second: Mapping[str, Any] | None = None,
    *,
    debiased: bool = False,
) -> pandas.DataFrame:
    """Linear CKA of every layer of one network with every layer of another; rows are `first`.

    Args:
        first, second: name -> (N, ...) representation of the same samples; `second` is `first` by
            default.

    Raises:
        InvalidInputError: as `cka`; or there are no layers.
    """
    import pandas

    if not first or (second is not None and not second):
        raise InvalidInputError("CKA compares layers, and there are none.")
    rows = {name: _gram(values, debiased) for name, values in first.items()}
    columns = rows
    if second is not None:
        columns = {name: _gram(values, debiased) for name, values in second.items()}
    return pandas.DataFrame(
        [[_aligned(a, b) for b in columns.values()] for a in rows.values()],
        index=[*rows],
        columns=[*columns],
    )


def cka_chance(first: Any, second: Any, *, debiased: bool = False, seed: int = 0) -> float:
    """CKA when the samples of one representation are shuffled: what chance alone gives."""
    shuffled = np.random.default_rng(seed).permutation(np.asarray(second))
    return cka(first, shuffled, debiased=debiased)


def _gram(values: Any, debiased: bool) -> np.ndarray:
    """The Gram matrix (N, N), centred; or with a zero diagonal and centred so that it stays."""
    array = np.asarray(values, np.float64)
    count = len(array) if array.ndim > 1 else 0
    if count < 4 or not np.isfinite(array).all():
        raise InvalidInputError(
            f"CKA takes finite representations (N, ...) of at least four samples; this one has "
            f"shape {array.shape}" + (" and is not finite." if count >= 4 else ".")
        )
    rows = array.reshape(count, -1)
    rows = rows - rows.mean(axis=0)
    gram = rows @ rows.T
    if debiased:
        np.fill_diagonal(gram, 0.0)
        means = gram.sum(axis=0) / (count - 2)
        gram -= means[:, None] + means[None] - means.sum() / (count - 1)
        np.fill_diagonal(gram, 0.0)
    return gram


def _aligned(first: np.ndarray, second: np.ndarray) -> float:
    """NaN where a representation is the same for all samples."""
    if first.shape != second.shape:
        raise InvalidInputError(
            f"CKA compares two representations of the same samples; these are of {len(first)} and "
            f"{len(second)}."
        )
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.vdot(first, second)) / scale if scale else float("nan")
