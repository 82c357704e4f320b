"""`tfgenxai latents` on models in closed form: its files against NumPy, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgenxai.cli import main
from tfgenxai.saved.write import write_card

SIDE, LATENTS = 28, 3
RANDOM = np.random.default_rng(0)
TO_CODE = (0.1 * RANDOM.normal(size=(SIDE * SIDE, LATENTS))).astype(np.float32)


class Linear(tf.Module):
    """Codes and images by matrix products; no convolution, so that there are no heatmaps."""

    @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")])
    def encode(self, image):
        return {"mean": tf.reshape(image, (-1, SIDE * SIDE)) @ TO_CODE}

    @tf.function(input_signature=[tf.TensorSpec((None, LATENTS), tf.float32, "z")])
    def decode(self, z):
        logits = z @ tf.transpose(TO_CODE)
        return {"image": tf.sigmoid(tf.reshape(logits, (-1, SIDE, SIDE, 1)))}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """vae, gan, and bare, which has no card and no codes."""
    folder = tmp_path_factory.mktemp("models")
    module = Linear()
    for name, signatures in (
        ("vae", {"encode": module.encode, "decode": module.decode}),
        ("gan", {"generate": module.decode}),
        ("bare", {"decode": module.decode}),
    ):
        tf.saved_model.save(module, str(folder / name), signatures=signatures)
    write_card(folder / "vae", {"data": {"name": "folder"}})
    pixels = RANDOM.integers(0, 256, (120, SIDE, SIDE), np.uint8)
    for index, picture in enumerate(pixels):
        place = folder / "images" / ("bright" if picture.mean() > 127.5 else "dark")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{index:03d}.png")
    return folder


@pytest.fixture(scope="module")
def written(models) -> tuple[Path, dict]:
    out = models / "out"
    images = str(models / "images")
    words = ["latents", str(models / "vae"), "--folder", images, "--methods", "pca"]
    assert main([*words, "--out", str(out)]) == 0
    return out, json.loads((out / "results.json").read_text())


def test_files_hold_the_codes_and_their_coordinates(written):
    out, results = written
    with np.load(out / "codes.npz") as arrays:
        codes, labels = arrays["codes"], arrays["codes labels"]
    assert codes.shape == (120, LATENTS) and set(labels) == {0, 1}
    values, vectors = np.linalg.eigh(np.cov(codes.astype(np.float64).T))
    space = results["spaces"]["codes"]
    np.testing.assert_allclose(space["eigenvalues"], values[::-1], rtol=1e-4)
    with (out / "projections.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["view"] for row in rows} == {"pca"} and len(rows) == 120
    shown = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    expected = (codes - codes.mean(axis=0)) @ vectors[:, ::-1][:, :2]
    np.testing.assert_allclose(np.abs(shown), np.abs(expected), atol=1e-3)
    assert [int(row["label"]) for row in rows] == labels.tolist()
    assert {row["class"] for row in space["carriers"]} == {"bright", "dark"}


def test_figures_are_written_and_named(written):
    out, results = written
    names = {path.stem for path in (out / "figures").iterdir()}
    assert names == {
        "pca",
        "eigenvalues-codes",
        "loadings-codes",
        "effects-codes",
        "traversal",
        "interpolation",
    }
    assert all(Path(file).is_file() for file in results["files"])
    assert {str(path) for path in out.rglob("*") if path.is_file()} == set(results["files"])


def test_a_generator_alone_prints_json_of_the_codes_that_the_seed_draws(models, capsys):
    words = ["latents", str(models / "gan"), "--size", "100", "--methods", "pca", "--json"]
    assert main([*words, "--seed", "2", "--out", str(models / "gan-out")]) == 0
    spaces = json.loads(capsys.readouterr().out)["spaces"]
    assert list(spaces) == ["z", "first hidden layer"]
    assert spaces["z"]["labels"] == "" and "effects" not in spaces["z"]
    draws = np.random.default_rng(2).standard_normal((100, LATENTS)).astype(np.float32)
    expected = np.linalg.eigvalsh(np.cov(draws.T))[::-1]
    np.testing.assert_allclose(spaces["z"]["eigenvalues"], expected, rtol=1e-4)
    figures = {path.stem for path in (models / "gan-out" / "figures").iterdir()}
    assert {"manifold", "loadings-z"} <= figures
    # Principal components of principal components say nothing.
    assert "loadings-first-hidden-layer" not in figures
    assert spaces["first hidden layer"]["reading"].count("\n") == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere"], 1, "'nowhere' does not exist"),
        (["bare"], 1, "neither encode nor generate"),
        (["gan", "--methods", "pca", "isomap"], 2, "'isomap'; --methods are pca, tsne, umap"),
        (["gan", "--size", "20"], 2, "--size must be at least 100, not 20"),
        (["gan", "--seeds", "0"], 2, "--seeds counts from 1"),
        (["vae"], 2, "folder"),
        (["vae", "--folder", "images", "--label", "hair"], 2, "no factor 'hair'"),
        (["gan", "--classifier", "nowhere"], 1, "'nowhere' does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    models, monkeypatch, capsys, tmp_path, words, code, message
):
    monkeypatch.chdir(models)
    assert main(["latents", *words, "--out", str(tmp_path / "out")]) == code
    said = capsys.readouterr().err
    assert message in said and said.startswith("tfgenxai: ") and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_line_as_a_process(run_cli, models, tmp_path):
    failed = run_cli("latents", models / "bare", "--out", tmp_path / "out")
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    assert "neither encode nor generate" in failed.stderr
    shown = run_cli("latents", "--help")
    assert shown.returncode == 0 and "overlap of seeds" in shown.stdout
