from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.agreement import agreement, agreement_matrix, similarities


@pytest.fixture(scope="module")
def maps():
    rng = np.random.default_rng(0)
    first = rng.standard_normal((6, 12, 10))
    return {
        "a": first,
        "b": first + rng.standard_normal(first.shape),
        "c": rng.standard_normal((6, 12, 10, 2)),
    }


def test_against_the_libraries_and_sets(maps):
    a, b = maps["a"], maps["b"]
    found = similarities(a, b, top=0.25)
    for n in range(len(a)):
        grey = [0.5 + 0.5 * each[n] / np.abs(each[n]).max() for each in (a, b)]
        sizes = [np.abs(each[n]) / np.abs(each[n]).max() for each in (a, b)]
        sets = [set(np.argsort(each[n].ravel())[-30:]) for each in (a, b)]
        expected = {
            "spearman": spearmanr(a[n].ravel(), b[n].ravel()).statistic,
            "ssim": structural_similarity(*grey, data_range=1.0),
            "iou": len(sets[0] & sets[1]) / len(sets[0] | sets[1]),
        }
        for measure, value in expected.items():
            np.testing.assert_allclose(found[measure][n], value, rtol=1e-9)
        expected = structural_similarity(*sizes, data_range=1.0)
        np.testing.assert_allclose(similarities(a, b, absolute=True)["ssim"][n], expected)


def test_the_same_map_and_its_opposite(maps):
    same = similarities(maps["a"], 3 * maps["a"])
    opposite = similarities(maps["a"], -maps["a"])
    sizes = similarities(maps["a"], -maps["a"], absolute=True)
    for measure in ("spearman", "ssim", "iou"):
        np.testing.assert_allclose(same[measure], 1.0, rtol=1e-9)
        np.testing.assert_allclose(sizes[measure], 1.0, rtol=1e-9)
    assert (opposite["ssim"] < 0).all() and (opposite["iou"] == 0).all()
    np.testing.assert_allclose(opposite["spearman"], -1.0, rtol=1e-9)


def test_places_that_are_equal_agree_by_chance_only():
    rng = np.random.default_rng(1)
    first = np.zeros((200, 50))
    first[:, 0] = 1.0
    second = np.zeros((200, 50))
    second[:, 1] = 1.0
    # Each of the tops of 5 has a place of its own; 4 more are drawn from the other 49.
    found = similarities(first, second, top=0.1)["iou"]
    drawn = []
    for _ in range(1000):
        one = {0, *(1 + rng.choice(49, 4, replace=False))}
        two = {1, *np.delete(np.arange(50), 1)[rng.choice(49, 4, replace=False)]}
        drawn.append(len(one & two) / len(one | two))
    error = np.hypot(np.std(found) / np.sqrt(200), np.std(drawn) / np.sqrt(1000))
    assert abs(found.mean() - np.mean(drawn)) < 4 * error
    assert np.isnan(similarities(first, second)["ssim"]).all()


def test_the_table_and_its_matrix(maps):
    frame = agreement(maps, top=0.2, seed=3)
    assert [*zip(frame["first"], frame["second"])] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (frame.samples == 6).all()
    pair = similarities(maps["a"], maps["c"].sum(axis=-1), top=0.2, seed=3)
    for measure in ("spearman", "ssim", "iou"):
        row = frame.iloc[1]
        assert row[measure] == pytest.approx(pair[measure].mean())
        assert row[f"{measure}_low"] <= row[measure] <= row[f"{measure}_high"]
        matrix = agreement_matrix(frame, measure)
        assert [*matrix.index] == [*matrix.columns] == ["a", "b", "c"]
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diag(matrix), 1.0)
        assert matrix.loc["c", "a"] == row[measure]


def test_chance_is_the_mean_over_all_pairs_of_sets():
    first, second = np.random.default_rng(2).standard_normal((2, 1, 8))
    row = agreement({"a": first, "b": second}, top=3 / 8).iloc[0]
    sets = [set(each) for each in combinations(range(8), 3)]
    expected = np.mean([len(p & q) / len(p | q) for p in sets for q in sets])
    assert row.iou_chance == pytest.approx(expected)
    assert np.isnan(row.ssim) and np.isnan(row.ssim_low)


def test_small_and_empty_maps():
    small = np.random.default_rng(4).standard_normal((1, 4, 6))
    scaled = 0.5 * small[0] / np.abs(small).max()
    expected = structural_similarity(0.5 + scaled, 0.5 - scaled, win_size=3, data_range=1.0)
    assert similarities(small, -small)["ssim"][0] == pytest.approx(expected)
    assert np.isnan(similarities(small, 0 * small)["ssim"][0])


def test_errors(maps):
    with pytest.raises(UsageError, match="two or more"):
        agreement({"a": maps["a"]})
    with pytest.raises(InvalidInputError, match="cannot be compared"):
        agreement({"a": maps["a"], "b": maps["b"][:3]})
    with pytest.raises(UsageError, match="top="):
        similarities(maps["a"], maps["b"], top=1.0)
    with pytest.raises(UsageError, match="not 'pearson'"):
        agreement_matrix(agreement(maps), "pearson")
