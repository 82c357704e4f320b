"""Statistics of a layer's activations, gathered batch by batch."""

from __future__ import annotations

import numpy as np

# Below this share of its largest magnitude, a neuron's range is rounding.
_CONSTANT = 1e-6


class Moments:
    """Sums over samples of the activations of a layer, each neuron by itself.

    Args:
        shape: of a sample's activations.
        labels: (N,), where classes are to be told apart.
    """

    def __init__(self, shape: tuple[int, ...], labels: np.ndarray | None) -> None:
        self.shape = shape
        size = int(np.prod(shape))
        self._count = self._zeros = self._negative = 0
        self._sum, self._squares = np.zeros(size), np.zeros(size)
        self._low, self._high = np.full(size, np.inf), np.full(size, -np.inf)
        self._own: np.ndarray | None = None
        if labels is not None:
            _, self._own = np.unique(labels, return_inverse=True)
            self._sizes = np.bincount(self._own)
            self._sums = np.zeros((len(self._sizes), size))

    def add(self, values: np.ndarray, start: int) -> None:
        """Counts activations (n, ...) of the samples from number `start`."""
        rows = values.reshape(len(values), -1).astype(np.float64)
        self._count += len(rows)
        self._zeros += int((rows == 0).sum())
        self._negative += int((rows < 0).sum())
        self._sum += rows.sum(axis=0)
        self._squares += np.einsum("nd,nd->d", rows, rows)
        np.minimum(self._low, rows.min(axis=0), out=self._low)
        np.maximum(self._high, rows.max(axis=0), out=self._high)
        if self._own is not None:
            own = self._own[start : start + len(rows)]
            self._sums += (own == np.arange(len(self._sums))[:, None]).astype(float) @ rows

    def row(self) -> dict[str, float | int]:
        """The statistics: see `activations`."""
        mean = self._sum / self._count
        total = np.maximum(self._squares - self._count * mean**2, 0.0).sum()
        every = self._count * len(mean)
        largest = np.maximum(np.abs(self._low), np.abs(self._high))
        still = self._high - self._low <= _CONSTANT * largest
        row: dict[str, float | int] = {
            "mean": float(mean.mean()),
            "std": float(np.sqrt(max(self._squares.sum() / every - mean.mean() ** 2, 0.0))),
            "zeros": self._zeros / every,
            "negative": self._negative / every,
            "dead": int(still.reshape(-1, self.shape[-1]).all(axis=0).sum()),
        }
        if self._own is not None:
            means = self._sums / self._sizes[:, None]
            between = (self._sizes[:, None] * (means - mean) ** 2).sum()
            row["between"] = float(between / total) if total else float("nan")
            row["between_chance"] = (len(self._sizes) - 1) / (self._count - 1)
        return row
