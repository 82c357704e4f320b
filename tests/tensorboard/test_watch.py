"""Watching a training: what it writes, and that it changes nothing."""

from __future__ import annotations

import ast
import io
import random

import numpy as np
import pytest
import tensorflow as tf
from matplotlib import colormaps
from PIL import Image
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import ROOT
from tfgenxai import plots
from tfgenxai.data import ImageData
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.models.bigan import BiGAN
from tfgenxai.models.classifier import Classifier
from tfgenxai.models.cvae import CVAE
from tfgenxai.models.gan import GAN
from tfgenxai.plots.tiles import heat_tiles
from tfgenxai.tensorboard import watch
from tfgenxai.tensorboard.subject import Subject
from tfgenxai.tensorboard.summaries import Summaries
from tfgenxai.tensorboard.watch import Watch, log_latents
from tfgenxai.training import Settings, train

pytestmark = [
    pytest.mark.slow,  # five trainings, each traced anew
    pytest.mark.usefixtures("determinism_ends_with_the_test"),
]


def digits(count: int, seed: int) -> ImageData:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return ImageData("digits", "train", pixels, "drawn", "", labels=rng.integers(0, 3, count))


TRAINING, HELD_OUT = digits(16, 1), digits(30, 2)


def settings(model: str, epochs: int = 2) -> Settings:
    config = {"latent_dim": 3} if model == "cvae" else {}
    return Settings(model, epochs=epochs, batch_size=8, seed=5, config=config)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Name of a model -> a training that nobody watched, one in two parts watched, and the log."""
    found = {}
    for name, latents in (("cvae", [2, 0]), ("dcgan", [])):
        folder = tmp_path_factory.mktemp(name)
        ends = []
        for kind, parts in (("plain", [2]), ("watched", [1, 2] if name == "cvae" else [2])):
            for epochs in parts:
                watcher = Watch(folder / "w", HELD_OUT, latents=latents)
                trained = train(
                    settings(name, epochs),
                    TRAINING,
                    out=folder / kind,
                    resume=True,
                    verbose=0,
                    callbacks=[watcher] if kind == "watched" else [],
                )
            draws = random.random(), np.random.random(), tf.random.normal((3,)).numpy().tolist()
            ends.append((trained, draws))
        events = EventAccumulator(str(folder / "w"), size_guidance={"tensors": 0}).Reload()
        found[name] = (*ends, events)
    return found


def scalars(events, tag):
    return {e.step: tf.make_ndarray(e.tensor_proto).item() for e in events.Tensors(tag)}


def picture(events, tag, step):
    (proto,) = [e.tensor_proto for e in events.Tensors(tag) if e.step == step]
    with Image.open(io.BytesIO(proto.string_val[2])) as image:
        return np.asarray(image).astype(int)


def split(grid, columns, rows):
    """The 28 x 28 pictures of a grid, without the lines between them."""
    return np.stack(
        [
            grid[29 * r : 29 * r + 28, 29 * c : 29 * c + 28]
            for r in range(rows)
            for c in range(columns)
        ]
    )


@pytest.mark.parametrize("name", ["cvae", "dcgan"])
def test_weights_and_random_states_are_those_of_a_training_unwatched(watched, name):
    (plain, draws), (seen, seen_draws), _ = watched[name]
    for one, other in zip(plain.model.variables, seen.model.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    slots = zip(plain.model.optimizer.variables, seen.model.optimizer.variables, strict=True)
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in slots)
    assert draws == seen_draws


@pytest.mark.parametrize("name", ["cvae", "dcgan"])
def test_every_epoch_is_logged(watched, name):
    events = watched[name][2]
    tags = set(events.Tags()["tensors"])
    expected = {
        "cvae": {
            *(f"{kind}/z{i}" for i in (0, 2) for kind in ("heatmaps", "traversals", "latents/kl")),
            "latents/kl",
            "latents/active_units",
            "latents/knn_accuracy",
        },
        "dcgan": {
            *(
                f"discriminator/{kind}{rows}"
                for kind in ("", "logit_")
                for rows in ("real", "drawn")
            ),
        },
    }
    assert tags == expected[name]
    for tag in tags:
        assert [event.step for event in events.Tensors(tag)] == [0, 1]


def test_heatmaps_are_latent_grad_cam_of_the_model_after_the_epoch(watched):
    (_, _), (trained, _), events = watched["cvae"]
    model = trained.model
    images = (HELD_OUT.pixels[:8] > 127).astype(np.float32)
    first, second, flatten, dense = model.encoder.layers
    maps = first(images)
    with tf.GradientTape() as tape:
        features = second(maps)
        tape.watch(features)
        mean = dense(flatten(features))[:, 2]
    alpha = tf.reduce_mean(tape.gradient(mean, features), axis=(1, 2))
    cam = tf.nn.relu(tf.einsum("nhwk,nk->nhw", features, alpha)).numpy()
    shown = split(picture(events, "heatmaps/z2", step=1), columns=8, rows=2)
    np.testing.assert_array_equal(shown[:8], np.repeat(255 * images, 3, axis=-1))
    resized = tf.image.resize(cam[..., None], (28, 28)).numpy()[..., 0]
    strength = (resized / cam.max())[..., None]
    opacity = 0.85 * np.sqrt(strength)
    expected = opacity * colormaps["inferno"](strength[..., 0])[..., :3] + (1 - opacity) * images
    np.testing.assert_allclose(shown[8:], 255 * expected, atol=3)


def test_traversals_are_the_decoders(watched):
    model, events = watched["cvae"][1][0].model, watched["cvae"][2]
    images = (HELD_OUT.pixels > 127).astype(np.float32)
    mean, _ = model.encode(images[:1])
    codes = np.repeat(mean.numpy(), 9, axis=0)
    codes[:, 2] = np.linspace(-3, 3, 9)
    expected = plots.make_grid(model.decode(codes, apply_sigmoid=True).numpy(), columns=9)
    assert abs(picture(events, "traversals/z2", step=1) - expected).max() <= 1


def test_measures_of_the_codes(watched):
    model, events = watched["cvae"][1][0].model, watched["cvae"][2]
    mean, logvar = (t.numpy() for t in model.encode((HELD_OUT.pixels > 127).astype(np.float32)))
    kl = (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0)
    for latent in (0, 2):
        found = scalars(events, f"latents/kl/z{latent}")[1]
        assert found == pytest.approx(kl[latent], rel=1e-4, abs=1e-7)
    assert scalars(events, "latents/active_units")[1] == np.sum(mean.var(axis=0) > 0.01)
    folds = KFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(KNeighborsClassifier(5), mean, HELD_OUT.labels, cv=folds)
    assert scalars(events, "latents/knn_accuracy")[1] == pytest.approx(scores.mean())
    buckets = tf.make_ndarray(events.Tensors("latents/kl")[1].tensor_proto)
    assert buckets[:, 2].sum() == 3  # one count a latent


def test_verdicts_of_the_discriminator(watched):
    model, events = watched["dcgan"][1][0].model, watched["dcgan"][2]
    drawn = model.generate(np.random.default_rng(0).standard_normal((8, 100)).astype(np.float32))
    for name, images in (("real", HELD_OUT.images[:8]), ("drawn", drawn)):
        logits = model.discriminate(images).numpy()
        found = scalars(events, f"discriminator/logit_{name}")[1]
        assert found == pytest.approx(logits.mean(), rel=1e-3)
    shown = split(picture(events, "discriminator/real", step=1), columns=8, rows=2)
    grey = np.repeat(HELD_OUT.pixels[:8], 3, axis=-1)
    np.testing.assert_array_equal(shown[:8], grey)


def test_codes_without_a_spread_are_measured_by_variance(tmp_path):
    rng = np.random.default_rng(4)
    weights = rng.normal(size=(4, 2)).astype(np.float32)
    spec = tf.TensorSpec((None, 8, 8, 1), tf.float32, name="image")
    code = tf.TensorSpec((None, 2), tf.float32, name="z")

    def encode(image):
        maps = tf.nn.conv2d(image, tf.ones((4, 4, 1, 1)), 4, "VALID")
        return {"mean": tf.reshape(maps, (-1, 4)) @ weights}

    def decode(z):
        return {"image": tf.ones((tf.shape(z)[0], 8, 8, 1)) * tf.sigmoid(z[:, :1, None, None])}

    graphs = {
        "encode": Graph.from_function(tf.function(encode, input_signature=[spec])),
        "decode": Graph.from_function(tf.function(decode, input_signature=[code])),
    }
    images = rng.random((12, 8, 8, 1), dtype=np.float32)
    with Summaries(tmp_path) as log:
        log_latents(Subject(graphs, images), log, 3, [1])
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    means = images.reshape(12, 2, 4, 2, 4).sum(axis=(2, 4)).reshape(12, 4) @ weights
    found = scalars(events, "latents/variance/z1")
    assert found == {3: pytest.approx(means.var(axis=0)[1], rel=1e-4)}
    assert "latents/knn_accuracy" not in events.Tags()["tensors"]


def begun(model, folder, latents=()):
    watcher = Watch(folder, HELD_OUT, latents=latents)
    watcher.set_model(model)
    watcher.on_train_begin()
    return watcher


def test_nothing_to_watch_writes_nothing(tmp_path):
    begun(Classifier(), tmp_path / "w").on_epoch_end(0)
    assert not (tmp_path / "w").exists()


def test_a_gan_of_perceptrons_with_an_encoder(tmp_path):
    begun(BiGAN(3), tmp_path).on_epoch_end(0)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    tags = set(events.Tags()["tensors"])
    assert {"traversals/z0", "latents/variance/z0", "discriminator/logit_real"} <= tags
    assert not any(tag.startswith(("heatmaps/", "discriminator/real")) for tag in tags)


def test_a_conditional_discriminator_is_told_the_labels(tmp_path):
    model = GAN(num_classes=3, attention=0, average=0.0)
    begun(model, tmp_path).on_epoch_end(0)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    logits = model.discriminate(HELD_OUT.images[:8], HELD_OUT.labels[:8]).numpy()
    found = scalars(events, "discriminator/logit_real")
    assert found == {0: pytest.approx(logits.mean(), abs=1e-5)}
    assert "discriminator/drawn" in events.Tags()["tensors"]


def test_latents_that_are_not_there(tmp_path):
    with pytest.raises(UsageError, match="no latent 3.*0 to 2"):
        begun(CVAE(3), tmp_path / "w", [0, 3])
    with pytest.raises(UsageError, match="encodes nothing"):
        begun(Classifier(), tmp_path / "w", [0])
    assert not (tmp_path / "w").exists()
    assert begun(CVAE(3), tmp_path / "w").latents == [0, 1, 2]
    assert begun(CVAE(9), tmp_path / "w").latents == [0, 1, 2, 3]


def test_what_train_is_given(tmp_path):
    (made,) = watch.watch([1])(tmp_path, HELD_OUT)
    # The classifier knows no such digits, so that nothing else is made.
    assert (made.logdir, made.latents) == (tmp_path / "watch", [1])


def imported(module: str) -> set[str]:
    """The package's modules that are loaded with this one, read from the sources."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        path = ROOT / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name in found or not path.is_file():
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0]]
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.ImportFrom):
                parts = [f"{statement.module}.{alias.name}" for alias in statement.names]
                waiting += [statement.module or "", *parts]
    return found


