"""What TensorBoard finds after training, read from the event files."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from tfgenxai.training import Settings, train

pytestmark = pytest.mark.usefixtures("determinism_ends_with_the_test")


@pytest.fixture(scope="module")
def logs(digits, tmp_path_factory):
    """Folder of events, below the log folder -> its accumulator."""
    out = tmp_path_factory.mktemp("run")
    settings = Settings("cvae", epochs=2, batch_size=8, seed=7, config={"latent_dim": 2})
    trained = train(settings, digits(16), digits(20), out=out, verbose=0)
    folders = {path.parent for path in (out / "logs").rglob("events.out.tfevents.*")}
    found = {}
    for folder in folders:
        events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        found[folder.relative_to(out / "logs").as_posix()] = events.Reload()
    return trained, found


def scalars(events, tag):
    return {e.step: tf.make_ndarray(e.tensor_proto).item() for e in events.Tensors(tag)}


def test_scalars_of_every_epoch(logs):
    trained, found = logs
    assert {"train", "validation", "previews"} <= found.keys()
    for run, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "elbo", "reconstruction", "kl"):
            rows = {row["epoch"] - 1: row[prefix + name] for row in trained.history}
            assert scalars(found[run], f"epoch_{name}") == pytest.approx(rows, rel=1e-5)


def test_the_graph_is_there(logs):
    _, found = logs
    names = {node.name for node in found["previews"].Graph().node}
    for layer in ("encoder_conv_0", "encoder_dense", "decoder_conv_2"):
        assert any(f"/{layer}" in name for name in names)


def test_grids_of_samples_and_reconstructions(logs):
    _, found = logs
    for tag, count in (("samples", 32), ("reconstructions", 2 * 16)):
        events = found["previews"].Tensors(tag)
        assert [event.step for event in events] == [0, 1]
        for event in events:
            width, height, *pictures = event.tensor_proto.string_val
            with Image.open(io.BytesIO(pictures[0])) as picture:
                pixels = np.asarray(picture)
                assert picture.size == (int(width), int(height))
            assert picture.size[0] * picture.size[1] >= count * 28 * 28
            assert pixels.std() > 0


def test_hyperparameters(logs):
    _, found = logs
    metadata = found["previews"].SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
    values = data.session_start_info.hparams
    assert values["model"].string_value == "cvae"
    assert values["epochs"].number_value == 2
    assert values["batch_size"].number_value == 8
    assert values["seed"].number_value == 7
    assert values["latent_dim"].number_value == 2
