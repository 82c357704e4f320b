import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.frechet import Gaussian, frechet


def gaussian(mean, covariance):
    return Gaussian(np.asarray(mean, float), np.linalg.cholesky(covariance).T)


def by_matrix_root(m1, c1, m2, c2):
    """The formula as it is printed, with scipy's root of a matrix."""
    return np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)


def random_covariance(rng, size):
    factor = rng.normal(size=(size, size))
    return factor @ factor.T + 0.1 * np.eye(size)


def test_independent_coordinates():
    m1, m2, s1, s2 = np.random.default_rng(0).uniform(0.1, 3, (4, 6))
    expected = np.sum((m1 - m2) ** 2) + np.sum((s1 - s2) ** 2)
    distance = gaussian(m1, np.diag(s1**2)).distance(gaussian(m2, np.diag(s2**2)))
    assert distance == pytest.approx(expected, rel=1e-12)


def test_covariances_that_commute():
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    s1, s2 = rng.uniform(0.1, 3, (2, 5))
    first, second = (gaussian(np.zeros(5), basis @ np.diag(s**2) @ basis.T) for s in (s1, s2))
    assert first.distance(second) == pytest.approx(np.sum((s1 - s2) ** 2), rel=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_covariances_that_do_not_commute(seed, size):
    rng = np.random.default_rng(seed)
    m1, m2 = rng.normal(size=(2, size))
    c1, c2 = random_covariance(rng, size), random_covariance(rng, size)
    first, second = gaussian(m1, c1), gaussian(m2, c2)
    expected = by_matrix_root(m1, c1, m2, c2)
    assert first.distance(second) == pytest.approx(expected, rel=1e-7)
    assert second.distance(first) == pytest.approx(first.distance(second), rel=1e-9)
    assert first.distance(first) == pytest.approx(0, abs=1e-9)


def test_two_by_two_by_hand():
    """In two dimensions tr M^(1/2) = sqrt(tr M + 2 sqrt(det M))."""
    c1, c2 = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([[0.5, -0.3], [-0.3, 1.5]])
    product = c1 @ c2
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = 1.0 + np.trace(c1) + np.trace(c2) - 2 * root
    assert gaussian([0, 0], c1).distance(gaussian([1, 0], c2)) == pytest.approx(expected)


def test_samples_give_their_own_moments():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 5)), rng.normal(1, 2, (60, 5))
    expected = by_matrix_root(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    assert Gaussian.of(x).distance(Gaussian.of(y)) == pytest.approx(expected, rel=1e-9)


def test_fewer_samples_than_dimensions_and_constant_features():
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=(6, 9)), np.zeros((6, 3))], axis=1)
    y = np.concatenate([rng.normal(size=(8, 9)), np.zeros((8, 3))], axis=1)

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T

    c1, c2 = np.cov(x.T), np.cov(y.T)
    inner = np.trace(root(root(c1) @ c2 @ root(c1)))
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(c1) + np.trace(c2) - 2 * inner
    assert Gaussian.of(x).distance(Gaussian.of(y)) == pytest.approx(expected, rel=1e-6)
    assert Gaussian.of(x).distance(Gaussian.of(x)) == pytest.approx(0, abs=1e-9)


def test_tiny_distances_are_not_lost():
    """Features of very different size, as the root of a product of covariances would confuse."""
    spread = np.array([1e4, 1.0, 1e-4])
    first = gaussian(np.zeros(3), np.diag(spread**2))
    second = gaussian(np.zeros(3), np.diag((spread + [0, 0, 1e-1]) ** 2))
    assert first.distance(second) == pytest.approx(0.01, rel=1e-4)


def test_shift_and_rotation_of_both_change_nothing():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(30, 4)), rng.normal(2, 1, (30, 4))
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    moved = Gaussian.of(x @ turn + 7).distance(Gaussian.of(y @ turn + 7))
    assert moved == pytest.approx(Gaussian.of(x).distance(Gaussian.of(y)), rel=1e-9)


def test_the_floor_is_what_few_images_cost():
    rng = np.random.default_rng(5)
    distances = {}
    for n in (50, 200, 800):
        generated, reference, real = (rng.normal(size=(n, 8)) for _ in range(3))
        distances[n] = frechet(generated + 1.0, reference, real)
        assert distances[n].n == n
    floors = [found.floor for found in distances.values()]
    assert floors[0] > 2 * floors[1] > 4 * floors[2] > 0
    assert distances[800].distance == pytest.approx(8.0, rel=0.1)
    assert str(distances[800]).endswith(f"(n=800, floor {floors[2]:.3g})")


def test_errors():
    x = np.random.default_rng(6).normal(size=(9, 3))
    with pytest.raises(InvalidInputError, match="as many real images as generated ones: 8"):
        frechet(x, x, x[:8])
    with pytest.raises(InvalidInputError, match=r"rows \(N, 3\)"):
        frechet(x[:, :2], x, x)
    with pytest.raises(InvalidInputError, match="NaN"):
        frechet(x * np.inf, x, x)
