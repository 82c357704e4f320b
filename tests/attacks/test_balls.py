"""Balls: what is nearest, steepest and uniform, by their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.attacks.balls import ascend, check_ball, drawn_back, inside, random_point, steepest
from tfgenxai.errors import UsageError

NORMS = {"linf": np.inf, "l2": 2}
BOTH = pytest.mark.parametrize("norm", NORMS)


def size(rows, norm):
    return np.linalg.norm(rows.reshape(len(rows), -1), ord=NORMS[norm], axis=1)


@BOTH
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.01, 2.0))
def test_nothing_in_the_ball_is_nearer_than_what_is_drawn_back(norm, seed, eps):
    rng = np.random.default_rng(seed)
    far = rng.normal(0, 1, (1, 3, 2, 1))
    near = drawn_back(far, eps, norm)
    assert size(near, norm)[0] <= eps * (1 + 1e-9)
    others = rng.normal(0, 1, (500, 3, 2, 1))
    others *= (eps * rng.random(500) / size(others, norm))[:, None, None, None]
    assert size(near - far, "l2")[0] <= size(others - far, "l2").min() + 1e-9
    np.testing.assert_allclose(drawn_back(near, eps, norm), near, rtol=1e-12)


@BOTH
def test_no_step_of_size_one_rises_more(norm):
    rng = np.random.default_rng(0)
    slopes = rng.standard_normal((3, 2, 2, 1))
    slopes[2] = 0
    best = steepest(slopes, norm)
    steps = rng.standard_normal((2000, 2, 2, 1))
    steps /= size(steps, norm)[:, None, None, None]
    for n in (0, 1):
        assert size(best[n : n + 1], norm)[0] == pytest.approx(1)
        assert np.sum(best[n] * slopes[n]) >= np.sum(steps * slopes[n], axis=(1, 2, 3)).max()
    assert not best[2].any()


def test_inside_keeps_pixels_in_range_and_never_lengthens():
    rng = np.random.default_rng(1)
    images = rng.random((50, 4, 4, 1), dtype=np.float32)
    deltas = rng.normal(0, 1, images.shape).astype(np.float32)
    kept = inside(images, deltas)
    assert (images + kept).min() >= 0 and (images + kept).max() <= 1
    assert (np.abs(kept) <= np.abs(deltas) + 1e-7).all() and (kept * deltas >= 0).all()


@BOTH
def test_random_points_are_uniform_over_the_allowed_pixels(norm):
    allowed = np.zeros((2, 3, 1), bool)
    allowed[0, :2] = True
    rng = np.random.default_rng(2)
    points = np.stack([random_point(allowed, 0.5, norm, rng) for _ in range(4000)])
    assert not points[:, ~allowed].any()
    # In a ball of dimension 2 the share within half the radius is a quarter, in either norm.
    inner = np.mean(size(points, norm) <= 0.25)
    assert size(points, norm).max() <= 0.5 + 1e-6
    assert abs(inner - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)
    assert np.abs(points[:, allowed].mean(axis=0)).max() < 4 * 0.5 / np.sqrt(3 * 4000)
    assert not random_point(np.zeros((2, 2, 1), bool), 0.5, norm, rng).any()


@BOTH
def test_ascent_of_a_bowl_ends_at_the_nearest_point_of_ball_and_range(norm):
    """-|x - goal|^2: from inside, the goal itself where it can be reached."""
    images = np.full((1, 2, 2, 1), 0.5, np.float32)
    goal = images + np.array([0.1, -0.05, 0.02, 0.0], np.float32).reshape(1, 2, 2, 1)
    found = ascend(
        lambda x: 2 * (goal - x),
        images,
        np.zeros_like(images),
        allowed=np.ones(images.shape, bool),
        eps=0.5,
        norm=norm,
        step=0.002,
        steps=80,
    )
    np.testing.assert_allclose(images + found, goal, atol=0.0025)


@pytest.mark.parametrize("eps", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_ball(eps):
    with pytest.raises(UsageError, match="eps="):
        check_ball(eps, "l2")
    with pytest.raises(UsageError, match="linf, l2"):
        check_ball(0.1, "l1")
