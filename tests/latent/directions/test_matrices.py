import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.matrices import (
    Fixed,
    Linear,
    Orthonormal,
    coordinate_vectors,
    random_vectors,
)


@settings(max_examples=8, deadline=None)
@given(width=st.integers(2, 9), seed=st.integers(0, 99), data=st.data())
def test_lengths_and_angles(width, seed, data):
    count = data.draw(st.integers(1, width))
    drawn = random_vectors(count, width, seed)
    axes = coordinate_vectors(count, width, seed)
    matrix = Orthonormal(count, width, seed)
    rotated = matrix.vectors().numpy()
    free = Linear(count, width, seed)
    free.rows.assign(5 * free.rows + 0.3)
    for vectors in (drawn, axes, rotated, free.vectors().numpy()):
        assert vectors.shape == (count, width) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(rotated @ rotated.T, np.eye(count), atol=1e-5)
    np.testing.assert_allclose(axes @ axes.T, np.eye(count))
    assert set(np.unique(axes)) <= {0, 1}
    half = matrix.generators.numpy().astype(np.float64)
    np.testing.assert_allclose(rotated, expm(half - half.T)[:count], atol=1e-5)


def test_random_directions_favour_no_axis():
    squares = np.square(random_vectors(20_000, 4)).mean(axis=0)
    np.testing.assert_allclose(squares, 0.25, atol=0.01)


@pytest.mark.parametrize("kind", [Linear, Orthonormal])
def test_a_shift_is_epsilon_along_the_direction_without_bias(kind):
    matrix = kind(3, 5, 1)
    vectors = matrix.vectors().numpy()
    directions, sizes = np.array([2, 0, 2, 1]), np.array([1.5, -6.0, 0.0, 0.5], np.float32)
    moved = matrix.shifts(tf.constant(directions), tf.constant(sizes))
    expected = [e * vectors[k] for k, e in zip(directions, sizes)]
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    assert len(matrix.trainable_variables) == 1


def test_a_free_row_feels_no_pull_along_itself():
    """The gradient is at right angles to the row: its length does not count."""
    matrix = Linear(3, 6, 2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(matrix.vectors() * np.random.default_rng(0).normal(size=(3, 6)))
    pull = tape.gradient(loss, matrix.rows).numpy()
    np.testing.assert_allclose((pull * matrix.rows.numpy()).sum(axis=1), 0.0, atol=1e-6)
    assert np.abs(pull).max() > 0.1


def test_seeds():
    for make in (random_vectors, coordinate_vectors):
        np.testing.assert_array_equal(make(4, 30, 5), make(4, 30, 5))
        assert not np.array_equal(make(4, 30, 5), make(4, 30, 6))
    for kind in (Linear, Orthonormal):
        np.testing.assert_array_equal(kind(2, 7, 3).vectors(), kind(2, 7, 3).vectors())
        assert not np.allclose(kind(2, 7, 3).vectors(), kind(2, 7, 4).vectors())
    assert not Fixed(np.eye(2)).trainable_variables


@pytest.mark.parametrize("make", [coordinate_vectors, Orthonormal])
@pytest.mark.parametrize("count", [0, 4])
def test_no_more_directions_than_dimensions(make, count):
    with pytest.raises(UsageError, match="1 to 3 .* directions in a code of 3 dimensions, not"):
        make(count, 3)
