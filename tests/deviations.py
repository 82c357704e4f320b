"""`pytest --deviations`: how far each test's values were from its oracle, as a table.

Every `np.testing.assert_allclose(actual, desired)` of a test counts as a comparison. A deviation is
max |actual - desired| / max |desired|, or the absolute one where the oracle says 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest


class Deviations:
    """Collects comparisons by test, parameters of a test together."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self.test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Watches one test."""
        self.test = item.nodeid.partition("[")[0]
        original = np.testing.assert_allclose

        def watched(actual: Any, desired: Any, *args: Any, **kwargs: Any) -> None:
            original(actual, desired, *args, **kwargs)
            self.found.setdefault(self.test, []).append(deviation(actual, desired))

        np.testing.assert_allclose = watched
        try:
            return (yield)
        finally:
            np.testing.assert_allclose = original

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Prints the table."""
        terminalreporter.section("deviations from the oracles")
        terminalreporter.line(f"{'comparisons':>11}  {'largest':>9}  test")
        for test, values in self.found.items():
            terminalreporter.line(f"{len(values):11}  {max(values):9.1e}  {test}")


def deviation(actual: Any, desired: Any) -> float:
    """Largest difference, as a share of the oracle's largest value."""
    actual, desired = np.asarray(actual, np.float64), np.asarray(desired, np.float64)
    if not (actual.size and desired.size):
        return 0.0
    difference = float(np.max(np.abs(actual - desired)))
    return difference / (float(np.max(np.abs(desired))) or 1.0)
