"""The four conclusions: numbers by other roads, and verdicts that follow them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.conclusions import compare_conclusions
from tfgenxai.compare.study import Conclusion, common
from tfgenxai.compare.subjects import Subjects
from tfgenxai.errors import UsageError
from tfgenxai.latent import knn_hits

SIZE = 200


@pytest.fixture(scope="module")
def found(subjects: Subjects) -> Comparison:
    return compare_conclusions(subjects, size=SIZE, progress=False)


@pytest.mark.slow
@pytest.mark.shipped
def test_every_conclusion_has_a_verdict_and_a_control(found: Comparison) -> None:
    frame = found.frames["conclusions"]
    assert frame["conclusion"].nunique() == 4 and len(frame) == len(found.findings) == 12
    assert set(frame["verdict"]) <= {"agrees", "does not agree"}
    assert (frame["control"].str.len() > 0).all()
    # Noise that the generator starts from cannot be organised by digit.
    about_gan = frame[frame["model"] == "GAN"].set_index("conclusion")["verdict"]
    assert set(about_gan) == {"does not agree"}


@pytest.mark.slow
@pytest.mark.shipped
def test_accuracy_of_neighbours_is_what_a_slow_loop_finds(
    found: Comparison, subjects: Subjects
) -> None:
    means = subjects.vae["encode"].function("image", "mean")(subjects.images(SIZE)).numpy()
    labels = subjects.labels(SIZE)
    hits = slow_hits(means, labels)
    rows = found.frames["representations"].set_index("codes")
    assert rows.loc["VAE means", "accuracy"] == pytest.approx(np.mean(hits), abs=0.011)


@pytest.mark.slow
@pytest.mark.shipped
def test_the_example_runs(
    found: Comparison, run_example: Callable[[str, Comparison], list[str]]
) -> None:
    assert sum("agree" in line for line in run_example("conclusions", found)) >= 12


def slow_hits(codes: np.ndarray, labels: np.ndarray) -> list[bool]:
    """Five folds and five neighbours, one code at a time."""
    from sklearn.model_selection import KFold

    hits = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(codes):
        for place in test:
            distances = np.sum((codes[train] - codes[place]) ** 2, axis=1)
            near = labels[train][np.argsort(distances)[:5]]
            hits.append(bool(np.bincount(near).argmax() == labels[place]))
    return hits


def test_neighbours_know_separate_clusters_and_guess_on_noise() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    assert knn_hits(labels[:, None] + 0.01 * rng.normal(size=(200, 2)), labels).all()
    assert knn_hits(rng.normal(size=(200, 2)), labels).mean() < 0.45


def test_classes_of_few_samples_are_left_out() -> None:
    labels = np.array([3] * 5 + [7] * 4 + [1] * 6)
    np.testing.assert_array_equal(np.unique(labels[common(labels)]), [1, 3])


@pytest.mark.parametrize(("agrees", "word"), [(True, "agrees"), (False, "does not agree")])
def test_a_conclusion_in_words(agrees: bool, word: str) -> None:
    made = Conclusion("Digits cluster", "VAE", "Silhouette 0.1", "0 without", agrees, "above 0")
    assert made.sentence() == (
        f"*Digits cluster* (VAE): **{word}**. Silhouette 0.1; for comparison 0 without."
    )
    row: dict[str, Any] = made.row()
    assert row["verdict"] == word and "agrees" not in row


@pytest.mark.shipped
def test_too_few_images_are_refused(subjects: Subjects) -> None:
    with pytest.raises(UsageError, match="at least 200"):
        compare_conclusions(subjects, size=50)
