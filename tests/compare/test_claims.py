"""Verdicts follow the numbers, whichever way these point."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.compare.claims import (
    FEWEST,
    Claim,
    claim_rows,
    judge,
    measure_rows,
    number,
    outcome,
    settled,
    spoken,
    summed_up,
)
from tfgenxai.metrics.intervals import interval

CLAIM = Claim("Cats are heavier than dogs", "kg", "cat", "dog")
LABELS = {"kg": "weight, kg", "age": "years"}


def weighed(cats: list[float], dogs: list[float]) -> dict[str, dict[str, np.ndarray]]:
    return {"cat": {"kg": np.array(cats)}, "dog": {"kg": np.array(dogs)}}


def test_a_claim_holds_or_is_turned_round_with_the_numbers() -> None:
    heavy, light = [5.0, 6.0, 7.0, 5.5, 6.5, 8.0], [1.0, 2.0, 2.5, 1.5, 1.0, 2.0]
    right = judge(CLAIM, {"town": weighed(heavy, light)})
    wrong = judge(CLAIM, {"town": weighed(light, heavy)})
    assert (right.verdict, wrong.verdict) == ("holds", "the other way round")
    assert right.means["town"] == pytest.approx((38 / 6, 10 / 6))
    assert right.differences["town"].mean == pytest.approx(28 / 6)
    text = wrong.sentence(LABELS["kg"])
    assert text == (
        "*Cats are heavier than dogs*: **the other way round**. Weight, kg. "
        "cat against dog: town 1.67 against 6.33."
    )
    assert "cat 1.67, dog 6.33, difference -4.67 [" in wrong.evidence
    assert "n = 6" in wrong.evidence


def test_differences_are_of_pairs() -> None:
    """Animals differ more than the kinds do; each cat is heavier than its dog all the same."""
    dogs = np.array([1.0, 10.0, 100.0, 1000.0, 50.0, 5.0, 500.0])
    cats = dogs + np.array([0.5, 0.6, 0.4, 0.5, 0.7, 0.5, 0.5])
    assert judge(CLAIM, {"town": weighed(list(cats), list(dogs))}).verdict == "holds"


@pytest.mark.parametrize(
    "differences", [[-1.0, 1.0] * 10, [0.0] * 10, [1.0] * (FEWEST - 1)], ids=["zero", "same", "few"]
)
def test_what_chance_may_have_done_is_not_settled(differences: list[float]) -> None:
    assert outcome(interval(differences)) == "not settled"


def test_verdicts_of_several_cases_name_them() -> None:
    assert settled({"a": "holds", "b": "holds"}) == "holds"
    mixed = settled({"a": "holds", "b": "not settled", "c": "the other way round", "d": "holds"})
    assert mixed == "holds on a and d; not settled on b; the other way round on c"
    assert settled({}) == "not measured"


def test_samples_that_a_measure_leaves_out_are_no_evidence() -> None:
    cats, dogs = [np.nan, *[3.0] * 6], [1.0, *[2.0] * 5, np.nan]
    found = judge(CLAIM, {"town": weighed(cats, dogs), "moon": {"cat": {"kg": np.ones(9)}}})
    assert found.differences["town"].count == 5 and found.means == {"town": (3.0, 2.0)}
    assert found.verdict == "not settled" and list(found.outcomes) == ["town"]


def test_tables_have_the_means_and_what_is_missing_is_missing() -> None:
    measures = {"town": {**weighed([1.0, 3.0], [2.0, 2.0]), "crow": {"age": np.array([np.nan])}}}
    (row,) = measure_rows(measures, LABELS, ["kg", "age"])
    assert (row["case"], row["measure"], row["samples"]) == ("town", "weight, kg", 2)
    assert row["cat_mean"] == 2.0 and row["cat_low"] <= 2.0 <= row["cat_high"]
    assert row["dog"] == "2 [2, 2]" and "crow" not in row
    (claim,) = claim_rows([judge(CLAIM, measures)], LABELS)
    assert claim["claim"] == CLAIM.text and claim["verdict here"] == "not settled"


def test_numbers_in_words() -> None:
    assert [number(v) for v in (0.012345, 12.345, 2088.0)] == ["0.0123", "12.3", "2,088"]
    measures = {"town": weighed([1.0], [2.0]), "moon": {"cat": {"kg": np.array([1500.0])}}}
    assert spoken(measures, "kg") == "town cat 1, dog 2; moon 1,500"
    assert spoken(measures, "age") == "not measured"


def test_summed_up_counts_the_verdicts() -> None:
    heavy, light = [5.0, 6.0, 7.0, 5.5, 6.5, 8.0], [1.0, 2.0, 2.5, 1.5, 1.0, 2.0]
    right = judge(CLAIM, {"town": weighed(heavy, light)})
    wrong = judge(CLAIM, {"town": weighed(light, heavy)})
    mixed = judge(CLAIM, {"town": weighed(heavy, light), "farm": weighed(light, heavy)})
    assert summed_up([right, wrong, wrong, mixed]) == (
        "of 4 common claims, 1 holds in every case, 2 are the other way round, and 1 depends on "
        "the case or is not settled."
    )
