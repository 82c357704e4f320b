"""Stability: how far an explanation moves when the input hardly does, or only the seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.metrics.randomisation import rank_correlation
from tfgenxai.metrics.relevance import relevance_rows
from tfgenxai.metrics.scores import whole

if TYPE_CHECKING:
    from tfgenxai.attribution import Method
    from tfgenxai.targets import Target


def max_sensitivity(
    method: Method,
    inputs: Any,
    target: Target,
    *,
    radius: float = 0.1,
    draws: int = 8,
    seed: int = 0,
) -> np.ndarray:
    """Largest relative change of the explanation near each input, (N,) from 0; lower is better.

    Yeh et al. 2019, definition 4, with the change as a share of the explanation: the maximum over
    `draws` of ||phi(x + d) - phi(x)|| / ||phi(x)||, each element of d uniform in [-radius, radius].
    An input called `image` stays in [0, 1], as a graph's images must. NaN where phi(x) is 0.

    Args:
        method: explains the inputs; its own noise is the same at every call.
        inputs, target: what the method takes.
        radius: in units of the input.
        draws: neighbours of every sample.
        seed: of the neighbours; a sample's do not depend on the others.
    """
    if not 0.0 < radius < np.inf or draws < 1:
        raise UsageError("max_sensitivity needs radius= above 0 and draws= of at least 1.")
    given = whole(inputs, method.graph)
    x = given[method.wrt]
    plain = _explained(method, given, target)
    size = np.linalg.norm(plain, axis=1)
    streams = [np.random.default_rng([seed, n]) for n in range(len(x))]
    largest = np.zeros(len(x))
    for _ in range(draws):
        moved = x + np.stack([rng.uniform(-radius, radius, x.shape[1:]) for rng in streams])
        if method.wrt == "image":
            moved = np.clip(moved, 0.0, 1.0)
        near = _explained(method, {**given, method.wrt: moved.astype(x.dtype)}, target)
        largest = np.maximum(largest, np.linalg.norm(near - plain, axis=1))
    return np.divide(largest, size, out=np.full(len(x), np.nan), where=size > 0)


@dataclass(frozen=True, eq=False)
class SeedSpread:
    """How far explanations of different seeds differ.

    Attributes:
        correlation: mean rank correlation of two seeds' maps, (N,) in [-1, 1]; 1 for a method
            without chance. NaN where a map is constant.
        relative_std: norm of the standard deviation over seeds as a share of the norm of the mean
            map, (N,) from 0; 0 for a method without chance. NaN where the mean map is 0.
    """

    correlation: np.ndarray
    relative_std: np.ndarray


def seed_spread(
    make: Callable[[int], Method], inputs: Any, target: Target, seeds: Sequence[int] = (0, 1, 2)
) -> SeedSpread:
    """How far a method's maps differ between seeds.

    Args:
        make: seed -> the method.
        inputs, target: what the method takes.
        seeds: two or more.
    """
    if len(set(seeds)) < 2:
        raise UsageError("The spread over seeds needs at least two different seeds.")
    methods = [make(seed) for seed in seeds]
    given = whole(inputs, methods[0].graph)
    maps = np.stack([relevance_rows(method(given, target, progress=False)) for method in methods])
    pairs = [
        [rank_correlation(a, b) for a, b in zip(maps[i], maps[j], strict=True)]
        for i, j in combinations(range(len(maps)), 2)
    ]
    constant = (np.ptp(maps, axis=2) == 0).any(axis=0)
    mean = np.linalg.norm(maps.mean(axis=0), axis=1)
    spread = np.linalg.norm(maps.std(axis=0, ddof=1), axis=1)
    return SeedSpread(
        np.where(constant, np.nan, np.mean(pairs, axis=0)),
        np.divide(spread, mean, out=np.full(len(mean), np.nan), where=mean > 0),
    )


def _explained(method: Method, inputs: dict[str, np.ndarray], target: Target) -> np.ndarray:
    """What the method finds, (N, elements) float64."""
    values = np.asarray(method(inputs, target, progress=False).values, np.float64)
    return values.reshape(len(values), -1)
