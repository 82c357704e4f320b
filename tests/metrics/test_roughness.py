"""Roughness against loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.roughness import speckle, total_variation


def looped(m: np.ndarray) -> tuple[float, float]:
    """Total variation and speckle of one map, pixel by pixel."""
    m = np.abs(m)
    height, width = m.shape
    steps = taken = 0.0
    for y in range(height):
        for x in range(width):
            steps += abs(m[y, x] - m[y + 1, x]) if y + 1 < height else 0.0
            steps += abs(m[y, x] - m[y, x + 1]) if x + 1 < width else 0.0
            around = [
                m[min(max(y + a, 0), height - 1), min(max(x + b, 0), width - 1)]
                for a in (-1, 0, 1)
                for b in (-1, 0, 1)
            ]
            taken += (m[y, x] - sorted(around)[4]) ** 2
    return steps / m.sum(), taken / (m**2).sum()


def test_both_are_what_loops_over_the_pixels_give() -> None:
    maps = np.random.default_rng(0).standard_normal((3, 6, 5))
    expected = np.array([looped(m) for m in maps]).T
    np.testing.assert_allclose(total_variation(maps), expected[0])
    np.testing.assert_allclose(speckle(maps), expected[1])


def test_dots_are_as_rough_as_can_be_and_even_maps_not_at_all() -> None:
    dots = np.zeros((1, 9, 9))
    dots[0, 1::3, 1::3] = -2.0
    assert total_variation(dots) == pytest.approx(4.0) and speckle(dots) == pytest.approx(1.0)
    even = np.ones((1, 9, 9))
    assert total_variation(even) == 0.0 and speckle(even) == 0.0
    block = np.zeros((1, 20, 20))
    block[0, 5:15, 5:15] = 3.0  # 40 steps of 3 around 100 pixels of 3; the median cuts 4 corners
    assert total_variation(block) == pytest.approx(0.4) and speckle(block) == pytest.approx(0.04)


def test_the_unit_does_not_matter_and_channels_are_summed() -> None:
    maps = np.random.default_rng(1).standard_normal((2, 6, 5, 3))
    for metric in (total_variation, speckle):
        np.testing.assert_allclose(metric(7 * maps), metric(maps))
        np.testing.assert_allclose(metric(maps), metric(maps.sum(axis=-1)))


def test_maps_of_zeros_have_no_roughness_and_vectors_are_no_maps() -> None:
    assert np.isnan(total_variation(np.zeros((1, 4, 4)))).all()
    assert np.isnan(speckle(np.zeros((1, 4, 4)))).all()
    with pytest.raises(InvalidInputError, match="maps"):
        speckle(np.ones((2, 5)))
