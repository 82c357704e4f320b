import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.kernel import kernel_distance


def by_loops(x, y):
    """The unbiased estimate, pair by pair."""

    def kernel(a, b):
        return (np.dot(a, b) / len(a) + 1) ** 3

    n = len(x)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    within = np.mean([kernel(x[i], x[j]) + kernel(y[i], y[j]) for i, j in pairs])
    return within - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_one_block_is_the_double_sum():
    x, y = np.random.default_rng(0).normal(size=(2, 12, 4))
    found = kernel_distance(x, y + 0.5)
    assert found.mean == pytest.approx(by_loops(x, y + 0.5))
    assert found.count == 1


def test_blocks_are_averaged():
    x, y = np.random.default_rng(1).normal(size=(2, 25, 3))
    found = kernel_distance(x, y[:23], block=10)
    expected = [by_loops(x[s : s + 10], y[s : s + 10]) for s in (0, 10)]
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.count == 2


def test_unbiased_for_few_images():
    """The mean over many small sets of one distribution is 0, unlike the Fréchet distance's."""
    rng = np.random.default_rng(2)
    drawn = [kernel_distance(*rng.normal(size=(2, 5, 3))).mean for _ in range(2000)]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / np.sqrt(2000)
    assert min(drawn) < 0


def test_expectation_in_closed_form():
    """One dimension, N(0, 1) against N(m, 1): from the moments that the kernel (xy + 1)^3 sees."""
    m = 0.7
    x, y = np.random.default_rng(3).normal([[0.0], [m]], 1.0, (2, 60_000))[..., None]
    moments = np.array([m, m**2 + 1, m**3 + 3 * m]) - [0.0, 1.0, 0.0]
    expected = np.sum([3, 3, 1] * moments**2)
    found = kernel_distance(x, y)
    assert found.low < expected < found.high
    assert found.count == 300


def test_errors():
    x = np.zeros((5, 2))
    with pytest.raises(InvalidInputError, match="at least two"):
        kernel_distance(x, x, block=1)
    with pytest.raises(InvalidInputError, match=r"rows \(N, 2\)"):
        kernel_distance(np.zeros((5, 3)), x)
