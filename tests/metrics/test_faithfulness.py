"""Against closed forms of linear models, and slow loops over a live model."""

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize_scalar

from benchmarks.metrics_on_linear import BIAS, models
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.metrics.faithfulness import (
    deletion,
    faithfulness_correlation,
    infidelity,
    insertion,
    pixel_flipping,
)
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.removal import random_subsets
from tfgenxai.targets import ClassLogit

SIDE, PLACES = 6, 36


@pytest.fixture(scope="module")
def linear():
    return models(8, SIDE, channels=2, seed=1)


@pytest.fixture(scope="module")
def asked(linear):
    return linear.graph, linear.inputs, linear.target


@pytest.fixture(scope="module")
def values(linear):
    """f of every sample."""
    return BIAS + linear.contributions.sum(axis=(1, 2))


@pytest.fixture(scope="module")
def convolution():
    keras.utils.set_random_seed(0)
    x = keras.Input((SIDE, SIDE, 2), name="image")
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(y)))


def test_curves_of_a_linear_model_are_sums_of_sorted_contributions(linear, asked, values):
    exact = linear.contributions
    falling = -np.sort(-exact.reshape(8, -1), axis=1)
    gone = np.concatenate([np.zeros((8, 1)), falling.cumsum(axis=1)], axis=1)
    kept = np.concatenate([np.zeros((8, 1)), falling[:, ::-1].cumsum(axis=1)], axis=1)
    removed = deletion(*asked, exact, steps=PLACES)
    np.testing.assert_allclose(removed.fractions, np.arange(PLACES + 1) / PLACES)
    np.testing.assert_allclose(removed.scores, values[:, None] - gone, atol=2e-5)
    added = insertion(*asked, exact, steps=PLACES)
    np.testing.assert_allclose(added.scores, BIAS + gone, atol=2e-5)
    flipped = pixel_flipping(*asked, exact, steps=PLACES)
    np.testing.assert_allclose(flipped.morf.scores, removed.scores)
    np.testing.assert_allclose(flipped.lerf.scores, values[:, None] - kept, atol=2e-5)
    np.testing.assert_allclose(flipped.scores, gone - kept, atol=4e-5)
    np.testing.assert_allclose(flipped.area, flipped.lerf.area - flipped.morf.area)


def test_area_gain_and_row(linear, asked):
    curve = deletion(*asked, linear.contributions, steps=7)
    widths = np.diff(curve.fractions)
    for scores, area in ((curve.scores, curve.area), (curve.control, curve.control_area)):
        expected = [sum(widths * (row[1:] + row[:-1]) / 2) for row in scores]
        np.testing.assert_allclose(area, expected, rtol=1e-12)
    np.testing.assert_allclose(curve.gain, curve.control_area - curve.area)
    assert (curve.gain > 0).all()
    row = curve.row()
    assert row["deletion"] == pytest.approx(curve.area.mean())
    assert row["deletion_control"] == pytest.approx(curve.control_area.mean())
    assert row["deletion_gain_low"] < row["deletion_gain"] < row["deletion_gain_high"]
    added = insertion(*asked, linear.contributions, steps=7)
    np.testing.assert_allclose(added.gain, added.area - added.control_area)
    assert (added.gain > 0).all()


def test_random_orders_remove_the_mean(linear, asked, values):
    exact = linear.contributions.reshape(8, -1)
    curve = deletion(*asked, linear.contributions, steps=4, controls=150)
    expected = values[:, None] - curve.fractions * exact.sum(axis=1, keepdims=True)
    size = curve.fractions * PLACES
    variance = size * (PLACES - size) / (PLACES - 1) * exact.var(axis=1)[:, None]
    assert (np.abs(curve.control - expected) <= 5 * np.sqrt(variance / 150) + 2e-5).all()


