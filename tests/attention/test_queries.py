"""Queries that are chosen, and the index that has been taken for theirs."""

import numpy as np
import pytest

from tfgenxai.attention import choose_queries, right_index, slip, wrong_index


def ring():
    y, x = np.mgrid[:28, :28]
    radius = np.hypot(y - 12, x - 15)
    return ((radius > 5) & (radius < 9)).astype(np.float32)[..., None]


def test_strokes_are_ink_and_background_is_not():
    image = ring()
    found = choose_queries(image)
    assert [query.name for query in found] == [
        "stroke, top",
        "stroke, middle",
        "stroke, bottom",
        "background, near",
        "background, far",
        "background, other side",
    ]
    for query in found:
        assert (image[query.row, query.column, 0] == 1) == query.name.startswith("stroke")
    rows = [query.row for query in found[:3]]
    assert rows == sorted(rows)
    inside = found[3]
    assert 3 < inside.row < 21 and 6 < inside.column < 24
    assert (found[4].column < 14) != (found[5].column < 14)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_image_without_a_stroke_gives_six_places(value):
    found = choose_queries(np.full((28, 28, 1), value))
    assert len({(q.row, q.column) for q in found}) == len({q.name for q in found}) == 6
    assert all(0 < q.row < 28 and 0 < q.column < 28 for q in found)


def test_a_single_pixel_is_enough():
    image = np.zeros((9, 9, 3))
    image[4, 4] = 1
    found = choose_queries(image)
    assert {(q.row, q.column) for q in found if q.name.startswith("stroke")} == {(4, 4)}


@pytest.mark.parametrize(("height", "width"), [(5, 7), (7, 5), (14, 14)])
def test_indices_against_an_array_of_places(height, width):
    order = np.arange(height * width).reshape(height, width)
    for row in range(height):
        for column in range(width):
            found = slip(row, column, width)
            assert found.right == right_index(row, column, width) == order[row, column]
            assert found.wrong == wrong_index(row, column) < height * width
            assert order[found.shown] == found.wrong
            assert (found.right == found.wrong) == (row == column == 0)
            assert found.shown[0] < row or (row == 0 and found.shown == (0, 0))
