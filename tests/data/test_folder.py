import numpy as np
import pytest
from PIL import Image

import tfgenxai.data as data
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def noise(seed, shape=(8, 10, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_pixels_in_the_order_of_names(tmp_path):
    for i in (3, 1, 2):
        save(tmp_path / f"{i}.png", noise(i))
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / ".hidden.png", noise(9))
    read = data.load("folder", "all", folder=tmp_path)
    assert np.array_equal(read.pixels, np.stack([noise(i) for i in (1, 2, 3)]))
    assert read.labels is None and read.class_names is None and read.source == "folder"
    assert len(data.load("folder", "all", folder=str(tmp_path), size=2)) == 2
    with pytest.raises(DataNotFoundError, match="3 all images"):
        data.load("folder", "all", folder=tmp_path, size=4)


def test_class_subfolders_are_labels(tmp_path):
    for name, count in (("cat", 2), ("bird", 1), ("dog", 3)):
        for i in range(count):
            save(tmp_path / name / "deeper" / f"{i}.JPEG", noise(i), format="jpeg")
    (tmp_path / "empty").mkdir()
    read = data.load("folder", "all", folder=tmp_path)
    assert read.class_names == ("bird", "cat", "dog")
    assert read.labels.tolist() == [0, 1, 1, 2, 2, 2]
    save(tmp_path / "stray.png", noise(0))
    with pytest.raises(UsageError, match="stray.png"):
        data.load("folder", "all", folder=tmp_path)


def test_splits_by_name_partition_and_stay(tmp_path):
    for i in range(100):
        save(tmp_path / f"{i}.png", noise(i, (2, 2, 3)))

    def images(split):
        return {x.tobytes() for x in data.load("folder", split, folder=tmp_path).pixels}

    train, test = images("train"), images("test")
    assert not train & test and train | test == images("all") and 1 <= len(test) <= 25
    for i in range(100, 120):
        save(tmp_path / f"{i}.png", noise(i, (2, 2, 3)))
    assert train <= images("train") and test <= images("test")


def test_train_and_test_subfolders_are_the_splits(tmp_path):
    save(tmp_path / "train" / "b" / "1.png", noise(1))
    save(tmp_path / "train" / "c" / "1.png", noise(2))
    save(tmp_path / "test" / "c" / "1.png", noise(3))
    test = data.load("folder", "test", folder=tmp_path)
    assert np.array_equal(test.pixels[0], noise(3))
    assert test.labels.tolist() == [1] and test.class_names == ("b", "c")
    assert len(data.load("folder", folder=tmp_path)) == 2
    assert len(data.load("folder", "all", folder=tmp_path)) == 3


def test_image_size_crops_the_centre_and_scales(tmp_path):
    # Red margins left and right of a square: a centred crop keeps none of it.
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, :30, 0] = wide[:, 70:, 0] = 255
    wide[:, 30:70, 2] = 200
    save(tmp_path / "wide.png", wide)
    read = data.load("folder", "all", folder=tmp_path, image_size=20)
    assert read.pixels.shape == (1, 20, 20, 3)
    assert (read.pixels == [0, 0, 200]).all()
    assert data.load("folder", "all", folder=tmp_path, image_size=(5, 8)).shape == (5, 8, 3)


def test_different_sizes_need_an_image_size(tmp_path):
    save(tmp_path / "a.png", noise(0))
    save(tmp_path / "b.png", noise(0, (9, 10, 3)))
    with pytest.raises(InvalidInputError, match=r"b\.png is 10 x 9.*image_size"):
        data.load("folder", "all", folder=tmp_path)
    assert len(data.load("folder", "all", folder=tmp_path, image_size=8)) == 2


def test_grey_stays_grey_unless_one_image_has_colour(tmp_path):
    save(tmp_path / "a.png", noise(0, (4, 4)))
    grey = data.load("folder", "all", folder=tmp_path)
    assert grey.shape == (4, 4, 1) and np.array_equal(grey.pixels[0, :, :, 0], noise(0, (4, 4)))
    save(tmp_path / "b.png", noise(1, (4, 4, 3)))
    mixed = data.load("folder", "all", folder=tmp_path)
    assert mixed.shape == (4, 4, 3)
    assert all(np.array_equal(mixed.pixels[0, :, :, c], noise(0, (4, 4))) for c in range(3))


def test_transparent_pixels_are_white(tmp_path):
    image = np.zeros((4, 4, 4), np.uint8)
    image[:2, :, 3] = 255
    save(tmp_path / "a.png", image)
    read = data.load("folder", "all", folder=tmp_path).pixels[0]
    assert (read[:2] == 0).all() and (read[2:] == 255).all()


def test_photographs_are_turned_upright(tmp_path):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by 90 degrees
    save(tmp_path / "a.png", np.rot90(upright), exif=exif)
    assert np.array_equal(data.load("folder", "all", folder=tmp_path).pixels[0], upright)


@pytest.mark.parametrize("damage", ["text", "truncated png", "truncated jpeg", "empty"])
def test_an_unreadable_file_is_named(tmp_path, damage):
    for i in range(3):
        save(tmp_path / f"{i}.png", noise(i, (64, 64, 3)))
    bad = tmp_path / ("bad.jpg" if "jpeg" in damage else "bad.png")
    save(bad, noise(5, (64, 64, 3)))
    content = bad.read_bytes()
    bad.write_bytes({"text": b"hello", "empty": b""}.get(damage, content[: len(content) // 2]))
    with pytest.raises(InvalidInputError, match=r"bad\.(png|jpg) cannot be read"):
        data.load("folder", "all", folder=tmp_path, image_size=32)


def test_sixteen_bits_are_refused(tmp_path):
    save(tmp_path / "deep.png", np.full((4, 4), 40_000, np.uint16))
    with pytest.raises(InvalidInputError, match=r"deep\.png has more than 8 bits"):
        data.load("folder", "all", folder=tmp_path)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(DataNotFoundError, match="no folder"):
        data.load("folder", folder=tmp_path / "nowhere")
    with pytest.raises(DataNotFoundError, match="holds no"):
        data.load("folder", folder=tmp_path)
