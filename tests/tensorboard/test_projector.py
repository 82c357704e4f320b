"""The projector's files, and what TensorBoard serves of them over HTTP."""

from __future__ import annotations

import http.client
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.tensorboard import projector, write_projector

RANDOM = np.random.default_rng(0)
CODES = RANDOM.normal(size=(10, 7)).astype(np.float32) * np.float32(1e-3)
IMAGES = RANDOM.random((10, 6, 4, 1))
LABELS = RANDOM.integers(0, 10, 10)
FACES = RANDOM.random((5, 4, 4, 3))

Get = Callable[..., tuple[int, bytes]]


@pytest.fixture(scope="module")
def get(tmp_path_factory) -> Iterator[Get]:
    """A TensorBoard on loopback over a run with two embeddings."""
    logdir = tmp_path_factory.mktemp("logs")
    write_projector(logdir / "cvae", "codes", CODES, images=IMAGES, labels=LABELS)
    write_projector(
        logdir / "cvae",
        "faces",
        CODES[:5],
        images=FACES,
        labels=["a", "b", "", "d\te", "f\ng"],
        metadata={"glasses": [True, False, True, False, True]},
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
        + ["--host", "127.0.0.1", "--port", str(port), "--load_fast", "false"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def fetch(route: str, **query: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", f"/data/plugin/projector/{route}?{urlencode(query)}")
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    try:
        _wait_for_runs(fetch, server)
        yield fetch
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for_runs(fetch: Get, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "TensorBoard stopped"
        try:
            if fetch("runs")[1].strip() not in (b"", b"[]"):
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError("TensorBoard listed no run")


@pytest.mark.slow
def test_tensorboard_serves_what_was_written(get):
    status, body = get("runs")
    assert (status, json.loads(body)) == (200, ["cvae"])

    status, body = get("info", run="cvae")
    embeddings = {each["tensorName"]: each for each in json.loads(body)["embeddings"]}
    assert status == 200
    assert embeddings["codes"]["tensorShape"] == [10, 7]
    assert embeddings["codes"]["sprite"]["singleImageDim"] == [4, 6]

    status, body = get("tensor", run="cvae", name="codes")
    assert status == 200
    np.testing.assert_array_equal(np.frombuffer(body, np.float32).reshape(10, 7), CODES)
    status, body = get("tensor", run="cvae", name="faces")
    np.testing.assert_array_equal(np.frombuffer(body, np.float32).reshape(5, 7), CODES[:5])

    status, body = get("metadata", run="cvae", name="codes")
    assert (status, body.decode().split()) == (200, [str(label) for label in LABELS])
    # The server cuts after so many rows, and counts the header only where there is one.
    status, body = get("metadata", run="cvae", name="faces", num_rows="5")
    assert body.decode().splitlines() == [
        "label\tglasses",
        "a\tTrue",
        "b\tFalse",
        "(none)\tTrue",
        "d e\tFalse",
        "f g\tTrue",
    ]

    for name, images, side in (("codes", IMAGES, 4), ("faces", FACES, 3)):
        status, body = get("sprite_image", run="cvae", name=name)
        assert status == 200
        height, width = images.shape[1:3]
        with Image.open(io.BytesIO(body)) as picture:
            sheet = np.asarray(picture)
        assert sheet.shape == (side * height, side * width, 3)
        for index, image in enumerate(as_pixels(images)):
            top, left = index // side * height, index % side * width
            np.testing.assert_array_equal(sheet[top : top + height, left : left + width], image)


def test_an_embedding_is_replaced_and_others_are_kept(tmp_path):
    write_projector(tmp_path, "a", CODES, labels=LABELS)
    write_projector(tmp_path, "b", CODES[:3])
    path = write_projector(tmp_path, "a", CODES[:4])
    config = path.read_text()
    assert config.count("embeddings {") == 2
    assert "tensor_shape: 4" in config
    assert "metadata_path" not in config
    assert str(tmp_path) not in config
    assert len(list(tmp_path.glob("events.out.tfevents.*"))) == 1
    assert not list(tmp_path.rglob("*.tmp"))


def test_thumbnails_shrink_to_the_largest_sprite(tmp_path, monkeypatch):
    monkeypatch.setattr(projector, "LARGEST_SPRITE", 20)
    write_projector(tmp_path, "a", CODES, images=np.ones((10, 16, 8, 3)) * 0.5)
    with Image.open(tmp_path / "a" / "sprite.png") as sprite:
        assert sprite.size == (4 * 2, 4 * 5)
    assert (
        "single_image_dim: 2\n    single_image_dim: 5"
        in Path(tmp_path / projector.CONFIG).read_text()
    )


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("a/b", {}, "cannot name"),
        ("..", {}, "cannot name"),
        ("", {}, "cannot name"),
        ("a:0", {}, "cannot name"),
        ("a", {"labels": LABELS[:4]}, "needs 10 values"),
        ("a", {"metadata": {"x": np.zeros((10, 2))}}, "needs 10 values"),
        ("a", {"images": IMAGES[:4]}, "10 codes but 4 images"),
        ("a", {"codes": np.full((10, 2), np.nan)}, "NaN"),
    ],
)
def test_what_does_not_fit_is_refused_and_writes_nothing(tmp_path, name, given, message):
    with pytest.raises(InvalidInputError, match=message):
        write_projector(tmp_path, name, **({"codes": CODES} | given))
    assert not list(tmp_path.iterdir())


def test_a_broken_configuration_is_not_overwritten(tmp_path):
    (tmp_path / projector.CONFIG).write_text("embeddings { nonsense")
    with pytest.raises(InvalidInputError, match="move it away"):
        write_projector(tmp_path, "a", CODES)
    assert (tmp_path / projector.CONFIG).read_text() == "embeddings { nonsense"
