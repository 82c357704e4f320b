"""dSprites and 3D Shapes from tiny data sets of TFDS' layout, prepared here."""

import math

import numpy as np
import pytest

import tfgenxai.data as data
from tfgenxai.data import dsprites, shapes3d
from tfgenxai.errors import DataNotFoundError, UsageError

# As TFDS declares them: factor -> number of classes.
LAYOUTS = {
    "dsprites": {
        "shape": 3,
        "scale": 6,
        "orientation": 40,
        "x_position": 32,
        "y_position": 32,
    },
    "shapes3d": {
        "floor_hue": 10,
        "wall_hue": 10,
        "object_hue": 10,
        "scale": 8,
        "shape": 4,
        "orientation": 15,
    },
}


def example(name, i, rng):
    """Labels by lot, and an image of which the first pixels hold them and the last pixel i."""
    labels = {f"label_{k}": int(rng.integers(count)) for k, count in LAYOUTS[name].items()}
    if name == "dsprites":  # 0 and 1, as published: the number i in binary digits
        image = np.zeros((64, 64, 1), np.uint8)
        image[0, :8, 0] = [int(digit) for digit in f"{i:08b}"]
    else:
        image = np.full((64, 64, 3), (i, 2 * i, 3 * i), np.uint8)
    values = {key.replace("label", "value"): float(code) / 7 for key, code in labels.items()}
    return {"image": image, **labels, **values}


def prepare(name, home, count=30):
    import tensorflow_datasets as tfds

    rng = np.random.default_rng(0)
    rows = [example(name, i, rng) for i in range(count)]
    features = {"image": tfds.features.Image(shape=rows[0]["image"].shape)}
    for key, classes in LAYOUTS[name].items():
        features[f"label_{key}"] = tfds.features.ClassLabel(num_classes=classes)
        features[f"value_{key}"] = tfds.features.Tensor(shape=(), dtype=np.float32)
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="2.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": list(enumerate(rows))},
        data_dir=home,
        disable_shuffling=True,
    )
    return rows


@pytest.mark.parametrize("name", LAYOUTS)
def test_prepared_by_tfds(name, tfds_home):
    rows = prepare(name, tfds_home)
    train, test = data.load(name), data.load(name, "test")
    assert (len(train), len(test)) == (27, 3)
    assert train.source == "tfds" and "train: images 0 to 26" in train.source_detail
    assert train.factor_names == tuple(LAYOUTS[name])
    for part, first in ((train, 0), (test, 27)):
        assert part.images.dtype == np.float32 and part.images.max() <= 1
        for i in range(len(part)):
            row = rows[first + i]
            expected = row["image"] * (255 if name == "dsprites" else 1)
            assert np.array_equal(part.pixels[i], expected)
            assert all(part.factor_codes[k][i] == row[f"label_{k}"] for k in LAYOUTS[name])
    few = data.load(name, "test", size=2)
    assert np.array_equal(few.pixels, test.pixels[:2])
    with pytest.raises(DataNotFoundError, match="3 test images here"):
        data.load(name, "test", size=4)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_code_has_a_value_and_the_values_differ(name):
    module = {"dsprites": dsprites, "shapes3d": shapes3d}[name]
    assert module.listing().factors == tuple(LAYOUTS[name])
    for key, count in LAYOUTS[name].items():
        known = module._SET.values[key]
        assert len(set(known)) == len(known) == count


def test_the_published_values():
    sprites, rooms = dsprites._SET.values, shapes3d._SET.values
    assert sprites["scale"] == ("0.5", "0.6", "0.7", "0.8", "0.9", "1")
    assert sprites["orientation"][-1] == "6.283"
    assert rooms["wall_hue"] == tuple(f"{i / 10:.4g}" for i in range(10))
    assert rooms["orientation"][:2] == ("-30", "-25.71") and rooms["orientation"][7] == "0"
    assert math.prod(map(len, sprites.values())) == 737_280
    assert math.prod(map(len, rooms.values())) == 480_000


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_the_data_set_and_without_a_network(name):
    for source, says in ((None, "does not answer"), ("tfds", "TFDS_DATA_DIR")):
        with pytest.raises(DataNotFoundError, match=says) as error:
            data.load(name, source=source)
        assert name in str(error.value)
    with pytest.raises(UsageError, match="no source 'mlxtend'"):
        data.load(name, source="mlxtend")
    with pytest.raises(UsageError, match="takes no folder"):
        data.load(name, folder=".")
    row = next(row for row in data.sources() if row.name == name)
    assert row.source is None and "TFDS downloads" in row.how


def test_a_truncated_file_is_named(tfds_home):
    prepare("dsprites", tfds_home)
    (file,) = tfds_home.glob("dsprites/2.0.0/*tfrecord*")
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(DataNotFoundError, match="cannot be read"):
        data.load("dsprites")
