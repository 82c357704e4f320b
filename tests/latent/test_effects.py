"""Effect sizes against SciPy's tests, which are built from the same sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent import carriers, cohens_d, effect_sizes, eta_squared

RANDOM = np.random.default_rng(0)
GROUPS = 4
LABELS = RANDOM.integers(0, GROUPS, 90)
CODES = RANDOM.normal(size=(90, 5)) + np.outer(LABELS == 2, [0, 0, 3, 0, 0])


def members_of(labels: np.ndarray) -> list[np.ndarray]:
    return [labels == k for k in range(GROUPS)]


def test_eta_squared_is_that_of_the_analysis_of_variance():
    members, rows = members_of(LABELS), len(CODES)
    for found, column in zip(eta_squared(CODES, LABELS), CODES.T, strict=True):
        f = stats.f_oneway(*(column[one] for one in members)).statistic
        assert found == pytest.approx(f * (GROUPS - 1) / (f * (GROUPS - 1) + rows - GROUPS))


def test_cohens_d_is_that_of_the_t_test():
    found = cohens_d(CODES, LABELS)
    for k, members in enumerate(members_of(LABELS)):
        inside, rest = CODES[members], CODES[~members]
        t = stats.ttest_ind(inside, rest).statistic
        np.testing.assert_allclose(found[k], t * np.sqrt(1 / len(inside) + 1 / len(rest)))


def test_the_planted_dimension_is_found_and_named():
    frame = effect_sizes(CODES, LABELS, ["a", "b", "c", "d"])
    first = frame.iloc[0]
    assert (first["dimension"], first["strongest_class"]) == (2, "c")
    assert first["cohens_d"] == first["d_c"] > 2
    assert frame["eta_squared"].is_monotonic_decreasing and len(frame) == 5
    found = carriers(CODES, LABELS).set_index("class")
    assert found.loc["2", "dimension"] == 2
    assert found.loc["2", "cohens_d"] == pytest.approx(cohens_d(CODES, LABELS)[2, 2])


def test_a_dimension_that_never_varies_tells_nothing():
    codes = CODES.copy()
    codes[:, 1] = 7.0
    assert eta_squared(codes, LABELS)[1] == 0
    np.testing.assert_array_equal(cohens_d(codes, LABELS)[:, 1], 0)
    codes[:, 1] = LABELS
    assert eta_squared(codes, LABELS)[1] == pytest.approx(1)


def test_a_class_of_one_code_is_left_out_of_the_frames():
    labels = LABELS.copy()
    labels[0] = 9
    with pytest.raises(InvalidInputError, match="Class 9"):
        cohens_d(CODES, labels)
    assert "d_9" not in effect_sizes(CODES, labels)
    assert list(carriers(CODES, labels)["class"]) == ["0", "1", "2", "3"]
    np.testing.assert_allclose(
        carriers(CODES, labels)["cohens_d"], carriers(CODES[1:], LABELS[1:])["cohens_d"]
    )


def test_one_class_is_refused():
    with pytest.raises(InvalidInputError, match="at least two classes"):
        eta_squared(CODES, np.zeros(90, int))
