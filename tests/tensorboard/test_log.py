"""What `tfgenxai log` writes of SavedModels, read over HTTP from a running TensorBoard."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.decomposition import PCA
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tfgenxai
from tests.tensorboard.conftest import CLASSES, LATENTS, NOISE, SIDE, SIZE
from tfgenxai import plots
from tfgenxai.commands import log as command
from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.pictures import as_pixels
from tfgenxai.tensorboard import log, numbers
from tfgenxai.tensorboard.embeddings import last_hidden
from tfgenxai.tensorboard.log import images_for, log_model
from tfgenxai.tensorboard.network import network

pytestmark = pytest.mark.slow  # TensorBoard takes seconds to start


@pytest.fixture(scope="module")
def binary(shapes):
    """The images as the VAE was trained on them."""
    return (shapes.pixels > 127).astype(np.float32)


def tensor(get, run, name):
    status, body = get("plugin/projector/info", run=run)
    shapes = {each["tensorName"]: each["tensorShape"] for each in json.loads(body)["embeddings"]}
    status, body = get("plugin/projector/tensor", run=run, name=name)
    assert status == 200
    return np.frombuffer(body, np.float32).reshape(shapes[name])


def table(get, run, name):
    """Column -> values, of metadata with a header."""
    status, body = get("plugin/projector/metadata", run=run, name=name)
    assert status == 200
    header, *rows = [line.split("\t") for line in body.decode().splitlines()]
    return dict(zip(header, map(list, zip(*rows)), strict=True))


def thumbnails(get, run, name, count=SIZE):
    status, body = get("plugin/projector/sprite_image", run=run, name=name)
    assert status == 200
    with Image.open(io.BytesIO(body)) as picture:
        sheet = np.asarray(picture)
    side = int(np.ceil(np.sqrt(count)))
    assert sheet.shape == (side * SIDE, side * SIDE, 3)
    tiles = sheet.reshape(side, SIDE, side, SIDE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIDE, SIDE, 3)[:count]


def generated(gan, seed=4):
    """The GAN's codes and images, from its live network."""
    codes = np.random.default_rng(seed).standard_normal((SIZE, NOISE)).astype(np.float32)
    return codes, tf.sigmoid(gan.live["generator"](codes)).numpy()


def test_every_model_has_a_run_with_its_embeddings(get):
    status, body = get("plugin/projector/runs")
    assert status == 200 and {"vae", "gan", "judge"} <= set(json.loads(body))
    found = {}
    for run in ("vae", "gan", "judge"):
        embeddings = json.loads(get("plugin/projector/info", run=run)[1])["embeddings"]
        found[run] = {each["tensorName"] for each in embeddings}
        assert not any(each["tensorPath"].startswith("/") for each in embeddings)
    assert found == {
        "vae": {"posterior-means"},
        "gan": {"z", "first-hidden"},
        "judge": {"last-hidden"},
    }


def test_posterior_means_with_labels_factors_and_thumbnails(get, vae, shapes, binary):
    means = vae.live["encoder"](binary).numpy()[:, :LATENTS]
    np.testing.assert_allclose(tensor(get, "vae", "posterior-means"), means, rtol=1e-5, atol=1e-6)
    columns = table(get, "vae", "posterior-means")
    assert columns["label"] == [shapes.class_names[label] for label in shapes.labels]
    assert columns["size"] == list(shapes.factors["size"])
    restored = tf.sigmoid(vae.live["decoder"](means)).numpy()
    errors = ((restored - binary) ** 2).reshape(SIZE, -1).mean(axis=1)
    np.testing.assert_allclose(np.float64(columns["squared_error"]), errors, rtol=1e-3)
    np.testing.assert_array_equal(thumbnails(get, "vae", "posterior-means"), as_pixels(binary))


def test_generated_codes_are_labelled_by_classifier_and_discriminator(get, gan, judge):
    codes, images = generated(gan)
    np.testing.assert_array_equal(tensor(get, "gan", "z"), codes)
    votes = tf.nn.softmax(judge.live["network"](images)).numpy()
    logits = gan.live["discriminator"](images).numpy()[:, 0]
    for name in ("z", "first-hidden"):
        columns = table(get, "gan", name)
        assert columns["label"] == [str(k) for k in votes.argmax(axis=1)]
        np.testing.assert_allclose(np.float64(columns["confidence"]), votes.max(axis=1), rtol=1e-3)
        np.testing.assert_allclose(
            np.float64(columns["realness_logit"]), logits, rtol=1e-3, atol=1e-5
        )
        shown = thumbnails(get, "gan", name).astype(int)
        assert abs(shown - as_pixels(images).astype(int)).max() <= 1  # rounding of sigmoids
    hidden = gan.live["generator"].layers[0](codes).numpy()
    expected = PCA(min(SIZE, 36), svd_solver="full").fit_transform(hidden)
    found = tensor(get, "gan", "first-hidden")
    distances = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (found, expected)]
    np.testing.assert_allclose(*distances, rtol=1e-3, atol=1e-4)  # axes are free to flip


