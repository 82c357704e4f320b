"""Categories against labels, nearest neighbours, and bits: by brute force and closed forms."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.codes import (
    category_information,
    continuous_information,
    hungarian_accuracy,
    one_nn_accuracy,
)

SAMPLES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30, unique=False
)


@settings(max_examples=15, deadline=None)
@given(SAMPLES)
def test_no_renaming_of_four_classes_hits_more(pairs):
    votes, labels = np.array(pairs).T
    found = hungarian_accuracy(votes, labels, categories=4, classes=4)
    best = max(np.mean(np.array(names)[votes] == labels) for names in permutations(range(4)))
    assert found.accuracy.mean == pytest.approx(best)
    assert sorted(found.label_of) == [0, 1, 2, 3]
    assert found.accuracy.mean == pytest.approx(np.mean(found.label_of[votes] == labels))
    assert found.accuracy.low <= found.accuracy.mean <= found.accuracy.high


def test_renamed_labels_are_found_again():
    labels = np.random.default_rng(0).integers(0, 5, 200)
    names = np.array([3, 0, 4, 1, 2])
    found = hungarian_accuracy(names[labels], labels)
    assert found.row() == pytest.approx(
        {"accuracy": 1, "accuracy_low": 1, "accuracy_high": 1, "nmi": 1, "ari": 1}
    )
    np.testing.assert_array_equal(found.label_of[names], np.arange(5))
    np.testing.assert_array_equal(found.confusion.sum(axis=0), np.bincount(labels))


def test_votes_that_know_nothing_agree_by_chance():
    rng = np.random.default_rng(1)
    found = hungarian_accuracy(rng.integers(0, 10, 5000), rng.integers(0, 10, 5000))
    assert 0.10 < found.accuracy.mean < 0.13  # the best of many matchings, so above a tenth
    assert abs(found.ari) < 0.005 and found.nmi < 0.01


def test_categories_that_are_left_over_miss():
    found = hungarian_accuracy([0, 0, 1, 1, 1, 2], [0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(found.label_of, [0, 1, -1])
    assert found.accuracy.mean == pytest.approx(5 / 6)
    np.testing.assert_array_equal(found.confusion, [[2, 0], [0, 3], [0, 1]])


@pytest.mark.parametrize(
    ("votes", "labels", "says"),
    [
        ([0, 1], [0], "do not fit"),
        ([0.5, 1], [0, 1], "whole numbers"),
        ([], [], "whole numbers"),
        ([-1, 0], [0, 1], "run from 0"),
    ],
)
def test_other_votes_are_refused(votes, labels, says):
    with pytest.raises(InvalidInputError, match=says):
        hungarian_accuracy(votes, labels)


def test_the_nearest_code_is_the_nearest():
    rng = np.random.default_rng(2)
    known, test = rng.normal(size=(70, 3, 2)), rng.normal(size=(40, 3, 2))
    labels, own = rng.integers(0, 3, 70), rng.integers(0, 3, 40)
    hits = []
    for code, label in zip(test, own, strict=True):
        distances = [np.sum((code - each) ** 2) for each in known]
        hits.append(labels[int(np.argmin(distances))] == label)
    found = one_nn_accuracy(known, labels, test, own)
    assert found.mean == pytest.approx(np.mean(hits)) and found.count == 40
    assert one_nn_accuracy(known, labels, known, labels).mean == 1


def test_codes_of_two_encoders_are_refused():
    codes, labels = np.zeros((4, 2)), np.arange(4)
    with pytest.raises(InvalidInputError, match="from one encoder"):
        one_nn_accuracy(codes, labels, np.zeros((4, 3)), labels)
    with pytest.raises(InvalidInputError, match="as many labels"):
        one_nn_accuracy(codes, labels[:3], codes, labels)
    with pytest.raises(InvalidInputError, match="NaN"):
        one_nn_accuracy(codes * np.nan, labels, codes, labels)


def test_the_bound_is_the_information_of_a_noisy_channel():
    """The category is seen as it is, or (one time in three) as any: Q is the exact posterior."""
    classes, noise, count = 5, 1 / 3, 6_000
    rng = np.random.default_rng(3)
    category = rng.integers(0, classes, count)
    seen = np.where(rng.random(count) < noise, rng.integers(0, classes, count), category)
    channel = noise / classes + (1 - noise) * np.eye(classes)
    exact = np.log(classes) - stats.entropy(channel[0])
    found = category_information(np.log(channel)[seen], category)
    assert found.low < exact < found.high and found.high - found.low < 0.1
    # A Q that knows nothing says nothing, and one that is sure of the wrong is worse.
    assert category_information(np.zeros((50, 5)), category[:50]).mean == pytest.approx(0)
    assert category_information(-9 * np.eye(5)[category[:50]], category[:50]).mean < 0
    sure = category_information(90 * np.eye(5)[category[:50]], category[:50])
    assert sure.mean == pytest.approx(np.log(5))


def test_the_bound_of_continuous_codes_is_below_their_information():
    """c ~ U(-1, 1) seen with Gaussian noise: the information by numerical integration."""
    rng = np.random.default_rng(4)
    codes = rng.uniform(-1, 1, (20_000, 2)).astype(np.float32)
    spread = 0.2
    seen = codes[:, :1] + spread * rng.standard_normal((20_000, 1))
    places = np.linspace(-2.5, 2.5, 2001)
    density = (stats.norm.cdf((1 - places) / spread) - stats.norm.cdf((-1 - places) / spread)) / 2
    entropy = -np.trapezoid(density * np.log(np.maximum(density, 1e-300)), places)
    exact = entropy - stats.norm(scale=spread).entropy()
    found = continuous_information(codes, np.hstack([seen, np.zeros_like(seen)]))
    told = np.log(2) - stats.norm(scale=spread).entropy()
    assert found[0] == pytest.approx(told, abs=0.02)
    # Q takes what is seen for the code; the posterior, near the ends, knows better.
    assert found[0] < exact
    # Of a code that Q always calls 0, the Gaussian with the prior's variance knows less than none.
    assert found[1] == pytest.approx(np.log(2) - stats.norm(scale=3**-0.5).entropy(), abs=0.01)


def test_bits_of_what_does_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match="as many categories"):
        category_information(np.zeros((3, 2)), [0, 1])
    with pytest.raises(InvalidInputError, match="finite numbers"):
        category_information(np.full((2, 2), np.nan), [0, 1])
    with pytest.raises(InvalidInputError, match="run from 0 to 1"):
        category_information(np.zeros((2, 2)), [0, 2])
    with pytest.raises(InvalidInputError, match="one shape"):
        continuous_information(np.zeros((3, 2)), np.zeros((3, 1)))
