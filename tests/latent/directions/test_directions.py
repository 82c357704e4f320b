import numpy as np
import pytest
import tensorflow as tf

from tests.latent.directions.toys import as_graph, bar_generator
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.latent.directions import Directions
from tfgenxai.latent.generator import Generator

VECTORS = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def found():
    return Directions(VECTORS, "made up", ("slant", "class 1 -> 7"), {"seed": 3})


def labelled_generator():
    """Draws its code, and the label below it."""

    def image(z, label):
        column = tf.concat([z, tf.cast(label, tf.float32)[:, None]], axis=1)
        return {"image": column[:, :, None, None]}

    specs = tf.TensorSpec((None, 3), tf.float32, "z"), tf.TensorSpec((None,), tf.int64, "label")
    return Generator(as_graph(image, *specs), classes=10)


def test_codes_move_along_the_direction_by_epsilon(found):
    codes = np.random.default_rng(0).normal(size=(4, 3))
    sizes = np.array([-2.0, 0.0, 0.5, 6.0])
    for k in (0, 1):
        slow = [[c + e * v for c, v in zip(z, VECTORS[k])] for z, e in zip(codes, sizes)]
        np.testing.assert_allclose(found.shift(codes, k, sizes), slow, atol=1e-6)
    np.testing.assert_allclose(found.shift(codes, 0, 2.0), codes + 2 * VECTORS[0], atol=1e-6)
    assert found.shift(codes, 0, 1).dtype == np.float32
    assert (len(found), found.width) == (2, 3)
    assert repr(found) == "Directions(made up, 2 in 3 dimensions)"


def test_images_keep_their_label_on_the_way(found):
    codes, sizes = np.ones((2, 3)), [-1.0, 0.0, 4.0]
    images = found.images(labelled_generator(), codes, 1, sizes, np.array([7, 2]))
    assert images.shape == (2, 3, 4, 1, 1)
    for i, label in enumerate((7, 2)):
        for j, size in enumerate(sizes):
            np.testing.assert_allclose(images[i, j, :, 0, 0], [1, 1, 1 + size, label])
    all_one = found.images(labelled_generator(), codes, 1, sizes, 5)
    np.testing.assert_allclose(all_one[..., 3, 0, 0], 5)


def test_a_file_holds_all_of_it(found, tmp_path):
    path = found.save(tmp_path / "deep" / "some.npz")
    back = Directions.load(path)
    np.testing.assert_array_equal(back.vectors, np.float32(VECTORS))
    assert (back.method, back.names, back.about) == ("made up", found.names, {"seed": 3})
    assert Directions(VECTORS, "x").names == ("direction 0", "direction 1")
    assert found[[1]].names == ("class 1 -> 7",) and len(found[:1]) == 1
    np.testing.assert_array_equal(found[[1, 0]].vectors, np.float32(VECTORS[::-1]))
    assert found.renamed(("a", "b")).names == ("a", "b")


@pytest.mark.parametrize(
    ("vectors", "names", "message"),
    [
        (np.ones(3), (), r"rows \(K, d\).*shape \(3,\)"),
        (np.ones((0, 3)), (), r"shape \(0, 3\)"),
        (2 * VECTORS, (), "lengths 2 to 2. Divide each"),
        (VECTORS * np.nan, (), "have length 1"),
        (np.full((2, 3), np.inf), (), "have length 1"),
        (VECTORS, ("one",), "2 directions but 1 names"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_are_no_directions(vectors, names, message):
    with pytest.raises(InvalidInputError, match=message):
        Directions(vectors, "x", names)


def test_codes_that_do_not_fit(found):
    with pytest.raises(InvalidInputError, match=r"codes of 3 dimensions, .*shape \(2, 4\)"):
        found.shift(np.ones((2, 4)), 0, 1.0)
    with pytest.raises(InvalidInputError, match="one for each of 2 codes"):
        found.shift(np.ones((2, 3)), 0, [1.0, 2.0, 3.0])
    for wrong in (-1, 2):
        with pytest.raises(UsageError, match=f"no direction {wrong}: they run from 0 to 1"):
            found.shift(np.ones((2, 3)), wrong, 1.0)
    with pytest.raises(InvalidInputError, match="of 3 dimensions; those of .* have 24"):
        found.images(bar_generator(), np.ones((2, 24)), 0, [1.0])
    with pytest.raises(UsageError, match="takes a label"):
        found.images(labelled_generator(), np.ones((2, 3)), 0, [1.0])


def test_files_that_are_none(found, tmp_path):
    with pytest.raises(DataNotFoundError, match="Directions.save"):
        Directions.load(tmp_path / "none.npz")
    whole = found.save(tmp_path / "whole.npz").read_bytes()
    np.savez(tmp_path / "other.npz", values=VECTORS)
    np.savez(tmp_path / "long.npz", vectors=2 * VECTORS, about='{"method": "x", "names": []}')
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("other", "long", "half", "text"):
        with pytest.raises(InvalidInputError, match=f"{name}.npz is damaged, or was not written"):
            Directions.load(tmp_path / f"{name}.npz")
