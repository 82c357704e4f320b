"""Images and maps made ready for the eye."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels, upsample
from tfgenxai.plots import make_grid


def test_grey_and_colour_images_become_rgb_bytes():
    grey = np.array([0, 0.5, 1, 0.2]).reshape(1, 2, 2, 1)
    pixels = as_pixels(grey)
    assert pixels.shape == (1, 2, 2, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[0, 0, 1] == 128).all()
    np.testing.assert_array_equal(as_pixels(grey[..., 0]), pixels)
    colour = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_pixels(colour), colour)
    np.testing.assert_array_equal(as_pixels(colour / 255.0), colour)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4, 4, 2)), "one or three channels"),
        (np.zeros((4, 4)), "shape"),
        (np.zeros((0, 4, 4, 1)), "shape"),
        (np.full((1, 4, 4, 1), np.nan), "NaN"),
        (np.linspace(-1, 1, 16).reshape(1, 4, 4, 1), r"lie in \[-1, 1\]"),
        (np.full((1, 4, 4, 1), 255.0), r"must lie in \[0, 1\]"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(InvalidInputError, match=message):
        as_pixels(images)


@pytest.mark.parametrize(("count", "columns", "shape"), [(7, 3, (3, 3)), (5, None, (2, 3))])
def test_a_grid_holds_every_image_row_by_row(count, columns, shape):
    images = np.random.default_rng(0).random((count, 4, 5, 3))
    grid = make_grid(images, columns, padding=2)
    assert grid.shape == (shape[0] * 6 - 2, shape[1] * 7 - 2, 3)
    for i in range(count):
        top, left = i // shape[1] * 6, i % shape[1] * 7
        np.testing.assert_array_equal(
            grid[top : top + 4, left : left + 5], as_pixels(images[i : i + 1])[0]
        )


def slow_bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each pixel centre looked up between its four neighbours, edges repeated."""
    result = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            v = np.clip((y + 0.5) * image.shape[0] / height - 0.5, 0, image.shape[0] - 1)
            u = np.clip((x + 0.5) * image.shape[1] / width - 0.5, 0, image.shape[1] - 1)
            y0, x0 = int(v), int(u)
            y1, x1 = min(y0 + 1, image.shape[0] - 1), min(x0 + 1, image.shape[1] - 1)
            top = image[y0, x0] * (1 - (u - x0)) + image[y0, x1] * (u - x0)
            bottom = image[y1, x0] * (1 - (u - x0)) + image[y1, x1] * (u - x0)
            result[y, x] = top * (1 - (v - y0)) + bottom * (v - y0)
    return result


def test_upsampling_is_bilinear_between_pixel_centres():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    larger = upsample(maps, 11, 20)
    assert larger.shape == (2, 3, 11, 20)
    assert larger.dtype == np.float32
    np.testing.assert_allclose(larger[1, 2], slow_bilinear(maps[1, 2], 11, 20), atol=1e-5)
    np.testing.assert_array_equal(upsample(maps, 4, 5), maps.astype(np.float32))
