"""Measures of maps against slow loops and closed forms, and the queries that they are of."""

import numpy as np
import pytest

from tfgenxai.attention import AttentionMaps, coverage, measures, per_query, query_kinds
from tfgenxai.errors import UsageError


@pytest.fixture
def images():
    """Two images of 6 x 8 with a stroke, one of which reaches the border."""
    pictures = np.zeros((2, 6, 8, 1), np.float32)
    pictures[0, 1:5, 2:4] = 0.9
    pictures[1, 0:2, :] = 0.7
    pictures[1, 4, 4] = 0.4  # no ink
    return pictures


@pytest.fixture
def maps(images):
    values = np.random.default_rng(0).dirichlet(np.full(8, 0.5), (2, 12)).astype(np.float32)
    return AttentionMaps(values, (3, 4), (2, 4), images=images)


def test_coverage_is_the_mean_of_the_mask(images):
    mask = images[..., 0] > 0.5
    found = coverage(images, (3, 4))
    for n in range(2):
        for row in range(3):
            for column in range(4):
                cell = mask[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                assert found[n, row, column] == pytest.approx(cell.mean())
    np.testing.assert_allclose(coverage(images, (6, 8)), mask)
    for grid in ((5, 3), (4, 7)):  # cells that share pixels
        np.testing.assert_allclose(coverage(images, grid).mean(axis=(1, 2)), mask.mean(axis=(1, 2)))


def test_against_a_slow_loop(maps, images):
    found = per_query(maps)
    covered = coverage(images, (2, 4))
    for n in range(2):
        for q in range(12):
            row = maps.values[n, q].astype(np.float64)
            assert found["entropy"][n, q] == pytest.approx(-sum(a * np.log2(a) for a in row))
            assert found["entropy_share"][n, q] == pytest.approx(found["entropy"][n, q] / 3)
            mass = distance = 0.0
            for k, a in enumerate(row):
                y, x = divmod(k, 4)
                mass += a * covered[n, y, x]
                down = (q // 4 + 0.5) * 2 - (y + 0.5) * 3
                across = (q % 4 + 0.5) * 2 - (x + 0.5) * 2
                distance += a * np.hypot(down, across)
            assert found["mass"][n, q] == pytest.approx(mass)
            assert found["distance"][n, q] == pytest.approx(distance)


def test_closed_forms(images):
    own = np.broadcast_to(np.eye(12, dtype=np.float32), (2, 12, 12))
    found = per_query(AttentionMaps(own, (3, 4), (3, 4), images=images))
    assert (found["entropy"] == 0).all() and (found["distance"] == 0).all()
    np.testing.assert_allclose(found["mass"], coverage(images, (3, 4)).reshape(2, 12))
    flat = AttentionMaps(own, (3, 4), (3, 4), images=images).uniform()
    assert per_query(flat)["entropy_share"] == pytest.approx(1)
    frame = measures(flat)
    np.testing.assert_allclose(frame["mass"], frame["chance"], rtol=1e-6)
    np.testing.assert_allclose(frame["mass_gain"], 0, atol=1e-7)
    np.testing.assert_allclose(frame["distance"], frame["distance_uniform"], rtol=1e-6)


def test_means_are_over_the_queries_of_a_kind_then_over_images(maps, images):
    frame = measures(maps).set_index("queries")
    kinds = query_kinds(images, (3, 4))
    covered = coverage(images, (3, 4)).reshape(2, 12)
    assert (kinds["stroke"] == (covered >= 0.5)).all()
    assert (kinds["background"] == (covered == 0)).all()
    each = per_query(maps)
    for kind in ("stroke", "background", "all"):
        expected = np.mean([each["mass"][n][kinds[kind][n]].mean() for n in range(2)])
        assert frame.loc[kind, "mass"] == pytest.approx(expected)
        chance = (images > 0.5).mean()
        assert frame.loc[kind, "chance"] == pytest.approx(chance)
        assert frame.loc[kind, "mass_gain"] == pytest.approx(expected - chance)
        assert frame.loc[kind, "mass_low"] <= expected <= frame.loc[kind, "mass_high"]


def test_images_without_ink_have_no_stroke(maps):
    blank = AttentionMaps(maps.values, (3, 4), (2, 4), images=np.zeros((2, 6, 8, 1)))
    assert list(measures(blank)["queries"]) == ["background", "all"]
    with pytest.raises(UsageError, match="come with none"):
        measures(AttentionMaps(maps.values, (3, 4), (2, 4)))
