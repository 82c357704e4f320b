"""The projector's files, and what TensorBoard serves of them over HTTP."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tensorboard.conftest import CODES, FACES, IMAGES, LABELS
from tfgenxai.errors import InvalidInputError
from tfgenxai.pictures import as_pixels
from tfgenxai.tensorboard import projector, write_projector


@pytest.mark.slow
def test_tensorboard_serves_what_was_written(get):
    status, body = get("plugin/projector/runs")
    assert status == 200 and "by-hand" in json.loads(body)

    status, body = get("plugin/projector/info", run="by-hand")
    embeddings = {each["tensorName"]: each for each in json.loads(body)["embeddings"]}
    assert status == 200
    assert embeddings["codes"]["tensorShape"] == [10, 7]
    assert embeddings["codes"]["sprite"]["singleImageDim"] == [4, 6]

    status, body = get("plugin/projector/tensor", run="by-hand", name="codes")
    assert status == 200
    np.testing.assert_array_equal(np.frombuffer(body, np.float32).reshape(10, 7), CODES)
    status, body = get("plugin/projector/tensor", run="by-hand", name="faces")
    np.testing.assert_array_equal(np.frombuffer(body, np.float32).reshape(5, 7), CODES[:5])

    status, body = get("plugin/projector/metadata", run="by-hand", name="codes")
    assert (status, body.decode().split()) == (200, [str(label) for label in LABELS])
    # The server cuts after so many rows, and counts the header only where there is one.
    status, body = get("plugin/projector/metadata", run="by-hand", name="faces", num_rows="5")
    assert body.decode().splitlines() == [
        "label\tglasses",
        "a\tTrue",
        "b\tFalse",
        "(none)\tTrue",
        "d e\tFalse",
        "f g\tTrue",
    ]

    for name, images, side in (("codes", IMAGES, 4), ("faces", FACES, 3)):
        status, body = get("plugin/projector/sprite_image", run="by-hand", name=name)
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
