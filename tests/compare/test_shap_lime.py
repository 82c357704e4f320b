"""SHAP against LIME on the shipped models: its numbers by other roads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfgenxai import SHAP, ClassLogit
from tfgenxai.attribution.superpixels import superpixels
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.shap_lime import compare_shap_lime
from tfgenxai.compare.shap_lime_budget import Budget, by_definition
from tfgenxai.compare.shap_lime_cases import DIGIT, SEGMENTS, cases
from tfgenxai.compare.shap_lime_measures import idle, run
from tfgenxai.compare.shap_lime_words import ROWS, settled_with
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import InvalidInputError, UsageError

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"
SIZE, EVALUATIONS, SEED = 2, 160, 3


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Comparison:
    return compare_shap_lime(
        subjects, size=SIZE, evaluations=EVALUATIONS, seed=SEED, progress=False
    )


def cell(found: Comparison, table: str, case: str, name: str) -> Any:
    """The row of one measure on one case."""
    frame = found.frames[table]
    (row,) = frame[(frame["case"] == case) & (frame["name"] == name)].to_dict("records")
    return row


def signature(model: str, name: str) -> Any:
    """A signature as plain TensorFlow sees it."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(SHIPPED / model))
    return lambda **inputs: loaded.signatures[name](**inputs)


def eights(subjects: Subjects) -> np.ndarray:
    """Codes of the first images of the digit that the latents are asked about."""
    places = np.flatnonzero(subjects.labels(1000) == DIGIT)[:SIZE]
    binary = (subjects.grey(1000)[places] > 0.5).astype(np.float32)
    return signature("cvae", "encode")(image=binary)["mean"].numpy()


@pytest.mark.shipped
def test_the_sum_error_is_that_of_the_values_themselves(
    found: Comparison, subjects: Subjects
) -> None:
    images, labels = subjects.grey(SIZE), subjects.labels(SIZE)
    shap = SHAP(
        subjects.classifier["classify"],
        background=0.0,
        features=superpixels(images, SEGMENTS),
        algorithm="kernel",
        samples=EVALUATIONS,
        seed=SEED,
    )
    values = shap(images, ClassLogit(labels), progress=False)
    classify = signature("classifier", "classify")
    logits = classify(image=images)["logits"].numpy()[np.arange(SIZE), labels]
    black = classify(image=0 * images)["logits"].numpy()[np.arange(SIZE), labels]
    change = logits - black
    error = np.abs(values.values.reshape(SIZE, -1).sum(axis=1) - change).mean()
    row = cell(found, "sums", "images", "sum_error")
    assert row["SHAP_mean"] == pytest.approx(error, abs=1e-4) and row["SHAP_mean"] < 1e-3
    # LIME's weights fit the neighbourhood, not the sum: that they miss it is no rounding.
    assert row["LIME_mean"] > 100 * row["SHAP_mean"]


@pytest.mark.shipped
def test_mean_sizes_over_codes_are_those_of_the_method(
    found: Comparison, subjects: Subjects
) -> None:
    target = ClassLogit(DIGIT, model=subjects.classifier["classify"])
    shap = SHAP(subjects.vae["decode"], algorithm="kernel", samples=EVALUATIONS, seed=SEED)
    sizes = np.abs(shap(eights(subjects), target, progress=False).values).mean(axis=0)
    shares = found.frames["overall"]["SHAP"].to_numpy()
    np.testing.assert_allclose(shares, sizes / sizes.sum(), atol=1e-5)
    assert found.frames["overall"]["LIME"].sum() == pytest.approx(1.0)


@pytest.mark.shipped
def test_limes_own_error_is_between_its_model_and_the_classifier(
    found: Comparison, subjects: Subjects
) -> None:
    case = cases(subjects, size=SIZE, seed=SEED, evaluations=EVALUATIONS)[1]
    table = case.lime(SEED, EVALUATIONS).conditions(case.inputs, case.target)
    sums = table.groupby("sample")["weight"].sum() + table.groupby("sample")["intercept"].first()
    image = signature("cvae", "decode")(z=eights(subjects))["image"]
    logits = signature("classifier", "classify")(image=image)["logits"].numpy()[:, DIGIT]
    row = cell(found, "sums", "VAE latents", "local_error")
    assert row["LIME_mean"] == pytest.approx(np.abs(sums - logits).mean(), rel=1e-3)
    assert "SHAP" not in row or row["SHAP"] is None or row["SHAP"] != row["SHAP"]


