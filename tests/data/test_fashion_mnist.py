import gzip
import struct

import numpy as np
import pytest

import tfgenxai.data as data
from tfgenxai.data import fashion_mnist
from tfgenxai.errors import DataNotFoundError, InvalidInputError


def write(folder, prefix, images, labels):
    header = b"\0\0\x08\x03" + struct.pack(">3I", *images.shape)
    (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(images)))
    header = b"\0\0\x08\x01" + struct.pack(">I", len(labels))
    (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + bytes(labels)))


@pytest.fixture
def copy(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    write(tmp_path, "train", images, np.array([9, 0, 1, 2, 3], np.uint8))
    write(tmp_path, "t10k", images[:2], np.array([4, 5], np.uint8))
    return tmp_path, images


def test_a_folder_of_idx_files(copy):
    folder, images = copy
    train = data.load("fashion_mnist", folder=folder, size=3)
    assert np.array_equal(train.pixels, images[:3, :, :, None])
    assert train.labels.tolist() == [9, 0, 1] and train.class_names[9] == "Ankle boot"
    assert train.source == "debian" and str(folder) in train.source_detail
    assert data.load("fashion_mnist", "test", folder=folder).labels.tolist() == [4, 5]


def test_debian_is_the_fallback_and_a_download_the_last(copy, monkeypatch, tmp_path):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", copy[0])
    assert data.load("fashion_mnist").source == "debian"
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "nowhere")
    with pytest.raises(DataNotFoundError, match="does not answer"):
        data.load("fashion_mnist")
    with pytest.raises(DataNotFoundError, match="dataset-fashion-mnist"):
        data.load("fashion_mnist", source="debian")


def test_files_that_do_not_belong_together(copy):
    folder, images = copy
    write(folder, "train", images, np.zeros(4, np.uint8))
    with pytest.raises(InvalidInputError, match="belong together"):
        data.load("fashion_mnist", folder=folder)


@pytest.mark.skipif(not fashion_mnist.DEBIAN.is_dir(), reason="dataset-fashion-mnist not installed")
def test_all_of_fashion_mnist():
    train, test = data.load("fashion_mnist"), data.load("fashion_mnist", "test")
    assert train.pixels.shape == (60_000, 28, 28, 1) and test.pixels.shape == (10_000, 28, 28, 1)
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    # The mean and deviation that are quoted for Fashion-MNIST.
    assert abs(train.images.mean(dtype=np.float64) - 0.2860) < 1e-4
    assert abs(train.images.std(dtype=np.float64) - 0.3530) < 1e-4
