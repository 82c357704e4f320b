"""Attacks against explanations: parts against closed forms, and the whole on the shipped models."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from tfgenxai.attacks import Adversarial
from tfgenxai.compare import attacks_agreement, attacks_restricted, attacks_words
from tfgenxai.compare.attacks import Attacks, compare_attacks
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import InvalidInputError

METHODS = ("saliency", "grad_cam")


def test_likeness_with_itself_with_another_and_by_chance() -> None:
    rng = np.random.default_rng(7)
    sizes = rng.random((8, 10, 10))
    other = np.roll(np.arange(8), 1)
    row = attacks_agreement.likeness(sizes, 5 * sizes[:6], other, 0)
    assert row["images"] == 6 and row["spearman"] == pytest.approx(1) and row["iou"] == 1
    expected = [spearmanr(sizes[n].ravel(), sizes[n - 1].ravel()).statistic for n in range(6)]
    assert row["spearman_other"] == pytest.approx(np.mean(expected))
    assert row["spearman_gain"] == pytest.approx(1 - np.mean(expected))
    assert abs(row["spearman_random"]) < 0.15
    drawn = [
        np.intersect1d(*(rng.choice(100, 10, replace=False) for _ in range(2))).size
        for _ in range(4000)
    ]
    overlaps = np.array(drawn) / (20 - np.array(drawn))
    assert abs(row["iou_chance"] - overlaps.mean()) < 4 * overlaps.std() / np.sqrt(4000)


class Stub:
    """What the parts read of a material."""

    def __init__(self, weights: np.ndarray) -> None:
        count = len(weights)
        self.images = np.zeros((count, *weights.shape[1:], 1), np.float32)
        self.labels = np.arange(count) % 2
        self.sizes = {"sum": weights}
        self.maps = {"same": weights[: count // 2], "opposite": -weights}


def test_success_is_that_of_the_first_pixels_of_each_order() -> None:
    """An attack that succeeds if the weights that it may use reach a half of all."""
    rng = np.random.default_rng(1)
    weights = rng.random((40, 5, 6)) ** 6

    def confined(masks: np.ndarray, rows: slice) -> np.ndarray:
        used, whole = (np.sum(each, axis=(1, 2)) for each in (weights[rows] * masks, weights[rows]))
        return used > 0.5 * whole

    found = attacks_restricted.successes(Stub(weights), "sum", confined, (3, 15), 0)  # type: ignore[arg-type]
    ordered = np.sort(weights.reshape(40, -1), axis=1)[:, ::-1]
    for place, count in enumerate((3, 15)):
        best = ordered[:, :count].sum(axis=1) > 0.5 * ordered.sum(axis=1)
        np.testing.assert_array_equal(found["own"][:, place], best)
        np.testing.assert_array_equal(found["same"][:, place], best[:20])
        firsts = np.argsort(-weights.reshape(40, -1), axis=1)[:, :count]
        used = np.take_along_axis(weights.reshape(40, -1), np.roll(firsts, -1, axis=0), axis=1)
        expected = used.sum(axis=1) > 0.5 * ordered.sum(axis=1)
        np.testing.assert_array_equal(found["another digit's"][:, place], expected)
        least = ordered[:, -count:].sum(axis=1) > 0.5 * ordered.sum(axis=1)
        np.testing.assert_array_equal(found["opposite"][:, place], least)
    assert 0.1 < found["random"][:, 1].mean() < 0.9  # half of the pixels
    rows = attacks_restricted.rows_of("sum", found, (3, 15))
    same = next(row for row in rows if (row["order"], row["pixels"]) == ("same", 15))
    gain = found["same"][:, 1] - found["random"][:20, 1]
    assert same["gain"] == pytest.approx(gain.mean()) and same["images"] == 20
    gain = found["same"][:, 1] - found["another digit's"][:20, 1]
    assert same["gain_other"] == pytest.approx(gain.mean())


def agreement_rows(value: float) -> list[dict[str, Any]]:
    return [
        {
            **{"attack": "pgd", "method": method, "spearman": value, "spearman_other": 0.1},
            **{"iou": 0.2, "iou_chance": 0.05, "spearman_gain_low": value - 0.2},
            "spearman_low": value - 0.1,
        }
        for method in METHODS
    ]


@pytest.mark.parametrize(
    ("value", "word"), [(0.0, "No:"), (0.2, "Weakly:"), (0.5, "In part:"), (0.9, "Largely:")]
)
def test_the_first_sentence_follows_the_correlations(value: float, word: str) -> None:
    sentence = attacks_words._ranks(agreement_rows(value))
    assert sentence.startswith(word) and f"is {value:.2f}" in sentence
    assert f"{2 * (value > 0.2)} pairs agree surely, and more" in sentence


def test_the_second_sentence_follows_the_confined_attack() -> None:
    def row(order: str, success: float, low: float, other: float = 0.1) -> dict[str, Any]:
        return {"order": order, "success": success, "gain_low": low, "gain_other_low": other}

    ends = [row("random", 0.1, 0.0), row("own", 0.8, 0.6), row("another digit's", 0.3, 0.1)]
    both = [row("saliency", 0.5, 0.3), row("grad_cam", 0.05, -0.2)]
    sentence = attacks_words._use([*ends, *both])
    assert "5 % (grad_cam) to 50 % (saliency)" in sentence
    assert sentence.endswith("surely worth more than both controls are the marks of saliency.")
    assert "no explanation's marks" in attacks_words._use([*ends, both[1]])
    placed = row("saliency", 0.3, 0.2, -0.1)  # no more than where digits lie
    assert "no explanation's marks" in attacks_words._use([*ends, placed])


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Attacks:
    few = dataclasses.replace(subjects, data=subjects.data[:10])
    return compare_attacks(few, size=10, progress=False, methods=METHODS)


@pytest.mark.shipped
def test_the_page_holds_what_the_attacks_made(found: Attacks, tmp_path: Any) -> None:
    table = found.frames["attacks"].set_index("attack")
    logits = found.material.victim.graph.function("image", "logits")
    for name, made in found.material.found.items():
        assert isinstance(made, Adversarial)
        votes = logits(made.adversarial).numpy().argmax(axis=1)
        assert table.loc[name, "success"] == np.mean(votes != found.material.seen)
        assert made.adversarial.min() >= 0 and made.adversarial.max() <= 1
    assert table.loc["pgd", "success"] >= table.loc["fgsm", "success"]
    assert table.loc["pgd", "linf"] <= 0.3 + 1e-6 and table.loc["pgd-l2", "l2"] <= 2 + 1e-5
    ties = found.frames["ties"].set_index("attack")["of_these_as_far_as_any"]
    assert ties["fgsm"] > 0.8 > 0.1 > ties["deepfool"]
    agreement = found.frames["agreement"]
    assert len(agreement) == len(found.material.sizes) * len(METHODS)
    assert found.save(tmp_path).exists()


@pytest.mark.shipped
def test_confined_attacks_against_plain_numpy(found: Attacks) -> None:
    """FGSM and the universal perturbation on the pixels of largest saliency."""
    material = found.material
    rows = found.frames["restricted"].set_index(["attack", "order", "pixels"])["success"]
    maps = material.maps["saliency"].reshape(10, -1)
    mask = np.zeros_like(maps, bool)
    np.put_along_axis(mask, np.argsort(-maps, axis=1)[:, :200], True, axis=1)
    mask = mask.reshape(material.images.shape)
    logits = material.victim.graph.function("image", "logits")
    slopes = material.victim.slope(material.images, material.seen)
    for name, added in (("fgsm", 0.3 * np.sign(slopes)), ("universal", material.universal)):
        x = np.clip(material.images + np.where(mask, added, 0), 0, 1).astype(np.float32)
        votes = logits(x).numpy().argmax(axis=1)
        assert rows[name, "saliency", 200] == pytest.approx(np.mean(votes != material.seen))


@pytest.mark.shipped
def test_the_vae_is_led_nearer_and_the_answer_closes_the_findings(found: Attacks) -> None:
    table = found.frames["vae-attacks"].set_index("attack")
    assert (table["closed_low"] > 0).all() and (table["l2"] <= 3 + 1e-4).all()
    confined = found.frames["vae-agreement"].set_index("method")["closed"]
    assert confined["own"] > confined["random"]
    assert found.findings[-2:] == found.results["answer"] and found.headline == found.findings[-2]


@pytest.mark.shipped
def test_too_few_images_are_refused(subjects: Subjects) -> None:
    with pytest.raises(InvalidInputError, match="at least 10"):
        compare_attacks(subjects, size=9, progress=False)
