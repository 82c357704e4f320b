"""The notebooks run as they are stored, draw, write nothing beside themselves, and are clean."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Figures that each one shows in a quick run, at least.
FIGURES = {
    "01_cvae": 12,
    "02_dcgan": 10,
    "03_stuttgart_latent_gradcam": 6,
    "04_attribution_tour": 7,
    "05_bring_your_own_savedmodel": 4,
    "06_latent_space": 16,
    "07_neurons": 16,
    "08_shap_vs_lime": 8,
    "09_saliency_vs_lrp": 8,
    "10_vae_vs_gan": 11,
    "11_conditional_gan": 8,
    "12_attention": 8,
    "13_infogan": 6,
    "14_bigan": 4,
    "15_interpretable_directions": 9,
    "16_variational_clusters": 6,
    "17_attacks_and_explanations": 11,
    "18_scrabblegan": 9,
}
PER_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_count_of_figures_for_every_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS] == [*FIGURES]


@PER_NOTEBOOK
def test_it_is_stored_without_results(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(cell.execution_count is None and not cell.outputs for cell in code)
    assert all(not cell.metadata for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert set(notebook.metadata.language_info) == {"name"}


@pytest.mark.slow
@pytest.mark.shipped
@PER_NOTEBOOK
def test_it_runs_and_draws(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    work, scratch = tmp_path / "work", tmp_path / "scratch"
    work.mkdir()
    scratch.mkdir()
    monkeypatch.setenv("TFGENXAI_SMOKE", "1")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")  # faster, as on the command line
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # No prepared MNIST and no network: what a fresh clone on a plane has.
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_name="python3",
        startup_timeout=600,
        timeout=None,
        resources={"metadata": {"path": str(work)}},
    ).execute()

    figures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(figures) >= FIGURES[path.stem]
    for figure in figures:
        assert min(figure.shape[:2]) > 100
        assert len(np.unique(figure.reshape(-1, figure.shape[-1]), axis=0)) > 20  # not blank
    assert {entry.name for entry in work.iterdir()} <= {"runs"}