def test_a_text_says_what_codes_are(get):
    tags = json.loads(get("plugin/text/tags")[1])
    assert set(tags["gan"]) == {"projector/z", "projector/first-hidden"}
    status, body = get("plugin/text/text", run="gan", tag="projector/first-hidden", markdown="true")
    assert status == 200 and "principal components of hidden (36 values)" in body.decode()


def test_hidden_features_of_the_classifier(get, judge, shapes):
    network = judge.live["network"]
    features = shapes.images
    for layer in network.layers[:-1]:
        features = layer(features)
    found = tensor(get, "judge", "last-hidden")
    np.testing.assert_allclose(found, features.numpy(), rtol=1e-5, atol=1e-6)
    columns = table(get, "judge", "last-hidden")
    predicted = network(shapes.images).numpy().argmax(axis=1)
    assert columns["label"] == [shapes.class_names[label] for label in shapes.labels]
    assert columns["predicted"] == [shapes.class_names[k] for k in predicted]


def test_images_are_served(get, runs, gan):
    tags = json.loads(get("plugin/images/tags")[1])
    assert set(tags["vae"]) == {
        "heatmaps/latent_grad_cam",
        "heatmaps/latent_saliency",
        "heatmaps/reconstruction_saliency",
        "samples",
        "reconstructions",
        *(tag for tag in tags["vae"] if tag.startswith("traversals/image_")),
    }
    assert sum(tag.startswith("traversals/") for tag in tags["vae"]) == 2
    assert set(tags["gan"]) == {
        "heatmaps/discriminator_grad_cam",
        "traversals/coordinates",
        "samples",
    }
    assert set(tags["judge"]) == {"heatmaps/class_grad_cam", "heatmaps/class_saliency"}
    for run in ("vae", "gan", "judge"):
        assert not runs[run].skipped
        for tag in tags[run]:
            shown = served_image(get, run, tag)
            assert min(shown.shape[:2]) > SIDE and shown.std() > 0
    images = generated(gan)[1]
    grid = plots.make_grid(images).astype(int)
    assert abs(served_image(get, "gan", "samples").astype(int) - grid).max() <= 1


def served_image(get, run, tag):
    (sample,) = json.loads(get("plugin/images/images", run=run, tag=tag, sample=0)[1])
    assert sample["step"] == 0
    status, body = get(f"plugin/images/individualImage?{sample['query']}"[:None])
    assert status == 200
    with Image.open(io.BytesIO(body)) as picture:
        return np.asarray(picture.convert("RGB"))


def test_scalars_are_the_cards(get):
    def series(tag):
        status, body = get("plugin/scalars/scalars", run="vae", tag=tag)
        assert status == 200
        return {step: value for _, step, value in json.loads(body)}

    tags = json.loads(get("plugin/scalars/tags")[1])["vae"]
    assert set(tags) == {
        "metrics/elbo",
        "metrics/drawn/shares/0",
        "metrics/drawn/shares/1",
        "metrics/training_seconds",
        "training/loss",
    }
    assert series("metrics/elbo") == {0: -97.5}
    assert series("metrics/drawn/shares/1") == {0: 0.75}
    assert series("training/loss") == {1: 3.0, 2: 2.0}


def test_the_hparams_page_lists_the_models(get):
    request = json.dumps({"experimentName": "", "hparamsLimit": 0, "includeMetrics": True})
    status, body = get("plugin/hparams/experiment", request=request)
    assert status == 200
    experiment = json.loads(body)
    kinds = {each["name"]: each["type"] for each in experiment["hparamInfos"]}
    assert kinds["learning_rate"] == kinds["epochs"] == "DATA_TYPE_FLOAT64"
    assert kinds["model"] == "DATA_TYPE_STRING"
    metrics = {each["name"]["tag"] for each in experiment["metricInfos"]}
    assert "metrics/elbo" in metrics

    columns = {
        "startIndex": 0,
        "sliceSize": 100,
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_RUNNING"],
        "colParams": [
            {"metric": {"tag": "metrics/elbo", "group": ""}, "includeInResult": True},
            *({"hparam": name, "includeInResult": True} for name in kinds),
        ],
    }
    status, body = get("plugin/hparams/session_groups", request=json.dumps(columns))
    assert status == 200
    rows = {row["name"]: row for row in json.loads(body)["sessionGroups"]}
    assert set(rows) == {"vae", "gan", "judge"}
    assert rows["vae"]["hparams"] == {
        "model": "vae",
        "class": "Vae",
        "latent_dim": LATENTS,
        "beta": 1.5,
        "epochs": 2.0,
        "batch_size": 32.0,
        "decay": "none",
        "learning_rate": 1e-3,
        "data_name": "shapes",
        "data_binarized": True,
    }
    values = {each["name"]["tag"]: each["value"] for each in rows["vae"]["metricValues"]}
    assert values["metrics/elbo"] == -97.5


