"""Whether a category makes a style: the share of a measure that it explains within a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import LEVEL


@dataclass(frozen=True)
class StyleShare:
    """How much of a measure's variance within labels lies between categories.

    Attributes:
        share: in [0, 1].
        chance: the mean share when categories are shuffled within each label.
        chance_high: what 95 % of the shuffles stay below.
        spread: standard deviation within labels, in the measure's unit: what there is to explain.
        count: samples with a value.
    """

    share: float
    chance: float
    chance_high: float
    spread: float
    count: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the share is more than shuffling gives."""
        return self.share > self.chance_high

    def row(self) -> dict[str, Any]:
        """Cells of a table."""
        return {
            "share": self.share,
            "chance": self.chance,
            "chance_high": self.chance_high,
            "beyond_chance": self.beyond_chance,
            "spread": self.spread,
            "samples": self.count,
        }


def style_share(
    values: Any, categories: Any, labels: Any, *, shuffles: int = 200, seed: int = 0
) -> StyleShare:
    """The share of the variance of `values` (N,) within a label that the category explains.

    The squares between the categories of each label over the squares within the label, both summed
    over labels: eta squared of the category when the label is known. A category that changes the
    label alone gets what chance gives. Values that are not finite are left out.

    Args:
        categories, labels: (N,) of each sample.
        shuffles: of the categories within each label, for the control.
        seed: of these.

    Raises:
        InvalidInputError: arrays that do not fit, or no value that varies within its label.
    """
    values = np.asarray(values, np.float64)
    categories, labels = np.asarray(categories), np.asarray(labels)
    if values.ndim != 1 or categories.shape != values.shape or labels.shape != values.shape:
        raise InvalidInputError(
            f"Values, categories and labels are (N,) each, not {values.shape}, "
            f"{categories.shape} and {labels.shape}."
        )
    known = np.isfinite(values)
    values, categories, labels = values[known], categories[known], labels[known]
    if not len(values):
        raise InvalidInputError("There is no finite value to explain.")
    _, category = np.unique(categories, return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    centred = values - _means(values, label)[label]
    whole = float(centred @ centred)
    if not whole:
        raise InvalidInputError("The values do not vary within any label: nothing is explained.")
    width = int(category.max()) + 1

    def share(drawn: np.ndarray) -> float:
        cell = label * width + drawn
        means = _means(centred, cell)
        return float(np.bincount(cell, minlength=len(means)) @ means**2) / whole

    # Shuffled within labels at once: sorted by label and then by random keys, labels stay put.
    rng = np.random.default_rng(seed)
    order = np.argsort(label, kind="stable")
    chance = []
    for _ in range(shuffles):
        drawn = np.empty_like(category)
        drawn[order] = category[np.lexsort((rng.random(len(label)), label))]
        chance.append(share(drawn))
    return StyleShare(
        share(category),
        float(np.mean(chance)),
        float(np.quantile(chance, LEVEL)),
        float(np.sqrt(whole / len(values))),
        len(values),
    )


def _means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean of `values` in each group, by its number; 0 of an empty one."""
    return np.bincount(groups, values) / np.maximum(np.bincount(groups), 1)
