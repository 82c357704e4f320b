"""Measures of words on drawn shapes: joined or not, leaning or rising, dark or bright."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.strokes import ink_widths, stroke_measures
from tfgenxai.metrics.word_shapes import MEASURES, bright_ink, cursivity, word_measures

BAR = slice(6, 26)


def word(*lines: tuple[object, object], characters: int = 3) -> np.ndarray:
    """(1, 32, 16 n, 1): a bar in the middle of each character, and ink at these rows, columns."""
    image = np.zeros((32, 16 * characters), np.float32)
    for k in range(characters):
        image[BAR, 16 * k + 7 : 16 * k + 10] = 1
    for rows, columns in lines:
        image[rows, columns] = 1
    return image[None, ..., None]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], 0.0),
        ([(20, slice(8, 24))], 0.5),  # from the first bar to the second
        ([(20, slice(8, 40))], 1.0),
        ([(20, slice(8, 20))], 0.0),  # reaches over, and ends before the second bar
        ([(2, slice(8, 40))], 0.0),  # a line above, smaller than each bar's part, touches none
        ([(10, slice(8, 15)), (11, slice(15, 24))], 0.5),  # joined at a corner
    ],
)
def test_joined_characters(lines, expected):
    assert cursivity(word(*lines)).tolist() == [expected]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=5), st.booleans())
def test_the_share_of_pairs_that_a_line_joins_in_ink_of_either_kind(joins, dark):
    lines = [(15, slice(16 * k + 9, 16 * k + 24)) for k, join in enumerate(joins) if join]
    image = word(*lines, characters=len(joins) + 1)
    given_image = 1 - image if dark else image
    np.testing.assert_array_equal(bright_ink(given_image), image)
    assert cursivity(given_image).item() == pytest.approx(np.mean(joins))


def test_words_of_a_batch_do_not_touch_each_other():
    """Ink at the same place of three words is one piece in none but its own."""
    batch = np.concatenate([word(), word((20, slice(8, 40))), np.zeros((1, 32, 48, 1)), word()])
    np.testing.assert_array_equal(cursivity(batch), [0, 1, np.nan, 0])
    assert np.isnan(cursivity(word(characters=1))).all()


def test_a_character_without_ink_is_joined_to_none_and_has_no_width():
    image = word((20, slice(8, 24)))
    image[:, :, 32:] = 0
    found = word_measures(image)
    assert found["cursivity"].item() == 0.5
    first, second = (ink_widths(image[:, :, at : at + 16]).item() for at in (0, 16))
    assert found["width per character"].item() == pytest.approx((first + second) / 2)


def test_the_measures_of_strokes_and_their_names():
    image = word((20, slice(8, 24)))
    found, strokes = word_measures(image), stroke_measures(image, characters=3)
    assert found.keys() == MEASURES.keys()
    for name, values in strokes.items():
        np.testing.assert_array_equal(found[name], values)
    blank = word_measures(np.zeros((2, 32, 32, 1)))
    assert all(np.isnan(values).all() and values.shape == (2,) for values in blank.values())


def test_a_rising_line_is_no_slant():
    """Upright bars whose feet rise: the moments of the whole lean, no character does."""
    image = np.zeros((1, 32, 64, 1), np.float32)
    for k in range(4):
        image[0, 10 - 3 * k : 30 - 3 * k, 16 * k + 7 : 16 * k + 10] = 1
    assert abs(stroke_measures(image)["slant"].item()) > 20
    assert word_measures(image)["slant"].item() == pytest.approx(0, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.floats(-20, 20), st.integers(1, 3))
def test_characters_that_lean_alike_lean_so_as_a_word(degrees, characters):
    lean = np.tan(np.radians(degrees))
    y, x = np.mgrid[:32, :16]
    slot = np.clip(2 - abs(x - 7.5 + lean * (y - 15.5)), 0, 1) * ((y >= 6) & (y < 26))
    image = np.tile(slot.astype(np.float32), characters)[None, ..., None]
    # Bars keep the room that they are drawn in: |lean| 10 + 2 < 8 columns on either side.
    assert word_measures(image)["slant"].item() == pytest.approx(degrees, abs=1.5)


def test_the_width_alone_is_that_of_the_stroke_measures():
    images = np.random.default_rng(0).random((5, 32, 16, 1)) ** 4
    images[3] = 0
    np.testing.assert_array_equal(ink_widths(images), stroke_measures(images)["width"])


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((2, 32, 40, 1)), "crop them"),
        (np.zeros((32, 32, 1)), "crop them"),
        (np.zeros((2, 32, 32, 3)), "crop them"),
        (np.zeros((0, 32, 32, 1)), "crop them"),
        (np.full((1, 32, 16, 1), np.nan), "finite"),
        (np.full((1, 32, 16, 1), 2.0), "finite"),
    ],
)
def test_images_that_are_no_words(images, text):
    for measure in (word_measures, cursivity):
        with pytest.raises(InvalidInputError, match=text):
            measure(images)


def test_characters_that_do_not_fit():
    with pytest.raises(InvalidInputError, match="do not hold 3 characters"):
        stroke_measures(np.zeros((1, 32, 32)), characters=3)
