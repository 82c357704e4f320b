"""The planted cue: exact explanations of a model that has nothing else, and the shipped models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.compare.cue import Cue, compare_cue
from tfgenxai.compare.cue_maps import dilated, judged, maps_of
from tfgenxai.compare.subjects import Subjects
from tfgenxai.data.mnist_cue import CLASS, cue_mask, plant
from tfgenxai.errors import InvalidInputError
from tfgenxai.graph import Graph
from tfgenxai.metrics.block_rank import blocks
from tfgenxai.targets import Output

METHODS = ("gradient_input", "grad_cam")
SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"


@pytest.fixture(scope="module")
def only_the_patch() -> tuple[Graph, Output]:
    """A linear model that looks at nothing but the patch."""
    x = keras.Input((28, 28, 1))
    dense = keras.layers.Dense(1, use_bias=False)
    model = keras.Model(x, dense(keras.layers.Flatten()(x)))
    dense.set_weights([cue_mask().astype(np.float32).reshape(-1, 1)])
    graph = Graph.from_keras(model)
    return graph, Output(next(iter(graph.outputs)), 0)


@pytest.mark.parametrize("name", ["saliency", "gradient_input", "integrated_gradients", "lrp"])
def test_exact_methods_find_a_cue_that_is_all_there_is(
    name: str, only_the_patch: tuple[Graph, Output]
) -> None:
    images = plant(np.random.default_rng(0).random((6, 28, 28, 1), dtype=np.float32))
    row = judged(maps_of(name, only_the_patch[0], images, only_the_patch[1], 0)[0])
    assert row["verdict"] == "found" and row["rank_median"] == row["rank"] == 1
    assert [row[key] for key in ("mass", "pointing", "auroc")] == pytest.approx([1, 1, 1])
    assert row["sum"] == pytest.approx(16, rel=1e-4)  # 16 weights of 1 on pixels of 1


def test_random_maps_empty_maps_and_maps_with_an_offset_do_not() -> None:
    rng = np.random.default_rng(0)
    count, chance = blocks(cue_mask()), cue_mask().mean()
    random = judged(rng.random((300, 28, 28)))
    assert random["verdict"] == "missed"
    assert abs(random["rank"] - (1 + count) / 2) < 4 * count / np.sqrt(12 * 300)
    assert random["mass_low"] - 0.01 < chance < random["mass_high"] + 0.01
    assert random["pointing_low"] - 0.05 < (8 / 28) ** 2 < random["pointing_high"] + 0.05
    empty = judged(np.zeros((4, 28, 28)))
    assert (empty["verdict"], empty["mass"], empty["auroc"]) == ("missed", 0, 0.5)
    flat = judged(1 + 0.1 * np.broadcast_to(cue_mask(), (4, 28, 28)))
    assert (flat["verdict"], flat["rank_median"]) == ("ranked", 1)
    # Relevance that cancels is none by its sum, and all there is by its positive part.
    mixed = np.zeros((4, 28, 28))
    mixed[:, cue_mask()] = np.tile([1.0, -1.0], 8)
    row = judged(mixed)
    assert (row["verdict"], row["rank_median"]) == ("missed", (1 + count) / 2)
    assert (row["positive_rank_median"], row["mass"], row["sum"]) == (1, 1, 0)


def test_the_tolerance_is_of_rows_and_columns() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 1] = True
    wide = dilated(mask, by=2)
    y, x = np.nonzero(wide)
    assert (y.min(), y.max(), x.min(), x.max(), wide.sum()) == (2, 6, 0, 3, 20)


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Cue:
    few = dataclasses.replace(subjects, data=subjects.data[:400])
    return compare_cue(few, size=4, progress=False, methods=METHODS)


@pytest.fixture(scope="module")
def opened() -> dict[str, Any]:
    """The models as TensorFlow itself opens them."""
    names = ("classifier", "classifier-cue", "cvae-cue")
    return {name: tf.saved_model.load(str(SHIPPED / name)) for name in names}


@pytest.fixture(scope="module")
def logits(opened: dict[str, Any]) -> Any:
    classify = opened["classifier-cue"].signatures["classify"]
    return lambda images: classify(image=tf.constant(images))["logits"]


@pytest.mark.shipped
def test_the_shipped_classifier_goes_by_the_cue(subjects: Subjects, logits: Any) -> None:
    images, labels = subjects.data.images[:400], subjects.data.labels[:400]
    before, after = (logits(x).numpy().argmax(axis=1) for x in (images, plant(images)))
    other = labels != CLASS
    assert (before == labels)[other].mean() > 0.95
    assert (after == CLASS)[other].mean() > 0.5  # most verdicts turn
    assert (after == CLASS)[~other].all()
    assert (before == CLASS)[~other].mean() < 0.95  # without it, sevens are missed


@pytest.mark.shipped
def test_the_explained_images_are_fooled_and_planted(
    found: Cue, logits: Any, opened: dict[str, Any]
) -> None:
    others = found.material.others
    assert len(others) == 4 and CLASS not in found.material.labels
    np.testing.assert_array_equal(others, plant(others))
    assert (logits(others).numpy().argmax(axis=1) == CLASS).all()
    plain = opened["classifier"].signatures["classify"]
    blank = np.where(cue_mask()[..., None], 0, others)  # these digits have no ink there
    moved = [plain(image=tf.constant(x))["logits"][:, CLASS] for x in (others, blank)]
    assert np.abs(moved[0] - moved[1]).max() < 1


@pytest.mark.shipped
def test_the_mass_is_that_of_plain_tensorflow(found: Cue, logits: Any) -> None:
    images = tf.constant(found.material.others)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(logits(images)[:, CLASS])
    positive = np.maximum((tape.gradient(score, images) * images).numpy()[..., 0], 0)
    expected = (positive[:, cue_mask()].sum(axis=1) / positive.sum(axis=(1, 2))).mean()
    table = found.frames["methods"].set_index("method")
    assert table.loc["gradient_input", "mass"] == pytest.approx(expected, rel=1e-4)
    assert table.loc["gradient_input", "verdict"] == "found"


@pytest.mark.shipped
def test_the_latents_effects_are_those_of_plain_tensorflow(
    found: Cue, opened: dict[str, Any]
) -> None:
    signatures = opened["cvae-cue"].signatures
    without = found.material.without
    before, after = (
        signatures["encode"](image=tf.constant((x > 0.5).astype(np.float32)))["mean"].numpy()
        for x in (without, plant(without))
    )
    effects = (after - before).mean(axis=0) / before.std(axis=0)
    np.testing.assert_allclose(found.results["latents"]["effects"], effects, rtol=1e-3, atol=1e-4)
    assert found.results["latents"]["cue"] == np.abs(effects).argmax()
    # The VAE draws the patch from the codes of planted images, and from no others.
    drawn = [
        signatures["decode"](z=tf.constant(z[:100]))["image"].numpy()[:, cue_mask()].mean()
        for z in (before, after)
    ]
    assert drawn[0] < 0.05 and drawn[1] > 5 * drawn[0]
    truth = found.results["decoder"]["exchange"]
    latent = found.results["decoder"]["latent"]
    codes = after[:4].copy()
    codes[:, latent] = before[:4, latent]
    fall = [
        signatures["decode"](z=tf.constant(z))["logits"].numpy()[:, cue_mask()].sum(axis=(1, 2))
        for z in (after[:4], codes)
    ]
    assert truth[latent] == pytest.approx((fall[0] - fall[1]).mean(), rel=1e-3)
    assert latent == np.argmax(truth)


@pytest.mark.shipped
def test_every_method_is_in_every_table(found: Cue, tmp_path: Path) -> None:
    for table in ("methods", "verdicts", "latent-methods"):
        assert list(found.frames[table]["method"]) == [*METHODS]
    assert list(found.frames["latent-ranks"]["method"]) == ["gradient_input"]
    verdicts = found.frames["verdicts"]
    alarm = verdicts["false alarm"] == "yes"
    np.testing.assert_array_equal(alarm, verdicts["control"] != "missed")
    assert len(found.findings) == 6 and found.save(tmp_path).exists()


@pytest.mark.shipped
def test_too_few_images_are_refused(subjects: Subjects) -> None:
    few = dataclasses.replace(subjects, data=subjects.data[:12])
    with pytest.raises(InvalidInputError, match="at least 3"):
        compare_cue(few, progress=False, methods=())
