import numpy as np
import pytest

from tfgenxai.metrics.coverage import mode_coverage


def test_mode_coverage():
    votes = [0] * 60 + [1] * 39 + [2]
    probabilities = np.full((100, 4), 0.1)
    probabilities[np.arange(100), votes] = 0.7
    coverage = mode_coverage(probabilities, floor=0.02)
    np.testing.assert_allclose(coverage.shares, [0.6, 0.39, 0.01, 0])
    assert coverage.covered == 2
    assert coverage.confidence == pytest.approx(0.7)
    assert mode_coverage(probabilities).covered == 3  # the default floor is one in a hundred
