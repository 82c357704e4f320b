import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.metrics_on_linear import models
from tfgenxai.attribution import GradientInput, SmoothGrad
from tfgenxai.attribution.base import CompiledMethod, Explanation
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.metrics.stability import max_sensitivity, seed_spread
from tfgenxai.targets import Output

SIDE = 5


@pytest.fixture(scope="module")
def linear():
    return models(6, SIDE, seed=2)


@pytest.fixture(scope="module")
def vectors():
    x = keras.Input((4,), name="x")
    return Graph.from_keras(keras.Model(x, keras.layers.Dense(1, name="y")(x)))


class Picture(CompiledMethod):
    """Gives the input back, and keeps what it was given."""

    name = "picture"

    def __init__(self, graph):
        super().__init__(graph)
        self.seen = []

    def kernel(self, explained):
        raise AssertionError

    def explain_batch(self, feeds, explained, start):
        self.seen.append(feeds.inputs[self.wrt])
        return Explanation(feeds.inputs[self.wrt][:, None])


def test_the_largest_change_among_neighbours(linear):
    method = Picture(linear.graph)
    found = max_sensitivity(method, linear.inputs, linear.target, radius=0.3, draws=5, seed=1)
    x, *neighbours = (each.reshape(6, -1) for each in method.seen)
    np.testing.assert_array_equal(x, linear.inputs["image"].reshape(6, -1))
    assert len(neighbours) == 5
    moved = np.stack(neighbours) - x
    assert 0.25 < np.abs(moved).max() <= 0.3 + 1e-6
    assert min(map(np.min, neighbours)) == 0.0 and max(map(np.max, neighbours)) == 1.0
    ratios = np.linalg.norm(moved, axis=-1) / np.linalg.norm(x, axis=-1)
    np.testing.assert_allclose(found, ratios.max(axis=0), rtol=1e-6)
    few = {name: values[:2] for name, values in linear.inputs.items()}
    again = max_sensitivity(method, few, linear.target, radius=0.3, draws=5, seed=1)
    np.testing.assert_allclose(again, found[:2], rtol=1e-6)


def test_what_is_no_image_may_leave_the_unit_interval(vectors):
    method = Picture(vectors)
    x = np.array([[0.0, 1.0, -3.0, 5.0], [0.0] * 4], np.float32)
    found = max_sensitivity(method, x, Output(next(iter(vectors.outputs)), 0), draws=20)
    seen = np.stack(method.seen)
    assert seen[1:, 0, 0].min() < 0 and seen[1:, 0, 1].max() > 1
    assert found[0] > 0 and np.isnan(found[1])


def test_gradient_times_input_of_a_linear_model_moves_with_the_weights(linear):
    found = max_sensitivity(
        GradientInput(linear.graph), linear.inputs, linear.target, radius=0.2, draws=3
    )
    x, w = (linear.inputs[name].reshape(6, -1) for name in ("image", "weights"))
    largest = 0.2 * np.linalg.norm(w, axis=1) / np.linalg.norm(x * w, axis=1)
    assert (found > 0.3 * largest).all() and (found <= largest).all()


def test_a_method_without_chance_has_no_spread(linear):
    found = seed_spread(
        lambda seed: GradientInput(linear.graph, seed=seed), linear.inputs, linear.target
    )
    np.testing.assert_allclose(found.correlation, 1.0)
    np.testing.assert_allclose(found.relative_std, 0.0)


class Drawn(Picture):
    """Maps given beforehand."""

    def __init__(self, graph, maps):
        super().__init__(graph)
        self.maps = maps

    def explain_batch(self, feeds, explained, start):
        return Explanation(self.maps[:, None])


def test_the_spread_against_a_loop(linear):
    maps = np.random.default_rng(3).standard_normal((4, 6, SIDE, SIDE, 1)).astype(np.float32)
    maps[2, 5] = 0.25
    maps[:, 4] = 0.0
    found = seed_spread(
        lambda seed: Drawn(linear.graph, maps[seed]), linear.inputs, linear.target, range(4)
    )
    for n in range(4):
        rows = maps[:, n].reshape(4, -1).astype(np.float64)
        pairs = [spearmanr(rows[i], rows[j]).statistic for i in range(4) for j in range(i)]
        np.testing.assert_allclose(found.correlation[n], np.mean(pairs), rtol=1e-9)
        variance = sum(((rows - rows.mean(axis=0)) ** 2).sum(axis=0)) / 3
        expected = np.sqrt(variance) / np.sqrt(sum(rows.mean(axis=0) ** 2))
        np.testing.assert_allclose(found.relative_std[n], expected, rtol=1e-9)
    assert np.isnan(found.correlation[4:]).all()
    assert np.isnan(found.relative_std[4]) and np.isfinite(found.relative_std[5])


def test_more_samples_spread_less():
    keras.utils.set_random_seed(1)
    x = keras.Input((SIDE, SIDE, 1), name="image")
    y = keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(x))
    graph = Graph.from_keras(keras.Model(x, keras.layers.Dense(1)(y)))
    images = np.random.default_rng(4).random((8, SIDE, SIDE, 1), dtype=np.float32)
    few, many = (
        seed_spread(
            lambda seed, count=count: SmoothGrad(graph, samples=count, seed=seed),
            images,
            Output(next(iter(graph.outputs)), 0),
        )
        for count in (4, 64)
    )
    assert 0 < many.relative_std.mean() < 0.5 * few.relative_std.mean()
    assert few.correlation.mean() < many.correlation.mean() < 1


def test_errors(linear):
    method = GradientInput(linear.graph)
    for options in ({"radius": 0.0}, {"draws": 0}):
        with pytest.raises(UsageError, match="radius= above 0 and draws="):
            max_sensitivity(method, linear.inputs, linear.target, **options)
    with pytest.raises(UsageError, match="two different seeds"):
        seed_spread(lambda _: method, linear.inputs, linear.target, [1, 1])
