"""`tfgenxai disentangle` on a model and a data set of which the answer is known."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgenxai import data
from tfgenxai.cli import main
from tfgenxai.data.images import ImageData

SIZES = {"shape": 3, "scale": 6, "orientation": 40, "x_position": 32, "y_position": 32}


def sprites(name, split, *, source=None, size=None):
    """Stands for dSprites: the factors are the first pixels of each image.

    Of six values at most, so that a few hundred images hold dozens of each.
    """
    rng = np.random.default_rng(["train", "test"].index(split))
    codes = {key: rng.integers(0, min(count, 6), size) for key, count in SIZES.items()}
    pixels = np.zeros((size, 64, 64, 1), np.uint8)
    pixels[:, 0, :5, 0] = np.stack(list(codes.values()), axis=1)
    return ImageData(
        name=name,
        split=split,
        pixels=pixels,
        source="tfds",
        source_detail="made up",
        factor_codes=codes,
        factor_values={key: tuple(map(str, range(count))) for key, count in SIZES.items()},
    )


def save(folder, shape, **signatures):
    module = tf.Module()
    module.kernel = tf.Variable(255 * np.eye(6, 5, dtype=np.float32), name="kernel")
    concrete = {}
    for name, function in signatures.items():
        wrapped = tf.function(lambda image, f=function: f(module, image))
        concrete[name] = wrapped.get_concrete_function(tf.TensorSpec((None, *shape), name="image"))
    tf.saved_model.save(module, str(folder), concrete)
    return folder


def read_factors(module, image):
    """One latent a factor, and one that is always 0."""
    return {"mean": tf.pad(image[:, 0, :6, 0] @ module.kernel, [[0, 0], [1, 0]])}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save(folder / "reader", (64, 64, 1), encode=read_factors)
    save(folder / "judge", (64, 64, 1), classify=read_factors)
    return folder


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", sprites)

    def run(*words):
        code = main(["disentangle", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def test_scores_table_and_pictures(models, call, tmp_path):
    words = [models / "reader", "--data", "dsprites", "--samples", 400, "--repeats", 2]
    words += ["--metrics", "factor_vae", "mig", "--controls", "--out", "found"]
    code, out, _ = call(*words, "--json")
    assert code == 0
    found = json.loads(out)
    rows = {row["metric"]: row for row in found["scores"]}
    assert list(rows) == ["factor_vae", "mig"]
    assert rows["factor_vae"]["reader"] > 0.99 and rows["factor_vae"]["chance"] == 0.2
    assert rows["mig"]["low"] <= rows["mig"]["reader"] <= rows["mig"]["high"]
    assert rows["mig"]["reader"] > 0.4 > rows["mig"]["random weights"]
    assert rows["mig"]["components of pixels"] < rows["mig"]["reader"]
    assert (found["train"], found["test"], found["seeds"]) == (400, 200, [0, 1])
    assert found["latents"] == 6 and found["factors"] == list(SIZES)
    folder = tmp_path / "found"
    assert {path.name for path in folder.iterdir()} == {
        *("results.json", "scores.csv", "factor_vae.png", "mig.png")
    }
    kept = json.loads((folder / "results.json").read_text())
    assert np.argmax(kept["matrices"]["mig"], axis=1).tolist() == [1, 2, 3, 4, 5]
    assert (folder / "scores.csv").read_text().startswith("metric,reader,low,high,random weights")
    with Image.open(folder / "mig.png") as picture:
        assert picture.width > 300
    code, out, _ = call(*words[:-4], "--metrics", "mig", "--out", "again")
    assert code == 0
    assert "reader on dsprites: 400 images to learn from, 200 to test on, 5 factors" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("judge --data dsprites", 2, "judge has no signature 'encode'.*it has classify"),
        ("reader", 2, "reader has no card.*add --data, faces, dsprites, shapes3d"),
        ("reader --data mnist", 2, "several independent factors.*mnist.*no more than a class"),
        ("reader --data celeb_a", 2, "celeb_a.*depend on one another"),
        ("reader --data faces", 1, "takes images of 64 × 64 × 1; those of faces are 128"),
        ("reader --data shapes3d", 1, "those of shapes3d are 64 × 64 × 3"),
        ("reader --data dsprites --metrics mgi", 2, "Unknown metric 'mgi'; choose from"),
        ("reader --data dsprites --samples 50", 2, "--samples is at least 200"),
        ("reader --data dsprites --seed -1", 2, "--seed at least 0"),
        ("reader --data dsprites --repeats 0", 2, "--repeats is at least 1"),
        ("nowhere", 1, "nowhere"),
    ],
)
def test_what_cannot_be_measured(words, code, message, models, call, tmp_path):
    name, *rest = words.split()
    found, out, lines = call(models / name, *rest)
    assert (found, out) == (code, "")
    assert len(lines) == 1 and re.search(message, lines[0]), lines
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_takes_more_than_images(call, tmp_path):
    module = tf.Module()
    both = tf.function(lambda image, label: {"mean": image[:, 0, :, 0] + label})
    spec = tf.TensorSpec((None, 64, 64, 1), name="image"), tf.TensorSpec((None, 1), name="label")
    folder = tmp_path / "two"
    tf.saved_model.save(module, str(folder), {"encode": both.get_concrete_function(*spec)})
    code, _, lines = call(folder, "--data", "dsprites")
    assert code == 2 and "takes image, label" in lines[0]


def test_data_that_is_not_here(models, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("tfgenxai.data.tfds_store.answers", lambda *_: False)
    code = main(["disentangle", str(models / "reader"), "--data", "dsprites"])
    lines = capsys.readouterr().err.splitlines()
    assert code == 1 and len(lines) == 1 and "cannot download dsprites" in lines[0]


def test_help_names_metrics_without_heavy_imports(run_python):
    code = (
        "import sys\nfrom tfgenxai.cli import main\n"
        "try:\n    main(['disentangle', '--help'])\n"
        "except SystemExit:\n"
        "    print({'tensorflow', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules))\n"
    )
    done = run_python("-c", code)
    assert done.stdout.endswith("set()\n"), done.stderr
    assert all(name in done.stdout for name in ("beta_vae", "factor_vae", "mig", "sap", "dci"))
