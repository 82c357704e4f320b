"""What single channels do: each is taken away in turn, and the effect on the outputs measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.explained import element
from tfgenxai.metrics.intervals import interval
from tfgenxai.neurons.ablator import Ablator, How
from tfgenxai.neurons.effects import Effect

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Ablation:
    """Effects of ablating units of a layer, one at a time.

    Attributes:
        layer, how: which layer, and what its channels were replaced by.
        effect: what is measured.
        units: (M,) the channels.
        values: (M, N, K) float32, the effect on each sample.
        names: K names of what is measured.
        predicted: (M, N, K), the same to first order by the gradient: see `Ablator.taylor`.
        labels: (N,), where they were given.
    """

    layer: str
    how: str
    effect: str
    units: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    predicted: np.ndarray
    labels: np.ndarray | None = None

    @property
    def importance(self) -> np.ndarray:
        """(M,) mean effect of each unit over samples and all that is measured."""
        return self.values.mean(axis=(1, 2), dtype=np.float64)

    @property
    def rank_correlation(self) -> float:
        """Spearman's correlation over units of measured and first-order importance.

        NaN where either is the same for all units.
        """
        from scipy.stats import spearmanr

        measured, predicted = self.importance, self._predicted_importance
        if np.ptp(measured) == 0 or np.ptp(predicted) == 0:
            return float("nan")
        return float(spearmanr(measured, predicted).statistic)

    def frame(self) -> pandas.DataFrame:
        """Mean effects, one row a unit: column `all`, and one a class, or one a latent where K > 1.

        With labels and K = 1 the columns are the classes; otherwise the K names.
        """
        import pandas

        columns: dict[Any, np.ndarray] = {"all": self.importance}
        if len(self.names) == 1 and self.labels is not None:
            for label in np.unique(self.labels):
                columns[label] = self.values[:, self.labels == label, 0].mean(axis=1)
        elif len(self.names) > 1:
            columns |= {
                name: self.values[:, :, k].mean(axis=1) for k, name in enumerate(self.names)
            }
        index = pandas.Index(self.units, name="unit")
        return pandas.DataFrame(columns, index=index)

    def ranking(self) -> pandas.DataFrame:
        """One row a unit, the most important first: `unit`, `effect` with its 95 % interval over
        samples, and `first_order`, the effect that the gradient predicts."""
        import pandas

        rows = []
        predicted = self._predicted_importance
        for place in np.argsort(-self.importance, kind="stable"):
            found = interval(self.values[place].mean(axis=1))
            row = {"unit": int(self.units[place]), **found.row("effect")}
            rows.append(row | {"first_order": float(predicted[place])})
        return pandas.DataFrame(rows)

    @property
    def _predicted_importance(self) -> np.ndarray:
        return self.predicted.mean(axis=(1, 2), dtype=np.float64)


def ablate(
    graph: Graph,
    inputs: Any,
    layer: str,
    effect: Effect,
    how: How = "mean",
    *,
    units: Sequence[int] | None = None,
    labels: Any = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: bool | None = None,
) -> Ablation:
    """The effect of replacing each channel of a layer, one at a time, on every sample.

    The layer's activations are computed once; for each channel only what comes after the layer
    runs, many channels in one batch (Morcos et al. 2018 ablate single directions so).

    Args:
        graph: the network.
        inputs: N samples, in any form that attribution methods take.
        layer: its channels, or the neurons of a flat layer, are the units.
        effect: what is measured: `AccuracyDrop`, `ScoreDrop`, `ScoreShift`, `ImageChange`,
            `VerdictDrop`.
        how: "zero", "mean" or "resample": see `Ablator`.
        units: these channels only.
        labels: (N,) classes, by which `Ablation.frame` tells effects apart.
        seed: of the drawn samples of "resample".
        batch_size: samples at a time.
        progress: show a bar on stderr; by default on a terminal when there is much to do.

    Raises:
        LayerNotFoundError: there is no such layer; names the closest.
        UsageError: no such unit, or what is measured does not depend on the layer.
        InvalidInputError: inputs or labels do not fit.
    """
    ablator = Ablator(
        graph, inputs, layer, effect, how=how, labels=labels, seed=seed, batch_size=batch_size
    )
    every = range(ablator.channels) if units is None else units
    chosen = np.array([element(u, ablator.channels, f"channel of {layer}") for u in every], int)
    return Ablation(
        layer=layer,
        how=how,
        effect=effect.name,
        units=chosen,
        values=ablator.effects(np.eye(ablator.channels, dtype=bool)[chosen], progress),
        names=effect.names(ablator.explained),
        predicted=ablator.taylor(seed=seed)[chosen],
        labels=None if labels is None else np.asarray(labels),
    )