def test_the_graphs_page_opens_without_the_weights(get, vae):
    info = json.loads(get("plugin/graphs/info")[1])
    assert all(info[run]["run_graph"] for run in ("vae", "gan", "judge"))
    status, body = get("plugin/graphs/graph", run="vae", conceptual="false")
    assert status == 200
    for name in ("encode/image", "decode/z", "reconstruct/image"):
        assert f'name: "{name}"'.encode() in body
    assert b'op: "Conv2D"' in body
    weights = sum(np.prod(w.shape) for net in vae.live.values() for w in net.weights)
    assert len(body) < 4 * weights * 3 or weights < 5000


def test_the_network_keeps_types_shapes_and_small_constants(vae):
    graphs = dict(vae.load())
    whole = network(graphs)
    for name, graph in graphs.items():
        for op in graph.graph.get_operations():
            twin = whole.get_operation_by_name(f"{name}/{op.name}")
            assert twin.type == op.type
            assert [t.shape.as_list() for t in twin.outputs] == [
                t.shape.as_list() for t in op.outputs
            ]
    kernel = max(graphs["encode"].variables, key=lambda n: graphs["encode"].value(n).size)
    twin = whole.get_operation_by_name(f"encode/{kernel}").node_def
    assert not tf.make_ndarray(twin.attr["value"].tensor).any()
    assert graphs["encode"].value(kernel).any()


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return found.Reload()


def test_a_part_is_replaced_and_others_stay(vae, shapes, tmp_path):
    given = {"data": shapes, "size": SIZE}
    log_model(vae.load(), tmp_path, what=["metrics", "samples"], **given)
    folder = tmp_path / "vae"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(before) == 2
    run = log_model(vae.load(), tmp_path, what=["samples"], seed=1, **given)
    assert run.written == {"samples": ["samples", "reconstructions"]}
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"events.out.tfevents.0.tfgenxai-samples"}
    tags = events(folder).Tags()["tensors"]
    assert {"samples", "reconstructions", "metrics/elbo"} <= set(tags)


def test_a_log_that_fails_leaves_the_earlier_one(vae, shapes, tmp_path, monkeypatch):
    given = {"data": shapes, "size": SIZE, "what": ["graph"]}
    log_model(vae.load(), tmp_path, **given)
    (file,) = (tmp_path / "vae").iterdir()
    content = file.read_bytes()
    monkeypatch.setattr(log, "network", lambda graphs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log_model(vae.load(), tmp_path, **given)
    assert [path.name for path in (tmp_path / "vae").iterdir()] == [file.name]
    assert file.read_bytes() == content


def test_what_a_model_cannot_show_is_skipped(shapes, tmp_path):
    class Dense(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")])
        def classify(self, image):
            logits = tf.reshape(image, (-1, SIDE * SIDE))[:, :CLASSES]
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    module = Dense()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"classify": module.classify})
    model = tfgenxai.load(tmp_path / "m")
    run = log_model(model, tmp_path / "logs", data=shapes, size=SIZE)
    assert run.written["heatmaps"] == ["heatmaps/class_saliency"]
    assert set(run.skipped) == {"heatmaps/class_grad_cam", "last-hidden"}
    assert "no convolution" in run.skipped["heatmaps/class_grad_cam"]


def test_errors(vae, gan, shapes, tmp_path):
    model = vae.load()
    with pytest.raises(UsageError, match="no part 'sound'; choose from heatmaps"):
        log_model(model, tmp_path, data=shapes, what=["sound"])
    with pytest.raises(UsageError, match="takes images"):
        log_model(model, tmp_path)
    small = dataclasses.replace(shapes, pixels=np.zeros((SIZE, 9, 9, 1), np.uint8))
    with pytest.raises(InvalidInputError, match="shape"):
        log_model(model, tmp_path, data=small, what=["projector"])
    with pytest.raises(UsageError, match="Unknown data set 'shapes'"):
        images_for(model)


def test_the_commands_parts_are_those_that_can_be_logged():
    assert set(command.PARTS) == set(log.PARTS)


def test_last_hidden_needs_a_flat_layer_before_the_last():
    graph = Graph.from_function(
        tf.function(
            lambda image: {"logits": tf.reduce_mean(image, (1, 2))},
            input_signature=[tf.TensorSpec((None, 4, 4, 2), tf.float32, name="image")],
        )
    )
    with pytest.raises(LayerNotFoundError, match="no hidden layer"):
        last_hidden(graph)


def test_settings_of_a_card_without_anything():
    assert numbers.settings("mine", {}) == {"model": "mine"}
    assert numbers.metrics({}) == {} and list(numbers.history({})) == []
