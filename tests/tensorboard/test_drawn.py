"""What is measured of a GAN while it trains, and when it is warned of."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tfgenxai.data import ImageData
from tfgenxai.graph import Graph
from tfgenxai.metrics.features import Readings
from tfgenxai.models.gan import GAN
from tfgenxai.tensorboard.drawn import Drawn, Health

REAL = np.random.default_rng(3).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)


class Toy(keras.Model):
    """A "GAN" whose images are its codes, scaled; it learns to scale them down to nothing."""

    latent_dim = 16

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def export_signatures(self):
        return {"generate": None}

    def sample(self, eps):
        return tf.sigmoid(self.scale * tf.reshape(eps, (-1, 4, 4, 1)))

    def train_step(self, data):
        self.scale.assign(self.scale * 0.1)
        return {"loss": self.scale}


@pytest.fixture(scope="module")
def judge() -> keras.Model:
    return make_judge(4)


def make_judge(side: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((side, side, 1), name="image")
    x = keras.layers.Flatten(name="flat")(image)
    x = keras.layers.Dense(6, activation="tanh", name="hidden")(x)
    x = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(image, x)


def graph_of(judge: keras.Model) -> Graph:
    spec = tf.TensorSpec((None, *judge.input_shape[1:]), tf.float32, name="image")
    return Graph.from_function(
        tf.function(lambda image: {"probabilities": judge(image)}, input_signature=[spec])
    )


def readings(shares: list[int], spread: float) -> Readings:
    votes = np.repeat(np.arange(len(shares)), shares)
    features = spread * np.random.default_rng(0).standard_normal((len(votes), 5))
    return Readings(features, np.eye(len(shares))[votes])


def test_health_of_images_like_the_real_ones():
    real = readings([50, 30, 20], 1.0)
    found = Health.of(readings([45, 35, 20], 0.9), real)
    assert (found.covered, found.covered_real) == (3, 3)
    assert found.diversity == pytest.approx(0.81)
    assert found.excess == pytest.approx(0.9)
    assert found.complaints() == []


def test_each_sign_of_a_collapse_is_named():
    real = readings([50, 30, 20], 1.0)
    one = Health.of(readings([0, 0, 100], 0.1), real)
    assert one.excess == pytest.approx(5)
    lost, narrow, often = one.complaints()
    assert lost == "1 of 3 classes are drawn"
    assert narrow == "features vary 1% as much as those of real images"
    assert often == "one class is drawn 5.0 times too often"
    assert Health.of(readings([50, 30, 20], 0.6), real).complaints() == [
        "features vary 36% as much as those of real images"
    ]


def test_numbers_of_every_epoch_and_a_warning_before_the_first_ends(tmp_path, judge, capsys):
    data = ImageData("toys", "test", REAL, "drawn", "")
    model = Toy()
    model.compile()
    watcher = Drawn(tmp_path, data, graph_of(judge), every=2)
    batches = tf.data.Dataset.from_tensor_slices(np.zeros((3, 1, 1), np.float32)).repeat()
    model.fit(batches, epochs=2, steps_per_epoch=3, verbose=0, callbacks=[watcher])

    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    found = {
        tag: [tf.make_ndarray(e.tensor_proto).item() for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
    hidden = keras.Model(judge.inputs, judge.get_layer("hidden").output)
    eps = np.random.default_rng(0).standard_normal((20, 16)).astype(np.float32)
    real, floor = hidden(REAL[:20] / 255.0).numpy(), hidden(REAL[20:] / 255.0).numpy()
    for epoch, scale in enumerate((1e-3, 1e-6)):
        drawn = tf.sigmoid(scale * eps.reshape(-1, 4, 4, 1))
        features = hidden(drawn).numpy()
        diversity = features.var(axis=0).sum() / real.var(axis=0).sum()
        assert found["drawn/diversity"][epoch] == pytest.approx(diversity, rel=1e-2, abs=1e-8)
        assert found["drawn/frechet"][epoch] == pytest.approx(frechet(features, real), rel=1e-3)
        assert found["drawn/frechet_real"][epoch] == pytest.approx(frechet(floor, real), rel=1e-3)
        votes = judge(drawn).numpy().argmax(axis=1)
        shares = [found[f"class_shares/{k}"][epoch] for k in range(3)]
        np.testing.assert_allclose(shares, np.bincount(votes, minlength=3) / 20)

    said = capsys.readouterr().err
    first = said.index("warning: after 2 updates the generator may be losing modes: ")
    assert first < said.index("drawn after epoch 1: Fr\u00e9chet distance ")
    assert "warning: after epoch 2 " in said and "features vary 0% as much" in said


def test_measuring_touches_neither_weights_nor_random_states(tmp_path, capsys):
    """A conditional GAN with an average: its variables hold the states of its noise too."""
    pixels = np.random.default_rng(1).integers(0, 256, (24, 28, 28, 1), dtype=np.uint8)
    graph = graph_of(make_judge(28))
    ends = []
    for watched in (False, True):
        keras.utils.set_random_seed(7)
        model = GAN(num_classes=3, attention=0, seed=2)
        model.compile(model.default_optimizer(), jit_compile=False)
        if watched:
            watcher = Drawn(tmp_path, ImageData("toys", "test", pixels, "", ""), graph, every=1)
            watcher.set_model(model)
            watcher.on_train_begin()
            watcher.on_train_batch_end(0)
            watcher.on_epoch_end(0)
        states = [np.array(v) for v in (*model.variables, *model.optimizer.variables)]
        noise = model.noise((4,)).numpy()
        ends.append([*states, noise, random.random(), np.random.random(), tf.random.normal((3,))])
    assert "drawn after epoch 1" in capsys.readouterr().err
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_generates_nothing_is_left_alone(tmp_path, judge, capsys):
    model = Toy()
    model.export_signatures = dict
    model.compile()
    watcher = Drawn(tmp_path, ImageData("toys", "test", REAL, "", ""), graph_of(judge), every=1)
    batches = tf.data.Dataset.from_tensor_slices(np.zeros((2, 1, 1), np.float32))
    model.fit(batches, epochs=1, verbose=0, callbacks=[watcher])
    assert not list(tmp_path.iterdir())
    assert not capsys.readouterr().err


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """By the formula, with a matrix root of scipy's."""
    from scipy.linalg import sqrtm

    first, second = (np.cov(x.astype(np.float64), rowvar=False) for x in (one, other))
    root = sqrtm(first @ second).real
    apart = one.mean(axis=0, dtype=np.float64) - other.mean(axis=0, dtype=np.float64)
    return float(apart @ apart + np.trace(first + second - 2 * root))
