"""Small SavedModels and their logs, and one TensorBoard that serves all of them."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfgenxai
from tfgenxai.data import ImageData
from tfgenxai.saved.card import write_card
from tfgenxai.tensorboard import figures, write_projector
from tfgenxai.tensorboard.log import Run, log_model

SIDE, LATENTS, NOISE, CLASSES = 12, 3, 6, 4
SIZE = 20

Get = Callable[..., tuple[int, bytes]]


@pytest.fixture(scope="session")
def shapes() -> ImageData:
    """Labelled images with a factor."""
    rng = np.random.default_rng(3)
    return ImageData(
        name="shapes",
        split="test",
        pixels=rng.integers(0, 256, (SIZE, SIDE, SIDE, 1), dtype=np.uint8),
        source="drawn",
        source_detail="random numbers",
        labels=rng.permutation(np.arange(SIZE) % CLASSES),
        class_names=("zero", "one", "two", "three"),
        factor_codes={"size": rng.integers(0, 2, SIZE)},
        factor_values={"size": ("small", "large")},
    )


@dataclass(frozen=True)
class Exported:
    """A SavedModel, and the live networks that it was made of."""

    path: Path
    live: dict[str, keras.Model] = field(default_factory=dict)

    def load(self) -> tfgenxai.SavedModel:
        return tfgenxai.load(self.path)


def export(folder: Path, live: dict[str, keras.Model], card: dict, **functions) -> Exported:
    module = tf.Module()
    module.networks = list(live.values())
    signatures = {}
    for name, (function, *specs) in functions.items():
        made = tf.function(function, input_signature=list(specs))
        setattr(module, name, made)
        signatures[name] = made.get_concrete_function()
    tf.saved_model.save(module, str(folder), signatures=signatures)
    if card:
        write_card(folder, card)
    return Exported(folder, live)


def image_spec() -> tf.TensorSpec:
    return tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, name="image")


def code_spec(width: int) -> tf.TensorSpec:
    return tf.TensorSpec((None, width), tf.float32, name="z")


def make_decoder(width: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((width,)),
            layers.Dense(3 * 3 * 4, activation="relu", name="hidden"),
            layers.Reshape((3, 3, 4)),
            layers.Conv2DTranspose(4, 3, 2, "same", activation="relu"),
            layers.Conv2DTranspose(1, 3, 2, "same"),
        ]
    )


@pytest.fixture(scope="session")
def vae(tmp_path_factory) -> Exported:
    """encode, decode and reconstruct; its card says that images are binary."""
    keras.utils.set_random_seed(1)
    encoder = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, 2, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(2 * LATENTS),
        ]
    )
    decoder = make_decoder(LATENTS)

    def encode(image):
        mean, logvar = tf.split(encoder(image), 2, axis=1)
        return {"mean": mean, "logvar": logvar}

    def decode(z):
        return {"image": tf.sigmoid(decoder(z))}

    def reconstruct(image):
        return decode(encode(image)["mean"])

    card = {
        "architecture": {"class": "Vae", "config": {"latent_dim": LATENTS, "beta": 1.5}},
        "data": {"name": "shapes", "binarized": True},
        "training": {
            "epochs": 2,
            "batch_size": 32,
            "decay": "none",
            "learning_rate": None,
            "initial_learning_rate": 1e-3,
            "seconds": 12.5,
            "history": [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0}],
        },
        "metrics": {"seed": 0, "elbo": -97.5, "drawn": {"shares": [0.25, 0.75]}, "note": "text"},
    }
    return export(
        tmp_path_factory.mktemp("models") / "vae",
        {"encoder": encoder, "decoder": decoder},
        card,
        encode=(encode, image_spec()),
        decode=(decode, code_spec(LATENTS)),
        reconstruct=(reconstruct, image_spec()),
    )


@pytest.fixture(scope="session")
def gan(tmp_path_factory) -> Exported:
    """generate and discriminate."""
    keras.utils.set_random_seed(2)
    generator = make_decoder(NOISE)
    discriminator = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    return export(
        tmp_path_factory.mktemp("models") / "gan",
        {"generator": generator, "discriminator": discriminator},
        {"data": {"name": "shapes"}, "training": {"epochs": 5, "initial_learning_rate": 1e-4}},
        generate=(lambda z: {"image": tf.sigmoid(generator(z))}, code_spec(NOISE)),
        discriminate=(lambda image: {"logits": discriminator(image)}, image_spec()),
    )


@pytest.fixture(scope="session")
def judge(tmp_path_factory) -> Exported:
    """classify; no card."""
    keras.utils.set_random_seed(3)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="relu", name="features"),
            layers.Dense(CLASSES, name="logits"),
        ]
    )

    def classify(image):
        logits = network(image)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    folder = tmp_path_factory.mktemp("models") / "judge"
    return export(folder, {"network": network}, {}, classify=(classify, image_spec()))


@pytest.fixture(scope="session")
def logdir(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def runs(vae, gan, judge, shapes, logdir) -> dict[str, Run]:
    """The models, logged."""
    classifier = judge.load()["classify"]
    given = {"data": shapes, "classifier": classifier, "size": SIZE, "seed": 4}
    models = {"vae": vae, "gan": gan, "judge": judge}
    with pytest.MonkeyPatch.context() as patch:
        for many in ("_IMAGES", "_LATENTS", "_RESTORED"):
            patch.setattr(figures, many, 2)
        return {name: log_model(model.load(), logdir, **given) for name, model in models.items()}


RANDOM = np.random.default_rng(0)
CODES = RANDOM.normal(size=(10, 7)).astype(np.float32) * np.float32(1e-3)
IMAGES = RANDOM.random((10, 6, 4, 1))
LABELS = RANDOM.integers(0, 10, 10)
FACES = RANDOM.random((5, 4, 4, 3))


@pytest.fixture(scope="session")
def by_hand(logdir) -> Path:
    """A run with two embeddings, written without any model."""
    folder = logdir / "by-hand"
    write_projector(folder, "codes", CODES, images=IMAGES, labels=LABELS)
    write_projector(
        folder,
        "faces",
        CODES[:5],
        images=FACES,
        labels=["a", "b", "", "d\te", "f\ng"],
        metadata={"glasses": [True, False, True, False, True]},
    )
    return folder


@pytest.fixture(scope="session")
def get(logdir, runs, by_hand) -> Iterator[Get]:
    """A TensorBoard on loopback over all of these runs; gives status and body of a page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
        + ["--host", "127.0.0.1", "--port", str(port), "--load_fast", "false"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def fetch(route: str, **query: object) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", f"/data/{route}?{urlencode(query)}")
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    try:
        _wait_for(fetch, server, {*runs, by_hand.name})
        yield fetch
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(fetch: Get, server: subprocess.Popen[bytes], runs: set[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "TensorBoard stopped"
        try:
            if all(f'"{run}"'.encode() in fetch("plugin/projector/runs")[1] for run in runs):
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError("TensorBoard does not list all runs")
