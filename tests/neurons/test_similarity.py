import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.neurons import activations, cka, cka_chance, cka_matrix, class_similarity

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((20, 2, 3, 2))
Y = RANDOM.standard_normal((20, 7)) + X.reshape(20, -1)[:, :7]
LABELS = np.arange(20) % 4


def prepared(x, measure):
    rows = x.reshape(len(x), -1)
    if measure == "centred":
        return rows - rows.mean(axis=0)
    return rows - rows.mean(axis=1, keepdims=True) if measure == "correlation" else rows


@pytest.mark.parametrize("measure", ["centred", "correlation", "cosine"])
def test_against_a_loop_over_pairs(measure):
    (row,) = class_similarity({"x": X}, LABELS, measure=measure).to_dict("records")
    rows = prepared(X, measure)
    within, between = [], []
    for i in range(20):
        similar = {
            j: rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j])
            for j in range(20)
            if j != i
        }
        within.append(np.mean([v for j, v in similar.items() if LABELS[j] == LABELS[i]]))
        between.append(np.mean([v for j, v in similar.items() if LABELS[j] != LABELS[i]]))
    assert row["within"] == pytest.approx(np.mean(within))
    assert row["between"] == pytest.approx(np.mean(between))
    assert row["difference"] == pytest.approx(np.mean(within) - np.mean(between))
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]


def test_correlation_is_that_of_numpy():
    found = class_similarity({"x": X[:4]}, [0, 0, 1, 1], measure="correlation", permutations=0)
    expected = np.corrcoef(X[:4].reshape(4, -1))
    assert found["within"][0] == pytest.approx((expected[0, 1] + expected[2, 3]) / 2)


def test_planted_classes_are_found_and_meaningless_ones_are_not():
    planted = X + 3.0 * RANDOM.standard_normal((4, 2, 3, 2))[LABELS]
    found = class_similarity({"noise": X, "planted": planted}, LABELS, permutations=199)
    noise, real = found.to_dict("records")
    assert real["p_value"] == pytest.approx(1 / 200) and real["difference"] > 0.5
    assert abs(real["chance"]) < 0.05
    assert noise["difference"] < 0.15


def test_p_values_of_meaningless_labels_are_uniform():
    values = [
        class_similarity(
            {"x": np.random.default_rng(s).standard_normal((16, 5))}, LABELS[:16], permutations=39
        )["p_value"][0]
        for s in range(60)
    ]
    assert 0.35 < np.mean(values) < 0.65 and np.mean(np.array(values) <= 0.1) < 0.25


def test_activations_bring_their_labels(classifier, images, labels):
    found = activations(classifier.graph, images, ["conv_0", "features"], labels=labels)
    mine = class_similarity(found, permutations=5)
    assert list(mine["layer"]) == ["conv_0", "features"] and mine["samples"].eq(12).all()
    again = class_similarity(dict(found.values), labels, permutations=5)
    assert mine.equals(again)


def centred_hsic(a, b):
    n = len(a)
    h = np.eye(n) - np.ones((n, n)) / n
    return np.trace(a @ h @ b @ h) / (n - 1) ** 2


def unbiased_hsic(a, b):
    """Song et al. 2012, HSIC_1."""
    n = len(a)
    a, b = a - np.diag(np.diag(a)), b - np.diag(np.diag(b))
    one = np.ones(n)
    terms = np.trace(a @ b) + (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
    return (terms - 2 / (n - 2) * one @ a @ b @ one) / (n * (n - 3))


@pytest.mark.parametrize("debiased, hsic", [(False, centred_hsic), (True, unbiased_hsic)])
def test_cka_is_made_of_hsic(debiased, hsic):
    a, b = (v.reshape(20, -1) @ v.reshape(20, -1).T for v in (X, Y))
    expected = hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))
    assert cka(X, Y, debiased=debiased) == pytest.approx(expected)
    assert cka(Y, X, debiased=debiased) == pytest.approx(expected)


@pytest.mark.parametrize("debiased", [False, True])
def test_cka_does_not_see_rotation_shift_and_scale(debiased):
    flat = X.reshape(20, -1)
    rotation = np.linalg.qr(RANDOM.standard_normal((12, 12)))[0]
    assert cka(flat, 3.0 * flat @ rotation + 5.0, debiased=debiased) == pytest.approx(1.0)
    stretched = flat * np.geomspace(1, 100, 12)
    assert cka(flat, stretched, debiased=debiased) < 0.9


def test_unrelated_layers_of_many_neurons_look_alike_unless_debiased():
    pairs = [np.random.default_rng(s).standard_normal((2, 15, 400)) for s in range(20)]
    assert np.mean([cka(a, b) for a, b in pairs]) > 0.9
    assert abs(np.mean([cka(a, b, debiased=True) for a, b in pairs])) < 0.05
    a, b = pairs[0]
    assert cka_chance(a, a + 0.1 * b, debiased=True) < 0.3 < cka(a, a + 0.1 * b, debiased=True)


def test_the_matrix_holds_every_pair():
    frame = cka_matrix({"x": X, "y": Y}, {"y": Y, "z": X[..., :1], "x": X})
    assert list(frame.index) == ["x", "y"] and list(frame.columns) == ["y", "z", "x"]
    assert frame.loc["x", "z"] == pytest.approx(cka(X, X[..., :1]))
    square = cka_matrix({"x": X, "y": Y}, debiased=True)
    np.testing.assert_allclose(np.diagonal(square), 1.0)
    assert square.loc["x", "y"] == pytest.approx(square.loc["y", "x"])
    assert np.isnan(cka(X, np.ones((20, 3))))


def test_errors():
    with pytest.raises(InvalidInputError, match="at least four"):
        cka(X[:3], Y[:3])
    with pytest.raises(InvalidInputError, match="20 and 19"):
        cka(X, Y[:19])
    with pytest.raises(InvalidInputError, match="not finite"):
        cka(X, np.where(Y > 1, np.nan, Y))
    with pytest.raises(InvalidInputError, match="none"):
        cka_matrix({})
    with pytest.raises(UsageError, match="labels="):
        class_similarity({"x": X})
    with pytest.raises(UsageError, match="measure="):
        class_similarity({"x": X}, LABELS, measure="euclid")
    with pytest.raises(InvalidInputError, match="one sample"):
        class_similarity({"x": X}, [9, *LABELS[1:]])
    with pytest.raises(InvalidInputError, match="shape"):
        class_similarity({"x": X}, LABELS[:5])