@pytest.mark.parametrize("what", ["random", "constant"])
def test_an_order_that_says_nothing_gains_nothing(what):
    # 20 intervals of 95 %: fewer than 16 hold the truth in one of 3,000 such tests.
    held = 0
    for seed in range(5):
        linear = models(40, SIDE, seed=10 + seed)
        asked = (linear.graph, linear.inputs, linear.target)
        shape = linear.contributions.shape
        maps = np.random.default_rng(seed).random(shape) if what == "random" else np.ones(shape)
        options = {"steps": 6, "controls": 2, "seed": seed}
        for metric in (deletion, insertion, pixel_flipping):
            held += not interval(metric(*asked, maps, **options).gain).apart_from(0.0)
        correlation = faithfulness_correlation(
            *asked, np.random.default_rng(seed).random(shape), runs=20, seed=seed
        )
        held += not interval(correlation).apart_from(0.0)
    assert held >= 16


@pytest.mark.parametrize("kind", ["number", "image", "images", "blur"])
def test_against_a_loop_over_a_live_model(convolution, kind):
    rng = np.random.default_rng(3)
    images = rng.random((3, SIDE, SIDE, 2), dtype=np.float32)
    labels = np.array([2, 0, 1])
    relevance = rng.standard_normal((3, SIDE, SIDE))
    given = {
        "number": 0.3,
        "image": rng.random((SIDE, SIDE, 2), dtype=np.float32),
        "images": rng.random(images.shape, dtype=np.float32),
        "blur": "blur",
    }[kind]
    graph = Graph.from_keras(convolution)
    target = ClassLogit(labels, output=next(iter(graph.outputs)))
    options = {"steps": 5, "baseline": given, "controls": 1}
    found = {
        False: deletion(graph, images, target, relevance, **options),
        True: insertion(graph, images, target, relevance, **options),
    }
    for n in range(3):
        if kind == "blur":
            base = np.stack([gaussian_filter(images[n, ..., c], 0.6) for c in (0, 1)], axis=-1)
        else:
            base = np.broadcast_to(given[n] if kind == "images" else given, images[n].shape)
        order = sorted(np.ndindex(SIDE, SIDE), key=lambda p, n=n: -relevance[n][p])
        for k, count in enumerate((0, 7, 14, 22, 29, 36)):
            assert found[False].fractions[k] == pytest.approx(count / PLACES)
            for insert, curve in found.items():
                changed = (base if insert else images[n]).copy()
                for y, x in order[:count]:
                    changed[y, x] = (images[n] if insert else base)[y, x]
                expected = convolution(changed[None].astype(np.float32)).numpy()[0, labels[n]]
                np.testing.assert_allclose(curve.scores[n, k], expected, rtol=1e-4, atol=1e-5)


def test_faithfulness_correlation(linear, asked, convolution):
    found = faithfulness_correlation(*asked, 3 * linear.contributions + 7)
    np.testing.assert_allclose(found, 1.0, atol=1e-6)
    found = faithfulness_correlation(*asked, -linear.contributions, subset=0.5)
    np.testing.assert_allclose(found, -1.0, atol=1e-6)
    for constant in (np.zeros((8, SIDE, SIDE)), np.full((8, SIDE, SIDE), 0.1)):
        assert np.isnan(faithfulness_correlation(*asked, constant)).all()
    rng = np.random.default_rng(4)
    images, relevance = rng.random((2, SIDE, SIDE, 2), np.float32), rng.random((2, SIDE, SIDE))
    graph = Graph.from_keras(convolution)
    target = ClassLogit(1, output=next(iter(graph.outputs)))
    options = {"runs": 12, "seed": 5, "baseline": 0.5}
    found = faithfulness_correlation(graph, images, target, relevance, subset=0.3, **options)
    subsets = random_subsets((2, PLACES), 0.3, 12, 5)
    for n in range(2):
        sums, falls = [], []
        for subset in subsets[n].reshape(12, SIDE, SIDE):
            changed = images[n].copy()
            changed[subset] = 0.5
            scores = convolution(np.stack([images[n], changed])).numpy()[:, 1]
            sums.append(relevance[n][subset].sum())
            falls.append(scores[0] - scores[1])
        np.testing.assert_allclose(found[n], np.corrcoef(sums, falls)[0, 1], atol=1e-4)


