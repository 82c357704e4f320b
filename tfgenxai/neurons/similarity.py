"""Whether neurons respond alike to samples of one class: within against between classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.checks import check_labels
from tfgenxai.metrics.intervals import interval
from tfgenxai.neurons.activations import Activations

if TYPE_CHECKING:
    import pandas

# Shuffles that are compared in one matrix product.
_TOGETHER = 50

Measure = Literal["centred", "correlation", "cosine"]


def class_similarity(
    activations: Activations | Mapping[str, Any],
    labels: Any = None,
    *,
    measure: Measure = "centred",
    permutations: int = 200,
    seed: int = 0,
) -> pandas.DataFrame:
    """How alike activations are for two samples of one class, and of two: one row a layer.

    Columns: `layer`; `within` and `between`, the mean similarity of a sample to the others of its
    class, and to those of other classes; `difference` of the two; each with the ends of its 95 %
    bootstrap interval over samples; `p_value` of the difference, by shuffling the labels, and
    `chance`, the mean difference of shuffled labels; `samples`.

    Args:
        activations: of N samples; or a mapping of names to arrays (N, ...).
        labels: (N,); those of the activations by default.
        measure: of two activation vectors. "cosine" is near 1 for any two where all neurons are
            positive, as after a ReLU. "correlation" takes each vector's own mean away first;
            "centred" takes each neuron's mean over the samples away: what all samples have in
            common does not count.
        permutations: shuffles of the labels; the smallest p-value is 1 / (permutations + 1).
        seed: of the shuffles.

    Raises:
        UsageError: no such measure, or no labels.
        InvalidInputError: labels that do not fit, a class of one sample, NaN or infinite values.
    """
    import pandas

    if measure not in ("centred", "correlation", "cosine"):
        raise UsageError(f"measure= is 'centred', 'correlation' or 'cosine', not {measure!r}.")
    layers = activations.values if isinstance(activations, Activations) else activations
    if labels is None:
        labels = getattr(activations, "labels", None)
    if labels is None:
        raise UsageError("Classes are compared, and the samples have none: pass labels=.")
    rows = []
    for name, values in layers.items():
        found = similarities(values, measure)
        own = check_labels(labels, len(found))
        rows.append({"layer": name, **_compared(found, own, permutations, seed)})
    return pandas.DataFrame(rows)


def similarities(values: Any, measure: Measure = "centred") -> np.ndarray:
    """Similarity of every two samples (N, N), in [-1, 1], from activations (N, ...).

    A sample without any deviation (all its neurons are 0, or at their mean) is like no other: 0.
    """
    array = np.asarray(values, np.float64)
    if array.ndim < 2 or not np.isfinite(array).all():
        raise InvalidInputError(
            f"Activations must be finite numbers (N, ...); these have shape {array.shape}."
        )
    rows = array.reshape(len(array), -1)
    if measure == "centred":
        rows = rows - rows.mean(axis=0)
    elif measure == "correlation":
        rows = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(norms > 0, norms, 1.0)
    return rows @ rows.T


def _compared(found: np.ndarray, labels: np.ndarray, shuffles: int, seed: int) -> dict[str, Any]:
    names, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if sizes.min() < 2:
        raise InvalidInputError(
            f"Class {names[sizes.argmin()]} has one sample only: two of each are needed."
        )
    within, between = _means(found, own[:, None], sizes)
    difference = (within - between)[:, 0]
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(own) for _ in range(shuffles)]
    parts = [
        np.subtract(*_means(found, np.stack(shuffled[at : at + _TOGETHER], axis=1), sizes))
        for at in range(0, shuffles, _TOGETHER)
    ]
    chance = np.concatenate([part.mean(axis=0) for part in parts]) if parts else np.array([])
    return {
        **interval(within[:, 0]).row("within"),
        **interval(between[:, 0]).row("between"),
        **interval(difference).row("difference"),
        "p_value": float((1 + (chance >= difference.mean() - 1e-12).sum()) / (shuffles + 1)),
        "chance": float(chance.mean()) if shuffles else float("nan"),
        "samples": len(found),
    }


def _means(found: np.ndarray, own: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean similarity of each sample to the others of its class, and to all of other ones.

    Both are (N, P), for P labellings `own` (N, P) with classes of these sizes.
    """
    count, shuffles = own.shape
    members = np.eye(len(sizes))[own].reshape(count, -1)
    by_class = (found @ members).reshape(count, shuffles, len(sizes))
    mine = np.take_along_axis(by_class, own[..., None], axis=2)[..., 0]
    within = (mine - np.diagonal(found)[:, None]) / (sizes[own] - 1)
    between = (by_class.sum(axis=2) - mine) / (count - sizes[own])
    return within, between
