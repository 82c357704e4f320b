"""Saliency against LRP on the shipped encoder: its numbers by other roads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from tfgenxai import LRP, Latent
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.saliency_lrp import compare_saliency_lrp
from tfgenxai.compare.saliency_lrp_cases import METHODS, cases
from tfgenxai.compare.saliency_lrp_measures import Study, against_random, likeness, nudged
from tfgenxai.compare.saliency_lrp_words import ROWS, rows, sane
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import UsageError
from tfgenxai.metrics.randomisation import randomised, weighted_layers

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"
SIZE = 3


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Comparison:
    return compare_saliency_lrp(subjects, size=SIZE, progress=False, only=("encoder",))


@pytest.fixture(scope="module")
def encoded(subjects: Subjects) -> tuple[np.ndarray, int, Any]:
    """The images of the comparison, its latent, and the encoder as plain TensorFlow sees it."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(SHIPPED / "cvae"))

    def encode(images: np.ndarray) -> np.ndarray:
        return loaded.signatures["encode"](image=tf.constant(images))["mean"].numpy()

    images = subjects.images(4 * SIZE)
    codes = encode(images)
    widest = int(codes.var(axis=0).argmax())
    raised = codes[:, widest] > np.maximum(encode(0 * images)[:, widest], 0)
    return images[raised][:SIZE], widest, encode


def mean(found: Comparison, table: str, name: str, method: str) -> float:
    """The mean of a measure on the encoder."""
    frame = found.frames[table]
    return float(frame.loc[frame["name"] == name, f"{method}_mean"].item())


@pytest.mark.shipped
def test_slopes_are_the_gradient(found: Comparison, encoded: tuple[np.ndarray, int, Any]) -> None:
    import tensorflow as tf

    images, widest, _ = encoded
    loaded = tf.saved_model.load(str(SHIPPED / "cvae"))
    pixels = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = loaded.signatures["encode"](image=pixels)["mean"][:, widest]
    slopes, code = np.abs(tape.gradient(value, pixels).numpy()), value.numpy()
    strokes = images > 0.5
    mass = [slopes[n][strokes[n]].sum() / slopes[n].sum() for n in range(SIZE)]
    assert mean(found, "meaning", "mass", "Saliency") == pytest.approx(np.mean(mass), rel=1e-4)
    assert mean(found, "noise", "off_stroke", "Saliency") == pytest.approx(
        1 - np.mean(mass), rel=1e-4
    )
    off = np.abs(slopes.reshape(SIZE, -1).sum(axis=1) - code) / np.abs(code).mean()
    assert mean(found, "sums", "sum_error", "Saliency") == pytest.approx(off.mean(), rel=1e-3)


@pytest.mark.shipped
def test_the_sums_of_lrp_are_those_of_its_maps(
    found: Comparison, encoded: tuple[np.ndarray, int, Any], subjects: Subjects
) -> None:
    images, widest, encode = encoded
    code = encode(images)[:, widest]
    for name, composite in (("LRP", "epsilon_plus"), ("LRP-epsilon", "epsilon")):
        maps = LRP(subjects.vae["encode"], composite)(images, Latent(widest), progress=False)
        off = np.abs(maps.values.reshape(SIZE, -1).sum(axis=1) - code).mean() / np.abs(code).mean()
        assert mean(found, "sums", "sum_error", name) == pytest.approx(off, rel=1e-3)
        assert mean(found, "sums", "account", name) < 1e-5
        assert mean(found, "meaning", "mass", name) == 1.0  # black pixels have no relevance


@pytest.mark.shipped
def test_effects_of_pixels_are_those_of_pixels_moved_one_by_one(
    subjects: Subjects, encoded: tuple[np.ndarray, int, Any]
) -> None:
    images, widest, encode = encoded
    (case,) = cases(subjects, SIZE, ("encoder",))
    np.testing.assert_array_equal(case.inputs, images)
    effects = nudged(case)
    for n, y, x in ((0, 3, 4), (1, 14, 14), (2, 20, 9)):
        moved = images[n : n + 1].copy()
        moved[0, y, x] += 0.05 if moved[0, y, x, 0] < 0.5 else -0.05
        change = encode(moved) - encode(images[n : n + 1])
        assert effects[n, 28 * y + x] == pytest.approx(abs(change[0, widest]), abs=1e-5)
    assert likeness(effects, effects) == pytest.approx(np.ones(SIZE))


