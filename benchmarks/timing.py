"""Measuring side by side: works take turns, so that other load spoils a round, not the ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each work over `rounds`; a round before them compiles, and does not count.

    A work that takes more than ten seconds is run once after that.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    slow = {name for name, work in works.items() if seconds(work) > 10.0}
    for turn in range(rounds):
        for name, work in works.items():
            if turn == 0 or name not in slow:
                times[name].append(seconds(work))
    return {name: statistics.median(spent) for name, spent in times.items()}
