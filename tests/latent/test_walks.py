"""Walks against closed forms and against decoding code by code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent import Generator, linear, manifold, slerp, traversal
from tfgenxai.latent.walks import strongest

CODE = np.array([0.5, -1.0, 2.0])


@pytest.mark.parametrize("angle", [0.3, math.pi / 2, 2.8])
def test_slerp_on_the_unit_circle_turns_at_a_steady_rate(angle):
    found = slerp(np.array([1.0, 0.0]), np.array([math.cos(angle), math.sin(angle)]), 7)
    turned = [(math.cos(t * angle), math.sin(t * angle)) for t in np.linspace(0, 1, 7)]
    np.testing.assert_allclose(found, turned, atol=1e-6)


@given(seed=st.integers(0, 10_000), width=st.integers(2, 50), radius=st.floats(0.1, 20))
@settings(max_examples=15, deadline=None)
def test_slerp_keeps_the_norm_and_the_ends(seed, width, radius):
    start, end = np.random.default_rng(seed).normal(size=(2, width))
    start, end = (radius * each / np.linalg.norm(each) for each in (start, end))
    assume(abs(start @ end) < 0.999 * radius**2)
    found = slerp(start, end, 6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), radius, rtol=1e-5)
    np.testing.assert_allclose(found[[0, -1]], [start, end], rtol=1e-5, atol=1e-5)
    middle = linear(start, end, 3)[1]
    assert np.linalg.norm(middle) < radius


def test_slerp_between_unequal_norms_is_the_published_formula():
    start, end = np.array([3.0, 1.0, 0.0]), np.array([-1.0, 2.0, 5.0])
    omega = math.acos(start @ end / (np.linalg.norm(start) * np.linalg.norm(end)))
    for t, code in zip(np.linspace(0, 1, 5), slerp(start, end, 5), strict=True):
        first = math.sin((1 - t) * omega) / math.sin(omega)
        second = math.sin(t * omega) / math.sin(omega)
        np.testing.assert_allclose(code, first * start + second * end, rtol=1e-6)


def test_slerp_of_one_direction_is_the_line_and_of_opposite_ones_is_refused():
    np.testing.assert_array_equal(slerp(CODE, CODE, 4), np.tile(np.float32(CODE), (4, 1)))
    np.testing.assert_allclose(slerp(CODE, 3 * CODE, 5), linear(CODE, 3 * CODE, 5))
    with pytest.raises(InvalidInputError, match="opposite"):
        slerp(CODE, -2 * CODE)
    with pytest.raises(InvalidInputError, match="no direction"):
        slerp(CODE, np.zeros(3))


def test_slerp_of_close_codes_stays_finite():
    near = slerp(CODE, CODE + [0, 0, 1e-4], 5)
    np.testing.assert_allclose(near, linear(CODE, CODE + [0, 0, 1e-4], 5), atol=1e-6)


def test_linear_is_the_straight_line():
    np.testing.assert_allclose(linear(CODE, -CODE, 3), [CODE, np.zeros(3), -CODE], atol=1e-7)


def test_a_traversal_moves_one_dimension_at_a_time(decode, draw_by_hand):
    walked = traversal(decode, CODE, [2, 0], reach=1.5, steps=4)
    assert walked.images.shape == (2, 4, 4, 4, 1) and walked.dimensions == (2, 0)
    for row, dimension in enumerate((2, 0)):
        for step, value in enumerate((-1.5, -0.5, 0.5, 1.5)):
            code = CODE.copy()
            code[dimension] = value
            assert walked.values[row, step] == pytest.approx(value)
            np.testing.assert_allclose(walked.codes[row, step], code)
            np.testing.assert_allclose(
                walked.images[row, step], draw_by_hand(code[None])[0], atol=1e-6
            )


def test_a_traversal_within_codes_covers_the_range_of_each_node(decode):
    codes = np.random.default_rng(2).normal(size=(40, 3)) * [1, 5, 0.1]
    walked = traversal(decode, CODE, within=codes, steps=3)
    np.testing.assert_allclose(walked.values[:, 0], codes.min(axis=0), rtol=1e-6)
    np.testing.assert_allclose(walked.values[:, -1], codes.max(axis=0), rtol=1e-6)


def test_the_manifold_is_the_grid_of_normal_quantiles(decode, conditional, draw_by_hand):
    sheet = manifold(decode, (2, 0), code=CODE, count=5)
    points = norm.ppf(np.linspace(0.05, 0.95, 5))
    np.testing.assert_allclose(sheet.x, points)
    np.testing.assert_allclose(sheet.y, points[::-1])
    for row in range(5):
        for column in range(5):
            code = np.array([[points[4 - row], CODE[1], points[column]]])
            np.testing.assert_allclose(sheet.images[row, column], draw_by_hand(code)[0], atol=1e-6)
    given = manifold(conditional, count=2, extra={"label": 4}).images[0, 0]
    corner = np.array([[norm.ppf(0.05), norm.ppf(0.95), 0.0]])
    np.testing.assert_allclose(given, draw_by_hand(corner, 4)[0], atol=1e-6)


def codes_by_hand(eps):
    """What the fixture `prior` makes of draws (N, 3)."""
    category = np.eye(2)[eps[:, 1:].argmax(axis=1)]
    return np.concatenate([eps[:, :1] ** 3, category], axis=1)


def test_with_a_prior_walks_go_through_its_draws(decode, prior, draw_by_hand):
    walked = traversal(decode, CODE, [0, 1], reach=3.0, steps=5, prior=prior)
    np.testing.assert_allclose(walked.values, [np.linspace(-3, 3, 5)] * 2)
    for row in range(2):
        eps = np.tile(CODE, (5, 1))
        eps[:, row] = np.linspace(-3, 3, 5)
        expected = codes_by_hand(eps)
        np.testing.assert_allclose(walked.codes[row], expected, rtol=1e-5)
        np.testing.assert_allclose(walked.images[row], draw_by_hand(expected), atol=1e-5)
    # Only codes that the prior draws: the category is always one of the two.
    np.testing.assert_array_equal(walked.codes[..., 1:].sum(axis=-1), 1)
    sheet = manifold(decode, (0, 2), code=CODE, count=2, prior=prior)
    corner = np.array([[norm.ppf(0.05), CODE[1], norm.ppf(0.95)]])
    expected = draw_by_hand(codes_by_hand(corner))
    np.testing.assert_allclose(sheet.images[0, 0], expected[0], atol=1e-5)


def test_dimensions_are_ranked_by_what_pushing_them_changes(decode, conditional, draw_by_hand):
    eps = np.random.default_rng(4).normal(size=(5, 3)).astype(np.float32)
    for graph, labels in ((decode, None), (conditional, np.array([0, 3, 1, 2, 4]))):
        found = strongest(Generator(graph, classes=5), eps, labels, push=1.5)
        change = np.zeros(3)
        for dimension in range(3):
            for row in range(5):
                label = None if labels is None else labels[row]
                pushed = eps[row : row + 1].copy()
                pushed[0, dimension] += 1.5
                difference = draw_by_hand(pushed, label) - draw_by_hand(eps[row : row + 1], label)
                change[dimension] += (difference**2).mean()
        assert found == np.argsort(-change).tolist()


@pytest.mark.parametrize(
    ("walk", "error", "message"),
    [
        (lambda g: traversal(g, CODE, [3]), UsageError, "0 to 2; 3 asked for"),
        (lambda g: traversal(g, CODE, []), UsageError, "none asked for"),
        (lambda g: traversal(g, CODE, steps=1), UsageError, "two steps"),
        (lambda g: traversal(g, CODE[:2]), InvalidInputError, "3 dimensions"),
        (lambda g: traversal(g, CODE, within=np.ones((4, 2))), InvalidInputError, "3 were"),
        (lambda g: manifold(g, (1, 1)), UsageError, "two different"),
        (lambda g: manifold(g, (0, 5)), UsageError, "0 to 2"),
        (lambda g: manifold(g, quantiles=(0.0, 0.9)), UsageError, "between 0 and 1"),
        (lambda g: manifold(g, code=np.ones(4)), InvalidInputError, "3 were expected"),
        (lambda g: linear(CODE, CODE[:2]), InvalidInputError, "one shape"),
        (lambda g: slerp(CODE, [np.nan] * 3), InvalidInputError, "NaN"),
    ],
)
def test_walks_that_lead_nowhere_are_refused(decode, walk, error, message):
    with pytest.raises(error, match=message):
        walk(decode)
