"""What activation maximisation found, and how it compares with chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

    from tfgenxai.neurons.climb import Limits


@dataclass(frozen=True)
class Maximised:
    """Inputs that maximise T targets, from R restarts each.

    Attributes:
        target_names: T names.
        codes: (T, R, ...) the inputs found: codes, or images.
        scores: (T, R) what the target gives for them, without penalty and shift.
        history: (steps + 1, T, R) scores on the way.
        images: (T, R, H, W, C), where the graph draws an image of the code; else None.
        random_best: (T,) the highest score of `random_count` likely inputs.
        random_count: as many as the climb evaluated for a target, or the length of the reference.
        typical: (1000, T) scores of likely inputs; as many as the reference holds.
        typical_norms: (1000,) their distances from the middle of the limits.
        limits: where inputs were allowed to go.
    """

    target_names: tuple[str, ...]
    codes: np.ndarray
    scores: np.ndarray
    history: np.ndarray
    images: np.ndarray | None
    random_best: np.ndarray
    random_count: int
    typical: np.ndarray
    typical_norms: np.ndarray
    limits: Limits

    @property
    def best(self) -> np.ndarray:
        """(T,) which restart came highest."""
        return self.scores.argmax(axis=1)

    @property
    def best_codes(self) -> np.ndarray:
        """(T, ...) the inputs with the highest scores."""
        return self.codes[np.arange(len(self.codes)), self.best]

    @property
    def best_images(self) -> np.ndarray | None:
        """(T, H, W, C) what is drawn of them."""
        return None if self.images is None else self.images[np.arange(len(self.codes)), self.best]

    @property
    def quantiles(self) -> np.ndarray:
        """(T,) shares of likely inputs whose score is lower than the best found."""
        return (self.typical < self.scores.max(axis=1)).mean(axis=0)

    @property
    def gains(self) -> np.ndarray:
        """(T,) the best score less that of the control, in standard deviations of likely inputs.

        NaN where the target is the same for all of them.
        """
        spread = self.typical.std(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = (self.scores.max(axis=1) - self.random_best) / spread
        return np.where(spread > 0, gains, np.nan)

    @property
    def agreement(self) -> np.ndarray:
        """(T,) mean cosine between the inputs of two restarts, from the middle of the limits.

        1: all restarts end in one place; 0: in unrelated ones. NaN for one restart.
        """
        count = self.codes.shape[1]
        if count < 2:
            return np.full(len(self.codes), np.nan)
        rows = self._centred(self.codes).reshape(*self.codes.shape[:2], -1)
        norms = np.linalg.norm(rows, axis=2, keepdims=True)
        rows = rows / np.where(norms > 0, norms, 1)
        cosines = np.einsum("trd,tsd->trs", rows, rows)
        own = np.trace(cosines, axis1=1, axis2=2)
        return (cosines.sum(axis=(1, 2)) - own) / (count * (count - 1))

    def table(self) -> pandas.DataFrame:
        """One row a target.

        Columns: `target`, `best` score, `mean` and `std` over restarts, `random_best` (the
        control), `gain`, `quantile`, `agreement`, `norm` of the best input, and `norm_quantile`,
        the share of likely inputs with a smaller norm: near 1, the input is an unlikely one.
        """
        import pandas

        found = self._centred(self.best_codes).reshape(len(self.codes), -1)
        norms = np.linalg.norm(found, axis=1)
        return pandas.DataFrame(
            {
                "target": self.target_names,
                "best": self.scores.max(axis=1),
                "mean": self.scores.mean(axis=1),
                "std": self.scores.std(axis=1),
                "random_best": self.random_best,
                "gain": self.gains,
                "quantile": self.quantiles,
                "agreement": self.agreement,
                "norm": norms,
                "norm_quantile": (self.typical_norms[:, None] < norms).mean(axis=0),
            }
        )

    def _centred(self, inputs: np.ndarray) -> np.ndarray:
        return inputs.astype(np.float64) - (self.limits.low + self.limits.high) / 2
