"""Effects of directions whose effect was built in, and their sums against SciPy and loops."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tests.latent.directions.bars import LEAN, WIDTH, bars, labelled_bars, mark_reader
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.generator import Generator

COUNT = 12
AXES = Directions(np.eye(WIDTH), "coordinates")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return bars()


@pytest.fixture(scope="module")
def classifier() -> Graph:
    return mark_reader()


@pytest.fixture(scope="module")
def found(generator, classifier) -> Effects:
    return effects(generator, AXES, classifier, count=COUNT, reach=4, steps=5, progress=False)


@pytest.fixture(scope="module")
def codes(generator) -> np.ndarray:
    return generator.codes(COUNT, np.random.default_rng(0))


def test_slant_follows_the_coordinate_that_leans_the_bar(found, codes):
    table = found.frame()
    assert list(found.sizes) == [-4, -2, 0, 2, 4]
    assert table.loc[0, "slant rank"] == table.loc[0, "slant rank_low"] == 1
    angles = np.degrees(np.arctan(LEAN * (codes[:, :1] + found.sizes)))
    slopes = [np.polyfit(found.sizes, row, 1)[0] for row in angles]
    np.testing.assert_allclose(found.slopes("slant")[0], slopes, atol=0.05)
    effect = np.mean(slopes) * 8 / angles[:, 2].std()
    assert table.loc[0, "slant effect"] == pytest.approx(effect, rel=0.03)
    assert table.loc[1, "stroke width rank"] > 0.95
    assert abs(table.loc[1, "slant slope"]) < 0.02


def test_the_coordinate_that_does_nothing_has_no_effect(found):
    for name, values in found.measures.items():
        np.testing.assert_array_equal(found.rank_correlations(name)[2], 0)
        assert (values[2] == values[2, :, :1]).all()
    assert (found.distances[2] == 0).all() and (found.feature_distances[2] == 0).all()
    assert found.frame().loc[2, "image distance"] == 0


def test_classes_change_where_the_code_passes_the_border(generator, classifier, codes):
    near = effects(generator, AXES, classifier, count=COUNT, reach=0.5, steps=3, progress=False)
    passed = np.abs(codes[:, 3]) < 0.5
    assert 0 < passed.sum() < COUNT
    np.testing.assert_array_equal(near.class_changed()[3], passed)
    assert not near.class_changed()[:3].any()
    table = near.frame()
    assert table.loc[3, "class changed"] == pytest.approx(passed.mean())
    low, high = table.loc[3, ["class changed_low", "class changed_high"]]
    assert low < passed.mean() < high
    sure = 1 / (1 + np.exp(-5.0))  # logits -2.5 and 2.5
    np.testing.assert_allclose(near.kept[0], sure, rtol=1e-5)
    assert table.loc[3, "class probability"] < sure


def test_a_conditional_generator_keeps_its_labels(classifier):
    found = effects(labelled_bars(), AXES, classifier, count=6, reach=6, steps=3, progress=False)
    np.testing.assert_array_equal(
        found.classes, np.broadcast_to(np.arange(6)[:, None] % 2, (4, 6, 3))
    )
    assert not found.changed().any() and (found.frame()["class changed_high"] == 0).all()


def test_distances_are_those_of_a_loop(found, generator, classifier, codes):
    features = classifier.function("image", "hidden")
    still = generator.images(codes)
    for size in (0, 4):
        moved = generator.images(codes + found.sizes[size] * np.eye(WIDTH)[1])
        for n in range(COUNT):
            expected = np.mean((moved[n] - still[n]) ** 2)
            assert found.distances[1, n, size] == pytest.approx(expected, rel=1e-4)
        apart = np.linalg.norm(features(moved).numpy() - features(still).numpy(), axis=1)
        np.testing.assert_allclose(found.feature_distances[1, :, size], apart, atol=1e-5)
    pairs = [np.mean((a - b) ** 2) for i, a in enumerate(still) for b in still[:i]]
    assert found.apart == pytest.approx(np.mean(pairs), rel=1e-4)


def test_slopes_and_ranks_are_scipys_also_where_images_are_empty():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 4, (2, 6, 7)).astype(float)  # with ties
    values[rng.random(values.shape) < 0.2] = np.nan
    values[0, 0, 2:] = np.nan
    values[1, 1] = 3.0
    sizes = np.linspace(-3, 3, 7)
    made = Effects(AXES, sizes, {"a": values}, {"a": 1.0}, np.zeros((2, 6, 7)), 1.0)
    ranks, slopes = made.rank_correlations("a"), made.slopes("a")
    for k, n in np.ndindex(2, 6):
        known = np.isfinite(values[k, n])
        y = values[k, n, known]
        if known.sum() < 3:
            assert np.isnan(ranks[k, n])
        elif np.ptp(y) == 0:
            assert ranks[k, n] == 0 and slopes[k, n] == 0
        else:
            assert ranks[k, n] == pytest.approx(stats.spearmanr(sizes[known], y).statistic)
            assert slopes[k, n] == pytest.approx(np.polyfit(sizes[known], y, 1)[0])


def test_without_a_classifier_and_in_colour():
    spec = tf.TensorSpec((None, WIDTH), tf.float32, "z")

    @tf.function(input_signature=[spec])
    def colours(z):
        return {"image": tf.tile(tf.sigmoid(z)[:, None, None, :3], (1, 4, 4, 1))}

    generator = Generator.of({"generate": Graph.from_function(colours)})
    found = effects(generator, AXES, count=5, steps=3, progress=False)
    table = found.frame()
    assert list(table) == ["direction", "image distance"] and not found.measures
    assert (table["image distance"][:3] > 0.1).all()
    assert table["image distance"][3] == pytest.approx(0, abs=1e-9)
    with pytest.raises(UsageError, match="classifier"):
        found.class_changed()


def test_what_does_not_fit_is_refused(generator):
    for options in ({"steps": 4}, {"steps": 1}, {"reach": 0}, {"count": 1}):
        with pytest.raises(UsageError, match="odd number of steps"):
            effects(generator, AXES, progress=False, **options)
    with pytest.raises(InvalidInputError, match="dimensions"):
        effects(generator, Directions(np.eye(3), "other"), progress=False)
