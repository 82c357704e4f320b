"""Effect sizes: how much a latent dimension tells of the classes, and of which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent.checks import check_codes, check_labels

if TYPE_CHECKING:
    import pandas


def eta_squared(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share (D,) of each dimension's variance that lies between the classes, in [0, 1].

    The effect size of a one-way analysis of variance: the squares between classes over all
    squares. 0 for a dimension that does not vary. Chance alone gives about (classes - 1) / N.
    """
    codes = check_codes(codes)
    labels = check_labels(labels, len(codes))
    centred = codes - codes.mean(axis=0)
    between = np.zeros(codes.shape[1])
    for value in np.unique(labels):
        members = centred[labels == value]
        between += len(members) * members.mean(axis=0) ** 2
    total = (centred**2).sum(axis=0)
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)


def cohens_d(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far each class lies from the rest in each dimension, (classes, D), in deviations.

    Cohen's d: mean of the class less mean of the rest, over their pooled standard deviation
    (Cohen 1988). Rows are in the labels' order; 0 where nothing varies.

    Raises:
        InvalidInputError: A class, or the rest of it, has a single code.
    """
    codes = check_codes(codes)
    labels = check_labels(labels, len(codes))
    found = []
    for value in np.unique(labels):
        members, rest = codes[labels == value], codes[labels != value]
        if min(len(members), len(rest)) < 2:
            raise InvalidInputError(
                f"Class {value} and the rest need two codes each; there are {len(members)} and "
                f"{len(rest)}."
            )
        squares = sum(((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in (members, rest))
        pooled = np.sqrt(squares / (len(codes) - 2))
        apart = members.mean(axis=0) - rest.mean(axis=0)
        found.append(np.divide(apart, pooled, out=np.zeros_like(apart), where=pooled > 0))
    return np.stack(found)


def effect_sizes(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> pandas.DataFrame:
    """One row a dimension: what it tells of the classes, largest eta squared first.

    Columns: `dimension`, `eta_squared` (see `eta_squared`), `strongest_class` and
    `cohens_d` of the class that lies farthest from the rest, and `d_NAME` for every class.
    Classes of a single code have no deviation and are left out.
    """
    import pandas

    codes, labels, names = _counted(codes, labels, class_names)
    eta, apart = eta_squared(codes, labels), cohens_d(codes, labels)
    strongest = np.abs(apart).argmax(axis=0)
    every = range(codes.shape[1])
    columns = {
        "dimension": list(every),
        "eta_squared": eta,
        "strongest_class": [names[row] for row in strongest],
        "cohens_d": [apart[strongest[d], d] for d in every],
        **{f"d_{name}": row for name, row in zip(names, apart, strict=True)},
    }
    order = np.argsort(-eta, kind="stable")
    return pandas.DataFrame(columns).iloc[order].reset_index(drop=True)


def carriers(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> pandas.DataFrame:
    """One row a class: `class`, the `dimension` that sets it apart most, and its `cohens_d` there.

    Classes of a single code are left out.
    """
    import pandas

    codes, labels, names = _counted(codes, labels, class_names)
    apart = cohens_d(codes, labels)
    best = np.abs(apart).argmax(axis=1)
    return pandas.DataFrame(
        {
            "class": names,
            "dimension": best,
            "cohens_d": apart[np.arange(len(apart)), best],
        }
    )


def _counted(
    codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Codes and labels of the classes that have two codes at least, and their names."""
    codes = check_codes(codes)
    labels = check_labels(labels, len(codes))
    values, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, values[counts > 1])
    labels = check_labels(labels[kept], int(kept.sum()))
    names = [str(v) if class_names is None else class_names[int(v)] for v in np.unique(labels)]
    return codes[kept], labels, names