def test_subsets_have_one_size_and_every_place_comes_as_often():
    found = random_subsets((3, 20), 0.25, 4000, 6)
    assert (found.sum(axis=-1) == 5).all()
    share = found.mean(axis=1)
    assert np.abs(share - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 4000)
    np.testing.assert_array_equal(random_subsets((2, 20), 0.25, 4000, 6), found[:2])
    assert random_subsets((1, 4), 0.01, 2, 0).sum() == 2


def test_infidelity_of_the_exact_explanation_is_zero(linear, asked):
    found = infidelity(*asked, linear.contributions)
    np.testing.assert_allclose(found, 0.0, atol=1e-8)
    np.testing.assert_allclose(
        infidelity(*asked, 5 * linear.contributions, scaled=True), 0, atol=1e-8
    )
    noise = infidelity(*asked, linear.slopes, perturbation="noise", sigma=0.5)
    np.testing.assert_allclose(noise, 0.0, atol=1e-8)
    shifted = (linear.inputs["image"] - 0.4) * linear.inputs["weights"]
    np.testing.assert_allclose(infidelity(*asked, shifted, baseline=0.4), 0.0, atol=1e-8)


def test_infidelity_of_others_is_the_expected_square(linear, asked):
    relevance = np.random.default_rng(7).standard_normal((8, SIDE, SIDE))
    runs, draws = 60, range(10)

    def mean_and_error(**options):
        found = np.array(
            [infidelity(*asked, relevance, runs=runs, seed=s, **options) for s in draws]
        )
        return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(draws))

    error = (relevance - linear.contributions).reshape(8, -1)
    size = round(0.3 * PLACES)
    squares, square = (error**2).sum(axis=1), error.sum(axis=1) ** 2
    together = size * (size - 1) / (PLACES * (PLACES - 1))
    mean, deviation = mean_and_error(subset=0.3)
    # Student's t with 9 degrees of freedom: beyond 7 once in 30,000.
    assert (
        np.abs(mean - (size / PLACES * squares + together * (square - squares))) < 7 * deviation
    ).all()
    mean, deviation = mean_and_error(perturbation="noise", sigma=0.2)
    slopes = ((relevance - linear.slopes) ** 2).sum(axis=(1, 2))
    assert (np.abs(mean - 0.2**2 * slopes) < 7 * deviation).all()


def test_scaled_infidelity_is_the_least_over_all_factors(linear, asked):
    relevance = np.random.default_rng(8).standard_normal((8, SIDE, SIDE))
    found = infidelity(*asked, relevance, runs=10, scaled=True)
    np.testing.assert_allclose(infidelity(*asked, -4 * relevance, runs=10, scaled=True), found)
    for n in range(2):
        least = minimize_scalar(
            lambda factor, n=n: infidelity(*asked, factor * relevance, runs=10)[n],
            tol=1e-4,
            options={"maxiter": 12},
        )
        np.testing.assert_allclose(found[n], least.fun, rtol=1e-5)
    nothing = infidelity(*asked, 0 * relevance, runs=10)
    np.testing.assert_allclose(infidelity(*asked, 0 * relevance, runs=10, scaled=True), nothing)


def test_errors(linear, asked):
    exact = linear.contributions
    for options, says in (
        ({"steps": 0}, "steps="),
        ({"controls": 0}, "controls="),
        ({"baseline": "mean"}, "'blur'; not 'mean'"),
    ):
        with pytest.raises(UsageError, match=says):
            deletion(*asked, exact, **options)
    for baseline, says in ((np.zeros(3), "A baseline is"), (np.nan, "baseline holds NaN")):
        with pytest.raises(InvalidInputError, match=says):
            insertion(*asked, exact, baseline=baseline)
    with pytest.raises(InvalidInputError, match="7 maps of relevance for 8 samples"):
        pixel_flipping(*asked, exact[:7])
    with pytest.raises(UsageError, match="subset="):
        faithfulness_correlation(*asked, exact, subset=1.0)
    for options, says in (
        ({"runs": 1}, "runs="),
        ({"perturbation": "noise", "runs": 1}, "runs="),
        ({"perturbation": "noise", "sigma": 0.0}, "sigma="),
        ({"perturbation": "blur"}, "'baseline' or 'noise', not 'blur'"),
    ):
        with pytest.raises(UsageError, match=says):
            infidelity(*asked, exact, **options)
