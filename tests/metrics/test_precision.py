import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics import precision as module
from tfgenxai.metrics.precision import manifold


def by_loops(generated, real, k):
    """The definitions, one pair at a time."""

    def distance(a, b):
        return np.sqrt(np.sum((a - b) ** 2))

    def radius(points, i):
        others = [distance(points[i], points[j]) for j in range(len(points)) if j != i]
        return sorted(others)[k - 1]

    real_radii = [radius(real, i) for i in range(len(real))]
    generated_radii = [radius(generated, i) for i in range(len(generated))]
    inside = [
        [distance(g, r) <= rad for r, rad in zip(real, real_radii, strict=True)] for g in generated
    ]
    precision = np.mean([any(row) for row in inside])
    density = np.mean([sum(row) for row in inside]) / k
    coverage = np.mean([any(row[i] for row in inside) for i in range(len(real))])
    recall = np.mean(
        [
            any(distance(r, g) <= rad for g, rad in zip(generated, generated_radii, strict=True))
            for r in real
        ]
    )
    return precision, recall, density, coverage


def means(found):
    return [m.mean for m in (found.precision, found.recall, found.density, found.coverage)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(6, 18), st.integers(6, 18), st.integers(1, 5))
def test_against_loops(seed, n, m, k):
    rng = np.random.default_rng(seed)
    generated, real = rng.normal(0.5, 1, (n, 3)), rng.normal(0, 1, (m, 3))
    found = manifold(generated, real, neighbors=k)
    np.testing.assert_allclose(means(found), by_loops(generated, real, k))


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    generated, real = rng.normal(size=(2, 400, 3))
    whole = manifold(generated, real)
    monkeypatch.setattr(module, "_CHUNK_MIB", 0.01)
    assert manifold(generated, real) == whole


def test_equal_and_disjoint_sets():
    x = np.random.default_rng(1).normal(size=(60, 4))
    same, apart = manifold(x, x), manifold(x + 100, x)
    assert means(same)[:2] == [1, 1] and same.coverage.mean == 1
    assert means(apart) == [0, 0, 0, 0]
    assert (apart.precision.low, apart.precision.high, apart.precision.count) == (0, 0, 60)
    assert same.neighbors == 5


def test_equal_distributions_reach_the_expected_values():
    """Naeem et al.: density 1 and coverage 1 - 2^-k in expectation."""
    x, y = np.random.default_rng(2).normal(size=(2, 1500, 2))
    found = manifold(x, y, neighbors=3)
    assert found.density.mean == pytest.approx(1, abs=0.06)
    assert found.coverage.mean == pytest.approx(1 - 2.0**-3, abs=0.03)


def test_a_dropped_mode_and_noise():
    rng = np.random.default_rng(3)
    real = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal(50, 1, (300, 2))])
    dropped = manifold(rng.normal(50, 1, (400, 2)), real)
    assert dropped.precision.mean > 0.95
    assert dropped.recall.mean <= 0.75 and dropped.coverage.mean <= 0.75
    strays = np.concatenate([rng.normal(50, 1, (200, 2)), rng.normal(-90, 1, (200, 2))])
    noisy = manifold(strays, real)
    assert noisy.precision.mean <= 0.5 and noisy.density.mean < 0.7


def test_errors():
    x = np.zeros((5, 2))
    with pytest.raises(InvalidInputError, match="more than k images"):
        manifold(x, x)
    with pytest.raises(InvalidInputError, match="more than k images"):
        manifold(x, x, neighbors=0)
    with pytest.raises(InvalidInputError, match=r"rows \(N, 2\)"):
        manifold(np.zeros((5, 3)), x, neighbors=2)
