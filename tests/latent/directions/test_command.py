"""`tfgenxai directions` on a generator of which the right directions are known."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.latent.directions.toys import PLACE, THICKNESS, WIDTH, bar
from tfgenxai.cli import main
from tfgenxai.latent.directions import Directions

FIRST = np.zeros((WIDTH, WIDTH), np.float32)
FIRST[PLACE, PLACE], FIRST[THICKNESS, THICKNESS] = 2.0, 1.0


def save(folder, function, *specs, name="generate"):
    module = tf.Module()
    module.kernel = tf.Variable(FIRST, name="kernel")
    traced = tf.function(lambda *inputs: function(module, *inputs), autograph=False)
    tf.saved_model.save(module, str(folder), {name: traced.get_concrete_function(*specs)})


def labelled(module, z, label):
    return {"image": bar(z)["image"] * tf.cast(label + 1, tf.float32)[:, None, None, None] / 10}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    code = tf.TensorSpec((None, WIDTH), tf.float32, "z")
    image = tf.TensorSpec((None, 28, 28, 1), tf.float32, "image")
    save(folder / "bars", lambda module, z: bar(z @ module.kernel), code)
    save(folder / "labelled", labelled, code, tf.TensorSpec((None,), tf.int64, "label"))
    save(
        folder / "judge",
        lambda module, image: {"logits": image[:, 0, :2, 0] @ module.kernel[:2]},
        image,
        name="classify",
    )
    return folder


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["directions", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def test_directions_figures_and_tables(models, call, tmp_path):
    words = [models / "bars", "--method", "sefa", "random", "--count", 2, "--samples", 6]
    code, out, _ = call(*words, "--rca", "--steps", 2, "--out", "found", "--json")
    assert code == 0
    found = json.loads(out)
    folder = tmp_path / "found"
    vectors = Directions.load(folder / "directions-sefa.npz").vectors
    np.testing.assert_allclose(vectors, np.eye(WIDTH)[[PLACE, THICKNESS]], atol=1e-6)
    for name in ("sefa", "random"):
        kept = Directions.load(folder / f"directions-{name}.npz")
        measured = found["directions"][name]
        assert list(kept.names) == measured["names"]
        assert kept.about["model"] == str(models / "bars")
        assert len(measured["effects"]) == 2 and measured["rca"]["chance"] == 0.5
        for picture in (f"directions-{name}.png", f"effects-{name}.png"):
            with Image.open(folder / picture) as image:
                assert min(image.size) > 150
        with Image.open(folder / "gifs" / f"{name}-1.gif") as image:
            assert image.n_frames > 10
        assert len((folder / f"effects-{name}.csv").read_text().splitlines()) == 3
    wider = next(row for row in found["directions"]["sefa"]["effects"][1:])
    assert wider["area rank"] > 0.9 and "class changed" not in wider
    assert [row["directions"] for row in found["rca"]] == ["sefa", "random"]
    assert (folder / "rca.csv").read_text().startswith("directions,accuracy,accuracy_low")
    assert {str(path.relative_to(tmp_path)) for path in folder.rglob("*.*")} == set(found["files"])
    assert json.loads((folder / "results.json").read_text())["seed"] == 0


def test_learned_ones_applied_to_another_model(models, call, tmp_path):
    words = ["--steps", 2, "--count", 3, "--samples", 4, "--out", "first"]
    code, out, _ = call(models / "bars", *words)
    assert code == 0 and "learned: 3 directions, 4 codes moved" in out
    path = tmp_path / "first" / "directions-learned.npz"
    assert (tmp_path / "first" / "learning-learned.png").exists()
    assert Directions.load(path).about["steps"] == 2
    words = ["--apply", path, "--labels", 3, 9, "--samples", 4, "--out", "second"]
    code, out, _ = call(models / "labelled", *words, "--json")
    assert code == 0
    found = json.loads(out)
    assert list(found["directions"]) == ["directions-learned"] and found["classes"] == 10
    assert found["directions"]["directions-learned"]["method"] == "learned"
    assert not list((tmp_path / "second").glob("*.npz"))


def test_interrupted_learning_keeps_what_was_learnt(models, call, tmp_path, monkeypatch):
    from tfgenxai.latent.directions.training import Game

    def after_two(game):
        told = iter(range(2))

        def update(pairs):
            for step in told:
                return tf.fill([3], float(step))
            raise KeyboardInterrupt

        return update

    monkeypatch.setattr(Game, "update", after_two)
    code, _, lines = call(models / "bars", "--count", 3, "--out", "half")
    assert code == 130 and lines[-1] == "tfgenxai: interrupted"
    kept = Directions.load(tmp_path / "half" / "directions-learned.npz")
    assert len(kept) == 3 and kept.about["steps"] == 2
    assert {path.name for path in (tmp_path / "half").iterdir()} == {"directions-learned.npz"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("bars --method pca", 2, "Unknown method 'pca'; --method are learned, orthonormal"),
        ("bars --steps 0", 2, "takes 1 step"),
        ("bars --count 0", 2, "--count is at least 1"),
        ("bars --labels 3", 2, "takes no labels: leave --labels out"),
        ("labelled --labels 10", 2, "--labels of .*labelled run from 0 to 9"),
        ("bars --apply none.npz", 1, "no file none.npz"),
        ("bars --apply narrow.npz", 1, "codes of 3 dimensions; those of .* have 24"),
        ("bars --apply narrow.npz deep/narrow.npz", 2, "Two files of one name"),
        ("bars --method coordinate --count 25", 2, "1 to 24 coordinate directions"),
        ("labelled --method sefa", 2, "needs a code that is first multiplied|enters 2"),
        ("judge", 1, "draws nothing"),
        ("bars --classifier labelled", 1, "has no signature 'classify'; give --classifier"),
        ("nowhere", 1, "nowhere"),
    ],
)
def test_what_cannot_be_done(words, code, message, models, call, tmp_path):
    Directions(np.eye(3), "narrow").save(tmp_path / "narrow.npz")
    name, *rest = words.split()
    rest = [str(models / word) if word == "labelled" else word for word in rest]
    found, out, lines = call(models / name, *rest)
    assert (found, out) == (code, "")
    assert len(lines) == 1 and re.search(message, lines[0]), lines
    assert {path.name for path in tmp_path.iterdir()} == {"narrow.npz"}
