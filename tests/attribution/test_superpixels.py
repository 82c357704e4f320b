import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.attribution.superpixels import superpixels
from tfgenxai.errors import InvalidInputError, UsageError


@pytest.fixture(scope="module")
def drawing():
    """A bright disc and a bar on noise too weak to matter, (3, 24, 20)."""
    y, x = np.mgrid[:24, :20]
    picture = np.where((y - 8) ** 2 + (x - 9) ** 2 < 30, 0.9, 0.1)
    picture[18:21, 3:17] = 0.6
    noise = np.random.default_rng(0).random((3, 24, 20)) * 0.02
    return np.float32(picture + noise)


def parts(labels):
    """The pixels of each label."""
    return [labels == label for label in range(labels.max() + 1)]


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(2, 60))
def test_a_grid_is_made_of_rectangles(height, width, segments):
    (labels,) = superpixels(np.zeros((1, height, width, 2)), segments, "grid")
    assert labels.shape == (height, width) and labels.dtype == np.int32
    sides = []
    for part in parts(labels):
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        assert part.sum() == len(rows) * len(columns) > 0
        assert (np.diff(rows) == 1).all() and (np.diff(columns) == 1).all()
        sides.append((len(rows), len(columns)))
    assert (np.ptp(sides, axis=0) <= 1).all()


@pytest.mark.parametrize("segments", [4, 12, 48])
def test_a_grid_has_as_many_as_fit(segments):
    labels = superpixels(np.zeros((2, 24, 24)), segments, "grid")
    assert abs(labels.max() + 1 - segments) <= 2
    np.testing.assert_array_equal(labels[0], labels[1])


@pytest.mark.parametrize("kind", ["slic", "quickshift"])
def test_edges_of_the_picture_are_edges_of_superpixels(drawing, kind):
    """Where the picture jumps, a superpixel ends; ones that straddle would mix grey levels."""
    labels = superpixels(drawing, 40, kind)
    assert labels.shape == drawing.shape
    for image, cut in zip(drawing, labels, strict=True):
        spreads = [np.ptp(image[part]) for part in parts(cut)]
        assert np.mean(np.array(spreads) < 0.1) > 0.9
        assert 10 < len(spreads) < 90


@pytest.mark.parametrize("kind", ["slic", "quickshift", "grid"])
def test_labels_depend_on_the_image_alone(drawing, kind):
    together = superpixels(drawing, 20, kind)
    for image, labels in zip(drawing, together, strict=True):
        np.testing.assert_array_equal(superpixels(image[None], 20, kind)[0], labels)
        np.testing.assert_array_equal(superpixels(image[None, ..., None], 20, kind)[0], labels)
        np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize("kind", ["slic", "quickshift"])
def test_colour_tells_parts_apart_that_are_equally_bright(kind):
    halves = np.zeros((1, 20, 20, 3), np.float32)
    halves[:, :, :10] = (0.9, 0.2, 0.2)
    halves[:, :, 10:] = (0.2, 0.47, 0.9)
    (labels,) = superpixels(halves, 12, kind)
    left, right = set(np.unique(labels[:, :10])), set(np.unique(labels[:, 10:]))
    assert not left & right


def test_noise_is_cut_too():
    noise = np.random.default_rng(3).random((3, 28, 28))
    for segments in (6, 50):
        for labels in superpixels(noise, segments):
            assert segments / 2 <= labels.max() + 1 <= segments * 1.5


def test_an_even_image_is_cut_all_the_same():
    for kind in ("slic", "quickshift"):
        (labels,) = superpixels(np.zeros((1, 16, 16, 1)), 8, kind)
        assert 2 <= labels.max() + 1 <= 20
    assert superpixels(np.zeros((0, 8, 8, 1))).shape == (0, 8, 8)


def test_errors(drawing):
    with pytest.raises(UsageError, match="slic, quickshift, grid, not 'watershed'"):
        superpixels(drawing, kind="watershed")
    for segments in (1, 2.5):
        with pytest.raises(UsageError, match="segments= must be a whole number from 2 on"):
            superpixels(drawing, segments)
    for array in (np.zeros((4, 10)), np.zeros((1, 0, 4)), [["a"]]):
        with pytest.raises(InvalidInputError, match="cut from images"):
            superpixels(array)
    with pytest.raises(InvalidInputError, match="2 channels: use kind='grid'"):
        superpixels(np.zeros((1, 8, 8, 2)))
