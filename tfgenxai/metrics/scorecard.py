"""A method's marks: faithfulness, stability, localisation, complexity and cost in one row."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.metrics.complexity import entropy, gini
from tfgenxai.metrics.faithfulness import (
    deletion,
    faithfulness_correlation,
    infidelity,
    insertion,
    pixel_flipping,
)
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.localisation import auroc, chance, pointing, relevance_mass, relevance_rank
from tfgenxai.metrics.scores import whole
from tfgenxai.metrics.stability import max_sensitivity, seed_spread

if TYPE_CHECKING:
    from tfgenxai.attribution import Method
    from tfgenxai.targets import Target


def scorecard(
    method: Method,
    inputs: Any,
    target: Target,
    *,
    masks: np.ndarray | None = None,
    make: Callable[[int], Method] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    steps: int = 20,
    baseline: Any = 0.0,
    controls: int = 3,
    runs: int = 50,
    radius: float = 0.1,
    draws: int = 8,
    seed: int = 0,
) -> dict[str, Any]:
    """Every metric of explanations for one method: cells of a table, each with its interval.

    Infidelity is `scaled`, so that methods in different units compare. What is not defined is
    left out: localisation without `masks`, the spread over seeds without `make`, and any metric
    that is NaN on all samples.

    Args:
        method, inputs, target: what is measured.
        masks: bool (N, H, W), where relevance should lie; adds the localisation.
        make: seed -> the method, adds the spread over `seeds`.
        steps, baseline, controls, runs: see `faithfulness`.
        radius, draws: see `max_sensitivity`.
        seed: of all that the metrics draw.

    Returns:
        `method`, `samples`, `seconds_per_map` (wall clock of one call after one that warms up),
        and for each metric its mean, `_low` and `_high`.
    """
    given = whole(inputs, method.graph)
    count = len(given[method.wrt])
    method(given, target, progress=False)
    begun = time.perf_counter()
    found = method(given, target, progress=False)
    row: dict[str, Any] = {
        "method": method.name,
        "samples": count,
        "seconds_per_map": (time.perf_counter() - begun) / count,
    }
    asked = (method.graph, given, target, found)
    common: dict[str, Any] = {"baseline": baseline, "wrt": method.wrt, "seed": seed}
    for curve in (deletion, insertion, pixel_flipping):
        row |= curve(*asked, steps=steps, controls=controls, **common).row()
    values = {
        "faithfulness_correlation": faithfulness_correlation(*asked, runs=runs, **common),
        "infidelity": infidelity(*asked, runs=runs, scaled=True, **common),
        "max_sensitivity": max_sensitivity(
            method, given, target, radius=radius, draws=draws, seed=seed
        ),
        "gini": gini(found),
        "entropy": entropy(found),
    }
    if make is not None:
        spread = seed_spread(make, given, target, seeds)
        values["seed_correlation"] = spread.correlation
        values["seed_std"] = spread.relative_std
    if masks is not None:
        for name, metric in (
            ("relevance_mass", relevance_mass),
            ("relevance_rank", relevance_rank),
            ("pointing", pointing),
            ("auroc", auroc),
        ):
            values[name] = metric(found, masks)
        values["localisation_chance"] = chance(masks)
    for name, each in values.items():
        if np.isfinite(each).any():
            row |= interval(each).row(name)
    return row
