import numpy as np
import pytest

from tfgenxai.attribution.result import Attribution
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.relevance import grid_of, relevance_maps, relevance_rows


def attribution(shape, input_shape, **options):
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return Attribution(values, "any", ("a",), input_shape, **options)


def test_places_are_pixels_of_images_and_elements_of_all_else():
    assert grid_of((8, 6, 3)) == (8, 6)
    assert grid_of((5,)) == (5,)
    assert grid_of((7, 4)) == (7, 4)


def test_channels_are_summed_with_their_signs():
    values = np.array([[[[1.0, -3.0], [2.0, 2.0]]]])
    np.testing.assert_array_equal(relevance_maps(values), [[[-2.0, 4.0]]])
    np.testing.assert_array_equal(relevance_rows(values), [[-2.0, 4.0]])
    found = attribution((2, 4, 6, 3), (4, 6, 3))
    np.testing.assert_allclose(relevance_maps(found), found.values.sum(-1), rtol=1e-6)


def test_layers_are_scaled_up_as_an_attribution_scales_them():
    found = attribution((3, 4, 3), (12, 9, 2), layer="conv")
    maps = relevance_maps(found)
    assert maps.shape == (3, 12, 9) and maps.dtype == np.float64
    for i in range(3):
        np.testing.assert_allclose(maps[i], found.at_input_resolution(i), rtol=1e-6)
    np.testing.assert_array_equal(maps, relevance_maps(found.values, (12, 9)))


def test_vectors_stay_as_they_are():
    codes = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(relevance_maps(codes, (3,), 2), codes)


@pytest.mark.parametrize(
    ("relevance", "grid", "count", "error", "says"),
    [
        (attribution((2, 5, 4), (4,), family=True), None, None, UsageError, "one target at a time"),
        (attribution((2, 4, 4), (4, 4, 1)), (8, 8), None, InvalidInputError, "not \\(8, 8\\)"),
        (np.zeros((2, 4, 4)), (4, 4), 3, InvalidInputError, "2 maps of relevance for 3 samples"),
        (np.zeros((2, 9, 4)), (4, 4), None, InvalidInputError, "does not fit inputs of 4 x 4"),
        (np.zeros((2, 3)), (4,), None, InvalidInputError, "does not fit inputs of 4 places"),
        (np.full((2, 4), np.nan), None, None, InvalidInputError, "NaN"),
        (np.zeros(4), None, None, InvalidInputError, "one map a sample"),
    ],
)
def test_what_does_not_fit_is_refused(relevance, grid, count, error, says):
    with pytest.raises(error, match=says):
        relevance_maps(relevance, grid, count)
