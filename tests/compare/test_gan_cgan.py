"""A GAN and a CGAN whose digits, styles and directions are known, by the shipped classifier."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.latent.directions.bars import bars
from tfgenxai import compare
from tfgenxai.compare import gan_cgan_directions
from tfgenxai.compare.gan_cgan import GanCgan, compare_gan_cgan
from tfgenxai.compare.gan_cgan_grid import style_rows, style_sentence
from tfgenxai.compare.gan_cgan_words import style_only
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import InvalidInputError, ModelNotFoundError
from tfgenxai.graph import Graph
from tfgenxai.latent.directions.directions import Directions

WIDTH, STYLES = 16, 5
CODE = tf.TensorSpec((None, WIDTH), tf.float32, "z")
LABEL = tf.TensorSpec((None,), tf.int64, "label")
SIZE = 100


def leaning(image: np.ndarray, lean: float) -> np.ndarray:
    """(28, 28) with each row moved by whole pixels, the upper ones to the right."""
    return np.stack([np.roll(row, round(lean * (13.5 - y))) for y, row in enumerate(image)])


@pytest.fixture(scope="module")
def table(subjects: Subjects) -> np.ndarray:
    """(10, STYLES, 28, 28, 1): a real digit a class, leaning ever more, each told as what it is."""
    votes = subjects.classifier["classify"].function("image", "probabilities")
    data = subjects.data
    rows = []
    for digit in range(10):
        for image in data.images[np.asarray(data.labels) == digit][:20, ..., 0]:
            styles = np.stack([leaning(image, lean) for lean in np.linspace(-0.3, 0.3, STYLES)])
            if (votes(styles[..., None]).numpy().argmax(axis=1) == digit).all():
                rows.append(styles[..., None])
                break
    assert len(rows) == 10
    return np.stack(rows).astype(np.float32)


def style_of(z: tf.Tensor) -> tf.Tensor:
    """Which style z0 asks for."""
    return tf.cast(tf.clip_by_value(tf.round(2 * z[:, 0] + 2), 0, STYLES - 1), tf.int64)


@pytest.fixture(scope="module")
def models(table: np.ndarray) -> dict[str, dict[str, Graph]]:
    """The GAN's digit is the largest of z1 to z10; the CGAN's is the label."""

    @tf.function(input_signature=[CODE])
    def free(z):
        digit = tf.argmax(z[:, 1:11], axis=1)
        return {"image": tf.gather_nd(table, tf.stack([digit, style_of(z)], axis=1))}

    @tf.function(input_signature=[CODE, LABEL])
    def asked(z, label):
        return {"image": tf.gather_nd(table, tf.stack([label, style_of(z)], axis=1))}

    return {
        "gan": {"generate": Graph.from_function(free)},
        "cgan": {"generate": Graph.from_function(asked)},
    }


@pytest.fixture(scope="module")
def found(subjects: Subjects, models: dict[str, dict[str, Graph]]) -> GanCgan:
    with pytest.MonkeyPatch.context() as less:
        less.setattr(gan_cgan_directions, "FOLLOWED", 3)
        return compare_gan_cgan(subjects, size=SIZE, progress=False, methods=("random",), **models)


@pytest.mark.shipped
def test_the_grid_shows_a_digit_of_the_label_in_the_style_of_the_code(found: GanCgan) -> None:
    grid = found.results["grid"]
    assert grid["accuracy"] == grid["accuracy_low"] == 1
    slant = next(row for row in grid["style"] if row["measure"] == "slant")
    assert slant["code, of the rest_low"] > 0.9 > slant["shuffled_high"]
    (told,) = (x for x in found.findings if x.startswith("Style stays with the code"))
    assert "slant" in told.partition(":")[0]


@pytest.mark.shipped
def test_class_changes_are_those_of_the_codes(found: GanCgan) -> None:
    (row,) = found.results["directions"]["methods"]
    assert row["CGAN"] == row["CGAN_high"] == row["CGAN at equal change"] == 0
    assert found.results["directions"]["verdicts"] == ["holds"]
    codes = np.random.default_rng(0).standard_normal((found.codes, WIDTH)).astype(np.float32)
    vectors = np.random.default_rng(0).standard_normal((3, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    steps = np.linspace(-6, 6, 7)[:, None, None, None]
    digits = (codes[:, None] + steps * vectors)[..., 1:11].argmax(axis=-1)  # (S, N, K)
    assert row["GAN"] == pytest.approx((digits != digits[3]).any(axis=0).mean())
    by_size = found.figures["class-by-step"].axes[0].lines[0].get_ydata()
    changed = (digits != digits[3]).mean(axis=(1, 2))
    np.testing.assert_allclose(by_size, [changed[[2, 4]].mean(), changed[[1, 5]].mean(),
                                         changed[[0, 6]].mean()])  # fmt: skip
    start = found.frames["start"].set_index("model")
    assert start.loc["CGAN", "as asked"] == 1 and start.loc["CGAN", "changed if as asked"] == 0


@pytest.mark.shipped
def test_it_is_a_page_with_all_its_parts(found: GanCgan, tmp_path: Path) -> None:
    page = found.save(tmp_path).read_text().replace("\xa0", " ")
    assert page.count("<img ") == len(found.figures) >= 8
    assert all(html.escape(sentence) in page for sentence in (found.headline, *found.findings))
    assert set(found.frames) >= {"generation", "style", "class-changes", "start", "effects-cgan"}
    assert len(found.findings) == 8
    assert "100 % of the images" in found.headline and "for 0 % of the codes" in found.headline


@pytest.mark.shipped
def test_learned_directions_are_taken_where_both_models_have_them(
    found: GanCgan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"GAN": tmp_path / "a.npz", "CGAN": tmp_path / "b.npz"}
    monkeypatch.setattr(found, "files", files)
    names = tuple(f"d{k}" for k in range(WIDTH))
    Directions(np.eye(WIDTH), "learned", names).save(files["GAN"])
    assert list(gan_cgan_directions._directions(found)) == ["random"]
    Directions(-np.eye(WIDTH)[:3], "learned").save(files["CGAN"])
    taken = gan_cgan_directions._directions(found)["learned"]
    assert len(taken["GAN"]) == gan_cgan_directions.FOLLOWED and len(taken["CGAN"]) == 3
    for name, vector in zip(taken["GAN"].names, taken["GAN"].vectors):
        assert vector[int(name[1:])] == 1


@pytest.mark.shipped
def test_models_that_do_not_fit_and_too_few_images_are_refused(
    subjects: Subjects, models: dict[str, dict[str, Graph]]
) -> None:
    with pytest.raises(InvalidInputError, match="at least 100"):
        compare_gan_cgan(subjects, size=20, **models)
    with pytest.raises(ModelNotFoundError, match="takes labels"):
        compare_gan_cgan(subjects, gan=models["cgan"], cgan=models["cgan"])
    assert compare.entry("gan-cgan").function == "compare_gan_cgan"


def test_style_goes_by_what_draws_it() -> None:
    """Bars that lean as the row says and are as thick as the column says."""
    codes = np.zeros((6, 5, 4), np.float32)
    codes[..., 0] = np.linspace(-5, 5, 6)[:, None]
    codes[..., 1] = np.linspace(-4, 8, 5)
    rows = {row["measure"]: row for row in style_rows(bars().images(codes))}
    assert rows["slant"]["code"] > 0.98 and rows["slant"]["code, of the rest"] > 0.98
    assert rows["stroke width"]["label"] > 0.95 > 0.05 > rows["stroke width"]["code"]
    sentence = style_sentence(list(rows.values()))
    assert sentence.startswith("Style stays with the code as the label changes, for slant")
    noise = np.random.default_rng(0).normal(0, 4, (6, 5)).astype(np.float32)
    codes[..., 0], codes[..., 1] = noise, noise.T.reshape(6, 5)
    assert style_sentence(style_rows(bars().images(codes))).startswith("Style does not stay")


@pytest.mark.parametrize(
    "low,high,verdict", [(0.0, 0.04, "holds"), (0.06, 0.2, "does not hold"), (0.0, 0.2, "is open")]
)
def test_the_claim_is_judged_by_the_whole_interval(low: float, high: float, verdict: str) -> None:
    assert style_only({"CGAN": 0.05, "CGAN_low": low, "CGAN_high": high}) == verdict
