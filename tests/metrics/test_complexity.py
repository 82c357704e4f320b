import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as scipy_entropy

from tfgenxai.metrics.complexity import entropy, gini

PLACES = 12


def test_extremes():
    single = np.zeros((1, 3, 4))
    single[0, 1, 2] = -5.0
    assert gini(single) == pytest.approx(1 - 1 / PLACES)
    assert entropy(single) == pytest.approx(0.0)
    even = np.full((1, 3, 4), -0.3)
    assert gini(even) == pytest.approx(0.0, abs=1e-12)
    assert entropy(even) == pytest.approx(np.log(PLACES))
    assert np.isnan(gini(0 * even)) and np.isnan(entropy(0 * even))


@settings(max_examples=15, deadline=None)
@given(arrays(np.float64, PLACES, elements=st.floats(-10, 10)))
def test_against_the_mean_difference_of_all_pairs(row):
    sizes = np.abs(row)
    if sizes.sum() < 1e-6:
        return
    differences = np.abs(sizes[:, None] - sizes).mean()
    assert gini(row[None])[0] == pytest.approx(differences / (2 * sizes.mean()), abs=1e-9)
    assert entropy(row[None])[0] == pytest.approx(scipy_entropy(sizes), abs=1e-9)


def test_a_scale_or_an_order_changes_nothing():
    row = np.random.default_rng(0).standard_normal((3, PLACES))
    for metric in (gini, entropy):
        np.testing.assert_allclose(metric(-7 * row[:, ::-1]), metric(row), rtol=1e-12)
