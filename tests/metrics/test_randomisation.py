import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from tfgenxai.attribution import GradientInput, Saliency
from tfgenxai.attribution.base import CompiledMethod
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.metrics.randomisation import (
    cascade,
    map_likeness,
    randomised,
    rank_correlation,
    weighted_layers,
)
from tfgenxai.targets import Output


@pytest.fixture(scope="module")
def graph():
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 1), name="image")
    y = keras.layers.Conv2D(6, 3, name="first", bias_initializer="ones")(x)
    y = keras.layers.BatchNormalization(name="bn", moving_mean_initializer="ones")(y)
    y = keras.layers.Flatten()(keras.layers.ReLU()(y))
    side = keras.layers.Dense(2, name="side")(y)
    return Graph.from_keras(keras.Model(x, [keras.layers.Dense(3, name="last")(y), side]))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((6, 8, 8, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def target(graph):
    return Output(next(iter(graph.outputs)), 1)


def test_only_the_named_layers_change(graph):
    new = randomised(graph, ["first", "bn"], seed=3)
    for layer in graph.layers:
        for constant in layer.variables:
            old, drawn = graph.value(constant), new.value(constant)
            kind = graph.variables[constant].rpartition("/")[2]
            if layer.name not in ("first", "bn"):
                np.testing.assert_array_equal(old, drawn)
            elif kind == "kernel":
                limit = np.sqrt(6 / (9 * 7))
                assert 0.9 * limit < np.abs(drawn).max() <= limit
                assert not np.allclose(old, drawn)
            else:
                expected = 1.0 if kind in ("gamma", "moving_variance") else 0.0
                np.testing.assert_array_equal(drawn, np.full_like(old, expected))
    again = randomised(graph, ["first", "bn"], seed=3)
    other = randomised(graph, ["first", "bn"], seed=4)
    kernel = graph.layers["first"].variables[0]
    np.testing.assert_array_equal(new.value(kernel), again.value(kernel))
    assert not np.allclose(new.value(kernel), other.value(kernel))


def test_layers_that_the_target_does_not_need_are_left_out(graph, target):
    assert weighted_layers(graph, target) == ["first", "bn", "last"]


def test_similarity_is_spearmans(graph, images, target):
    frame = cascade(Saliency, graph, images, target, seed=5)
    assert list(frame.layer) == ["last", "bn", "first", "two random networks"]
    trained = Saliency(graph)(images, target).values
    drawn = Saliency(randomised(graph, ["last", "bn"], 5))(images, target).values
    expected = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(trained, drawn, strict=True)
    ]
    assert frame.similarity[1] == pytest.approx(np.mean(expected), abs=1e-6)
    assert frame.standard_error[1] == pytest.approx(np.std(expected, ddof=1) / np.sqrt(6))
    alone = cascade(Saliency, graph, images, target, mode="independent", seed=5)
    drawn = Saliency(randomised(graph, ["bn"], 5))(images, target).values
    expected = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(trained, drawn, strict=True)
    ]
    assert alone.similarity[1] == pytest.approx(np.mean(expected), abs=1e-6)


class Picture(CompiledMethod):
    """Explains nothing: gives the image back."""

    name = "picture"

    def kernel(self, explained):
        return lambda feeds: feeds.inputs[self.wrt][:, None] + 0 * explained.scores(feeds)[0, 0]


def test_places_that_are_zero_in_both_maps_do_not_count():
    first = np.array([0.0, 0.0, 0.0, 3.0, 1.0, 2.0, 0.0])
    second = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 4.0])
    expected = spearmanr(first[3:], second[3:]).statistic
    assert rank_correlation(first, second) == pytest.approx(expected)
    assert rank_correlation(np.zeros(4), np.arange(4.0)) == 0.0
    assert rank_correlation(np.zeros(4), np.zeros(4)) == 0.0


def test_places_where_only_the_random_network_is_dead_do_not_make_maps_alike():
    """Trained and random slopes are unrelated on ink; on black the random network's are 0."""
    rng = np.random.default_rng(0)
    ink = np.arange(400) % 4 == 0
    trained = np.where(ink, 1 + rng.random((6, 400)), rng.random((6, 400)))
    drawn = np.where(ink, rng.random((6, 400)), 0.0)
    assert np.mean([spearmanr(a, b).statistic for a, b in zip(trained, drawn)]) > 0.5
    assert abs(map_likeness(trained, drawn).mean()) < 0.15


def test_a_method_that_shows_the_image_is_found_out(graph, images, target):
    shown = cascade(Picture, graph, images, target)
    np.testing.assert_allclose(shown.similarity, 1.0, atol=1e-6)
    gradient = cascade(GradientInput, graph, images, target)
    assert gradient.similarity[2] < 0.9


def test_errors(graph, images, target):
    with pytest.raises(UsageError, match="'re_lu' is no layer with weights; there are first"):
        randomised(graph, ["re_lu"])
    with pytest.raises(UsageError, match="mode is"):
        cascade(Saliency, graph, images, target, mode="all")
