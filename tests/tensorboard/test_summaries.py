"""Summaries read back with TensorBoard's own reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError
from tfgenxai.tensorboard import Summaries


def read(folder) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def value(events: EventAccumulator, tag: str) -> tuple[int, object]:
    (event,) = events.Tensors(tag)
    return event.step, event.tensor_proto


def picture(proto) -> np.ndarray:
    with Image.open(io.BytesIO(proto.string_val[2])) as image:
        return np.asarray(image)


def test_everything_logged_is_read_back(tmp_path):
    images = np.random.default_rng(0).random((5, 4, 4, 1))
    figure = plots.bars([1, 2], ["a", "b"], title="bars", xlabel="x")
    with Summaries(tmp_path) as log:
        log.scalars({"elbo": -97.02, "kl": np.float32(20)}, step=3)
        log.images("samples", images, step=4, columns=5)
        log.figure("bars", figure, step=5)
        log.text("card", "# CVAE", step=6)
    events = read(tmp_path)
    step, proto = value(events, "elbo")
    assert (step, make_ndarray(proto)) == (3, pytest.approx(-97.02))
    step, proto = value(events, "samples")
    assert step == 4
    np.testing.assert_array_equal(picture(proto), plots.make_grid(images, columns=5))
    step, proto = value(events, "bars")
    with Image.open(io.BytesIO(plots.png(figure))) as drawn:
        np.testing.assert_array_equal(picture(proto), np.asarray(drawn.convert("RGB")))
    step, proto = value(events, "card")
    assert (step, proto.string_val[0]) == (6, b"# CVAE")


def test_settings_reach_the_hparams_page(tmp_path):
    with Summaries(tmp_path) as log:
        log.hparams({"latent_dim": 10, "beta": 1.0, "name": "cvae"}, {"elbo": -90.0}, step=2)
    events = read(tmp_path)
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["latent_dim"].number_value == 10
    assert settings["name"].string_value == "cvae"
    assert value(events, "elbo")[0] == 2


def test_a_scalar_is_one_number(tmp_path):
    with Summaries(tmp_path) as log, pytest.raises(InvalidInputError, match="one number"):
        log.scalars({"elbo": np.zeros(3)}, step=0)
