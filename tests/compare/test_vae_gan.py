"""The main job on the shipped models: what it writes, and its numbers against other roads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfgenxai import compare
from tfgenxai.compare import vae_gan_neurons, vae_gan_quality
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.material import gather
from tfgenxai.compare.subjects import Subjects
from tfgenxai.compare.vae_gan_heatmaps import one_of_each, stroke_mass
from tfgenxai.errors import InvalidInputError

SIZE = 120
SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"
pytestmark = pytest.mark.shipped


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Comparison:
    with pytest.MonkeyPatch.context() as less:  # the searches are tested by themselves
        less.setattr(vae_gan_quality, "_INVERTED", 10)
        less.setattr(vae_gan_quality, "_STEPS", 10)
        less.setattr(vae_gan_neurons, "_STEPS", 5)
        less.setattr(vae_gan_neurons, "_ABLATED", 8)
        return compare.run("vae-gan", subjects, size=SIZE, progress=False)


@pytest.fixture(scope="module")
def written(
    found: Comparison, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("vae-gan")
    found.save(out)
    return out, found.json()


def test_writes_a_self_contained_page_with_its_figures(
    written: tuple[Path, dict[str, Any]],
) -> None:
    out, results = written
    page = (out / "report.html").read_text()
    assert "http://" not in page and "https://" not in page
    assert page.count("<img ") == len(results["figures"]) >= 14
    for name in results["figures"]:
        assert (out / "figures" / f"{name}.png").stat().st_size > 2000
    assert json.loads((out / "results.json").read_text()) == results
    config = (out / "logs" / "projector_config.pbtxt").read_text()
    assert all(name in config for name in ("vae-means", "gan-z", "gan-hidden"))


def test_eigenvalues_are_those_of_the_covariance_seen_by_plain_tensorflow(
    written: tuple[Path, dict[str, Any]], subjects: Subjects
) -> None:
    import tensorflow as tf

    encode = tf.saved_model.load(str(SHIPPED / "cvae")).signatures["encode"]
    binary = (subjects.grey(SIZE) > 0.5).astype(np.float32)
    means = encode(image=tf.constant(binary))["mean"].numpy().astype(np.float64)
    expected = np.linalg.eigvalsh(np.cov(means.T))[::-1]
    found = written[1]["pca"]["VAE means"]["eigenvalues"]
    np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-4)


def test_shares_are_the_votes_of_the_classifier(
    written: tuple[Path, dict[str, Any]], subjects: Subjects
) -> None:
    import tensorflow as tf

    material = gather(subjects, size=SIZE, seed=0)
    draw = tf.saved_model.load(str(SHIPPED / "dcgan")).signatures["generate"]
    judge = tf.saved_model.load(str(SHIPPED / "classifier")).signatures["classify"]
    images = draw(z=tf.constant(material.noise))["image"]
    winners = judge(image=images)["logits"].numpy().argmax(axis=1)
    expected = [np.mean(winners == digit) for digit in range(10)]
    found = written[1]["coverage"]["gan"]["shares"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_same_seed_same_material(subjects: Subjects) -> None:
    first, again = (gather(subjects, size=SIZE, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.gan_samples, again.gan_samples)
    np.testing.assert_array_equal(first.hidden, again.hidden)
    assert not np.array_equal(first.noise, gather(subjects, size=SIZE, seed=4).noise)


def test_stroke_mass_is_one_on_strokes_and_their_share_everywhere() -> None:
    images = np.zeros((2, 8, 8, 1), np.float32)
    images[:, 2:4, 2:6] = 1.0
    assert stroke_mass(images[..., 0], images) == pytest.approx(1.0)
    assert stroke_mass(np.ones((2, 8, 8), np.float32), images) == pytest.approx(8 / 64)
    assert stroke_mass(1.0 - images[..., 0], images) == pytest.approx(0.0)


def test_one_of_each_is_the_first_of_every_digit() -> None:
    np.testing.assert_array_equal(one_of_each(np.array([2, 0, 2, 1, 0])), [1, 3, 0])


def test_refuses_too_few_images(subjects: Subjects) -> None:
    with pytest.raises(InvalidInputError, match="at least 100"):
        compare.run("vae-gan", subjects, size=10)


@pytest.mark.parametrize("name", ["vae_vs_gan", "your_own_models"])
def test_the_examples_run(
    name: str, found: Comparison, run_example: Callable[[str, Comparison], list[str]]
) -> None:
    assert any("Fréchet" in line for line in run_example(name, found))
