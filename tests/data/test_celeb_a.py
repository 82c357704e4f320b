import numpy as np
import pytest
from PIL import Image

import tfgenxai.data as data
from tfgenxai.errors import DataNotFoundError, InvalidInputError

NAMES = ("Eyeglasses", "Male", "Smiling")
# file -> (partition, attributes)
FACES = {
    "000001.png": (0, (1, -1, 1)),
    "000002.png": (2, (-1, -1, 1)),
    "000003.png": (1, (1, 1, 1)),
    "000004.png": (0, (-1, 1, -1)),
    "000005.png": (2, (1, 1, -1)),
}


def photograph(i):
    """178 wide, 218 high: the centred square has the colour (i, 2i, 3i), the margins are red."""
    image = np.zeros((218, 178, 3), np.uint8)
    image[:20, :, 0] = image[198:, :, 0] = 255
    image[20:198] = (i, 2 * i, 3 * i)
    return image


@pytest.fixture(params=["csv", "txt"])
def copy(request, tmp_path):
    nested = request.param == "csv"  # Kaggle's archive holds the folder twice
    images = tmp_path / "img_align_celeba" / ("img_align_celeba" if nested else "")
    images.mkdir(parents=True)
    for i, file in enumerate(FACES, start=1):
        Image.fromarray(photograph(i)).save(images / file)
    if request.param == "csv":
        attributes = ["image_id," + ",".join(NAMES)]
        attributes += [",".join([f, *map(str, a)]) for f, (_, a) in FACES.items()]
        partition = ["image_id,partition", *(f"{f},{p}" for f, (p, _) in FACES.items())]
    else:
        attributes = [str(len(FACES)), " ".join(NAMES) + " "]
        attributes += [f + " " + " ".join(f"{v:2d}" for v in a) for f, (_, a) in FACES.items()]
        partition = [f"{f} {p}" for f, (p, _) in FACES.items()]
    ending = request.param
    (tmp_path / f"list_attr_celeba.{ending}").write_text("\n".join(attributes) + "\n")
    (tmp_path / f"list_eval_partition.{ending}").write_text("\n".join(partition) + "\n")
    return tmp_path


def test_a_kaggle_copy(copy):
    train = data.load("celeb_a", folder=copy)
    assert train.source == "kaggle" and train.pixels.shape == (2, 128, 128, 3)
    assert (train.pixels[0] == (1, 2, 3)).all() and (train.pixels[1] == (4, 8, 12)).all()
    assert train.factor_names == NAMES
    assert train.factors["Eyeglasses"].tolist() == ["yes", "no"]
    assert train.factor_codes["Male"].tolist() == [0, 1]
    test = data.load("celeb_a", "test", folder=copy, source="kaggle", size=1, image_size=64)
    assert test.pixels.shape == (1, 64, 64, 3) and (test.pixels == (2, 4, 6)).all()
    with pytest.raises(DataNotFoundError, match="2 train images"):
        data.load("celeb_a", folder=copy, size=3)


def test_what_is_missing_is_named(copy):
    ending = "csv" if (copy / "list_attr_celeba.csv").exists() else "txt"
    attributes = copy / f"list_attr_celeba.{ending}"
    content = attributes.read_text()
    attributes.write_text(content.replace("-1", "x", 1))
    with pytest.raises(InvalidInputError, match="000001.png"):
        data.load("celeb_a", folder=copy)
    attributes.write_text("".join(content.splitlines(keepends=True)[:-2]))
    with pytest.raises(InvalidInputError, match="no line for 000004.png"):
        data.load("celeb_a", folder=copy)
    attributes.unlink()
    with pytest.raises(DataNotFoundError, match="list_attr_celeba"):
        data.load("celeb_a", folder=copy)
    attributes.write_text(content)
    next(copy.rglob("000004.png")).write_bytes(b"broken")
    with pytest.raises(InvalidInputError, match="000004.png"):
        data.load("celeb_a", folder=copy)
    next(copy.rglob("000004.png")).unlink()
    with pytest.raises(InvalidInputError, match="000004.png"):
        data.load("celeb_a", folder=copy)


def test_without_any_copy(tmp_path):
    with pytest.raises(DataNotFoundError, match="img_align_celeba"):
        data.load("celeb_a", folder=tmp_path)
    for source in (None, "tfds", "tfds-download"):
        with pytest.raises(DataNotFoundError, match="Kaggle"):
            data.load("celeb_a", source=source)


def test_prepared_by_tfds(tfds_home):
    import tensorflow_datasets as tfds

    rows = [
        {"image": photograph(i), "attributes": {name: i % 2 == 0 for name in NAMES}}
        for i in range(1, 6)
    ]
    tfds.dataset_builders.store_as_tfds_dataset(
        name="celeb_a",
        version="2.1.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(218, 178, 3)),
                "attributes": {name: np.bool_ for name in NAMES},
            }
        ),
        split_datasets={"train": list(enumerate(rows)), "test": list(enumerate(rows[:2]))},
        data_dir=tfds_home,
        disable_shuffling=True,
    )
    train = data.load("celeb_a", size=4)
    assert train.source == "tfds" and train.pixels.shape == (4, 128, 128, 3)
    whole = data.load("celeb_a")
    assert len(whole) == 5 and np.array_equal(whole.pixels[:4], train.pixels)
    expected = np.arange(1, 6)[:, None, None, None] * np.array([1, 2, 3])
    assert (whole.pixels == expected).all()
    assert whole.factor_codes["Male"].tolist() == [0, 1, 0, 1, 0]