@pytest.mark.shipped
def test_costs_are_counted(found: Comparison) -> None:
    for case in ("images", "VAE latents"):
        spent = cell(found, "cost", case, "evaluations")
        # Beyond the coalitions or perturbed samples: the input itself, and the empty coalition.
        assert 0 < spent["SHAP_mean"] - EVALUATIONS < 5
        assert 0 < spent["LIME_mean"] - EVALUATIONS < 5
        seconds = cell(found, "cost", case, "seconds")
        assert seconds["SHAP_low"] > 0 and seconds["LIME_low"] > 0


@pytest.mark.shipped
def test_another_seed_gives_the_same_where_all_coalitions_are_scored(subjects: Subjects) -> None:
    case = cases(subjects, size=1, seed=0, evaluations=1022)[1]
    first, again = (run(case, "SHAP", seed=seed).features for seed in (0, 5))
    np.testing.assert_allclose(first, again, atol=1e-3)


@pytest.mark.shipped
def test_the_page_stands_by_itself(found: Comparison, tmp_path: Path) -> None:
    page = found.save(tmp_path).read_text()
    assert "http://" not in page and "https://" not in page
    assert page.count("<img ") == len(found.figures) == 7
    assert list(found.frames["rows"]["row"]) == list(ROWS) and len(ROWS) == 7
    verdicts = set(found.frames["claims"]["verdict here"])
    assert verdicts <= {"not settled", "not measured"}  # of two inputs nothing is


@pytest.mark.shipped
def test_what_cannot_be_compared_is_refused(subjects: Subjects) -> None:
    with pytest.raises(UsageError, match="2 inputs"):
        compare_shap_lime(subjects, size=1)
    with pytest.raises(UsageError, match="too few"):
        compare_shap_lime(subjects, size=2, evaluations=30, progress=False)
    other = subjects.data[np.flatnonzero(subjects.data.labels != DIGIT)]
    without = Subjects(subjects.vae, subjects.gan, subjects.classifier, other)
    with pytest.raises(InvalidInputError, match="no 8"):
        compare_shap_lime(without, size=2)


def test_the_definition_is_the_mean_over_all_orders() -> None:
    worth = np.random.default_rng(0).standard_normal(16)
    expected = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        coalition = 0
        for player in order:
            joined = coalition | 1 << player
            expected[player] += (worth[joined] - worth[coalition]) / len(orders)
            coalition = joined
    np.testing.assert_allclose(by_definition(worth), expected)


@pytest.mark.shipped
def test_idle_superpixels_are_those_without_ink(subjects: Subjects) -> None:
    case = cases(subjects, size=2, seed=0, evaluations=EVALUATIONS)[0]
    inked = np.zeros((2, case.width))
    for n in range(2):
        for label in range(case.width):
            inked[n, label] = case.inputs[n, ..., 0][case.labels[n] == label].any()
    np.testing.assert_allclose(idle(case, inked), 0.0)
    np.testing.assert_allclose(idle(case, 1.0 - inked), 1.0)


def test_what_is_settled_follows_the_errors() -> None:
    counts = np.array([100.0, 200.0])
    soon = Budget((0.5, 1.0), counts, np.array([[0.08, 0.02], [0.1, 0.02]]), 1000.0)
    never = Budget((0.5, 1.0), counts, np.array([[0.9, 0.3]]), 1000.0)
    assert settled_with({"SHAP": soon, "LIME": never}) == (
        "SHAP 100, LIME more than 200 (30 % off with these)"
    )
    assert settled_with({"SHAP": never, "LIME": soon}).endswith("LIME 100")


def test_the_example_runs(
    found: Comparison, run_example: Callable[[str, Comparison], list[str]]
) -> None:
    assert sum("SHAP" in line for line in run_example("shap_vs_lime", found)) >= 3