def test_training_loads_no_explainer():
    found = imported("tfgenxai.training.command") | imported("tfgenxai.training.fit")
    assert "tfgenxai.tensorboard.projector" in found
    explainers = {"attribution", "latent", "neurons", "metrics", "plots", "compare", "graph"}
    assert not {name for name in found if explainers & set(name.split(".")[1:2])}


def test_tiles_show_nothing_where_maps_are_zero():
    images = np.random.default_rng(1).random((2, 6, 4, 3))
    maps = np.zeros((2, 3, 2))
    tiles = heat_tiles(images, maps)
    grey = np.round(images * 255).mean(axis=-1)
    np.testing.assert_allclose(tiles, np.repeat(grey[..., None], 3, axis=-1), atol=0.5)
    maps[1] = 7.0
    strong = heat_tiles(images, maps)
    np.testing.assert_array_equal(strong[0], tiles[0])
    hottest = 255 * np.array(colormaps["inferno"](1.0)[:3])
    np.testing.assert_allclose(strong[1], 0.85 * hottest + 0.15 * tiles[1], atol=1)


@pytest.mark.parametrize(
    "maps", [np.full((2, 3, 2), -1.0), np.full((2, 3, 2), np.nan), np.ones((3, 3, 2)), np.ones(2)]
)
def test_tiles_refuse_what_does_not_fit(maps):
    with pytest.raises(InvalidInputError):
        heat_tiles(np.zeros((2, 6, 4, 1)), maps)