@pytest.mark.shipped
def test_the_page_stands_by_itself(found: Comparison, tmp_path: Path) -> None:
    page = found.save(tmp_path).read_text()
    assert "http://" not in page and "https://" not in page
    assert page.count("<img ") == len(found.figures) == 4
    assert list(found.frames["rows"]["row"]) == list(ROWS)
    verdicts = set(found.frames["claims"]["verdict here"])
    assert verdicts <= {"not settled", "holds", "the other way round"}
    times = found.frames["cost"]
    assert all((times[f"{name}_low"] > 0).all() for name in METHODS)


@pytest.mark.shipped
def test_images_raise_what_is_explained(subjects: Subjects) -> None:
    for case in cases(subjects, SIZE, ("classifier", "discriminator")):
        logits = case.graph.function("image", "logits")
        raised, black = logits(case.inputs).numpy(), logits(0 * case.inputs).numpy()
        which = getattr(case.target, "k", np.zeros(len(raised), int))
        rows = np.arange(len(raised))
        assert (raised[rows, which] > np.maximum(black[rows, which], 0)).all()


@pytest.mark.shipped
def test_what_cannot_be_compared_is_refused(subjects: Subjects) -> None:
    with pytest.raises(UsageError, match="2 images"):
        compare_saliency_lrp(subjects, size=1)
    with pytest.raises(UsageError, match="classifier, encoder, discriminator"):
        compare_saliency_lrp(subjects, only=("decoder",))


def test_the_sanity_check_is_worded_by_its_numbers() -> None:
    table = pandas.DataFrame({"layer": ["top", "all", "two"], "similarity": [0.9, 0.6, 0.3]})
    tables = {"Saliency": table, "LRP": table, "LRP-epsilon": table}
    measures = {
        "classifier": {
            "Saliency": {"random": np.array([0.05, 0.15])},
            "LRP": {"random": np.array([0.7, 0.7])},
            "LRP-epsilon": {"random": np.array([0.4, 0.7])},
        }
    }
    text = sane(measures, tables)
    assert "Saliency passes with 0.1 [0.05, 0.15] (two random networks 0.30)" in text
    assert "LRP fails with 0.7 [0.7, 0.7]" in text
    assert "LRP-epsilon is at the limit with 0.55 [0.4, 0.7]" in text
    assert "Saliency 0.1, LRP 0.7" in rows(measures)[-1]["measured"]
    assert "not measured" in rows({})[-1]["measured"]


@pytest.mark.shipped
def test_a_random_network_is_compared_where_its_map_is_not_0(
    subjects: Subjects, encoded: tuple[np.ndarray, int, Any]
) -> None:
    from scipy.stats import spearmanr

    (case,) = cases(subjects, SIZE, ("encoder",))
    study = Study(case, np.zeros((SIZE, 1)))
    method = METHODS["Saliency"]
    study.maps["Saliency"] = method(case.graph, 0)(case.inputs, case.target)
    found = against_random(study, "Saliency", seed=4)
    layers = weighted_layers(case.graph, case.target)[::-1]
    drawn = method(randomised(case.graph, layers, 4), 0)(case.inputs, case.target).values
    for n in range(SIZE):
        there = drawn[n] != 0
        expected = spearmanr(study.maps["Saliency"].values[n][there], drawn[n][there]).statistic
        assert found[n] == pytest.approx(expected)


def test_the_example_runs(
    found: Comparison, run_example: Callable[[str, Comparison], list[str]]
) -> None:
    assert sum("LRP" in line for line in run_example("saliency_vs_lrp", found)) >= 3
