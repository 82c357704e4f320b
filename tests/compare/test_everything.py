"""All comparisons on one page: what it repeats, links and derives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tfgenxai import compare
from tfgenxai.compare import everything
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import ModelNotFoundError, UsageError

pytestmark = pytest.mark.shipped


def quick(name: str, subjects: Subjects, *, size: int, seed: int, progress: bool) -> Comparison:
    """A comparison of this name that takes no time."""
    made = Comparison(f"About {name}").section("Only")
    made.table("numbers", [{"size": size}], "Sizes.")
    made.results |= {"size": size, "seed": seed}
    if name == "vae-gan":
        vae, gan = {"precision": 0.5, "frechet": 9.0}, {"precision": 0.9, "frechet": 3.0}
        made.results["summary"] = {"vae": vae, "gan": gan}
    made.headline = f"In short: {name}."
    return made.finding(f"{name} was looked at with {size} images.")


@pytest.fixture
def written(
    subjects: Subjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, dict[str, Any]]:
    monkeypatch.setattr(everything, "run", quick)
    found = everything.compare_all(subjects, out=tmp_path, scale=0.5, seed=7, progress=False)
    found.save(tmp_path)
    return tmp_path, found.json()


def test_every_comparison_has_its_folder_its_link_and_its_findings(
    written: tuple[Path, dict[str, Any]],
) -> None:
    out, results = written
    page = (out / "report.html").read_text()
    linked = set(re.findall(r'href="([^"#]+)"', page)) - {"data:,"}
    assert linked == {f"{name}/report.html" for name in compare.COMPARISONS}
    for name in compare.COMPARISONS:
        own = json.loads((out / name / "results.json").read_text())
        assert own["seed"] == 7
        assert own["findings"][0] in page
        assert page.index(f"In short: {name}.") < page.index(own["findings"][0])
        assert (out / name / "tables" / "numbers.csv").is_file()
    assert results["comparisons"].keys() == compare.COMPARISONS.keys()


def test_sizes_are_scaled_but_never_too_few(written: tuple[Path, dict[str, Any]]) -> None:
    sizes = {name: each["size"] for name, each in written[1]["comparisons"].items()}
    assert sizes["conclusions"] == 500
    assert sizes["methods"] >= 4
    assert sizes["vae-gan"] == 1000


def test_use_cases_are_derived_from_the_numbers(written: tuple[Path, dict[str, Any]]) -> None:
    tables = written[1]["use_cases"]
    assert {row["verdict"] for row in tables["GAN"]} == {"better"}
    assert {row["verdict"] for row in tables["VAE"]} == {"take the GAN"}


def test_a_comparison_that_cannot_be_made_is_left_out_with_its_reason(
    subjects: Subjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some(name: str, *args: Any, **options: Any) -> Comparison:
        if name in ("cue", "methods"):
            raise ModelNotFoundError(f"There is no model for {name}.")
        return quick(name, *args, **options)

    monkeypatch.setattr(everything, "run", some)
    found = everything.compare_all(
        subjects, out=tmp_path, names=["methods", "conclusions", "cue"], progress=False
    )
    found.save(tmp_path)
    assert found.json()["comparisons"].keys() == {"conclusions"}
    page = (tmp_path / "report.html").read_text()
    for name in ("cue", "methods"):
        assert f"is left out: There is no model for {name}." in page
        assert not (tmp_path / name).exists()
    with pytest.raises(ModelNotFoundError, match="no model for cue"):
        everything.compare_all(subjects, out=tmp_path, names=["cue", "methods"], progress=False)


def test_an_unknown_comparison_is_refused_before_anything_runs(
    subjects: Subjects, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no comparison 'methodz'"):
        everything.compare_all(subjects, out=tmp_path, names=["methodz"])
    assert not list(tmp_path.iterdir())
