"""What a recogniser reads a character by, and how surely it reads a word."""

from itertools import groupby, product

import numpy as np
import pytest
import tensorflow as tf

from tests.words.conftest import LABEL
from tfgenxai.attribution import create
from tfgenxai.explained import Feeds
from tfgenxai.neurons.maximise import maximise
from tfgenxai.words import Reading, column_maps, reading_steps
from tfgenxai.words.characters import computed
from tfgenxai.words.reading import own_share


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(4).random((3, 32, 32, 1), dtype=np.float32)


def test_the_step_of_a_character(reader, images):
    found = reading_steps(reader, images, LABEL)
    probable = computed(reader, {"image": images}, "log_probabilities")
    assert probable.shape == (3, 7, 4)
    for n, i in np.ndindex(3, 2):
        # Step t sees columns 4 t to 4 t + 7, and is about column 4 (t + 1).
        own = [t for t in range(7) if 16 * i <= 4 * (t + 1) < 16 * (i + 1)]
        assert found[n, i] == max(own, key=lambda t, n=n, i=i: probable[n, t, LABEL[n, i] + 1])


def test_maps_lie_where_a_step_looks(reader, images):
    maps = column_maps(reader, images, LABEL, "saliency")
    steps = reading_steps(reader, images, LABEL)
    assert maps.shape == (3, 2, 32, 32) and (maps >= 0).all()
    for n, i in np.ndindex(3, 2):
        seen = np.flatnonzero(maps[n, i].sum(axis=0))
        assert set(seen) <= set(range(4 * steps[n, i], 4 * steps[n, i] + 8)) and len(seen)
    held = own_share(maps)
    for n, i in np.ndindex(3, 2):
        expected = maps[n, i][:, 16 * i : 16 * (i + 1)].sum() / maps[n, i].sum()
        assert held[n, i] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(own_share(np.zeros((1, 2, 4, 32)))).all()
    cam = column_maps(reader, images, LABEL, "grad_cam", layer="conv")
    assert cam.shape == maps.shape


def test_the_log_probability_of_a_word_sums_over_all_ways_to_read_it(reader, images):
    label = [2, 0]
    found = Reading(label).on(reader)
    scores = found.scores(Feeds({"image": images}, found.shared)).numpy()[:, 0]
    probable = np.exp(computed(reader, {"image": images}, "log_probabilities"))
    paths = np.array(list(product(range(4), repeat=7)))
    read = [[c for c, _ in groupby(path) if c] for path in paths.tolist()]
    right = paths[[each == [3, 1] for each in read]]
    each = probable[:, np.arange(7), right].prod(axis=2)
    np.testing.assert_allclose(scores, np.log(each.sum(axis=1)), rtol=1e-4)


def test_a_drawn_word_that_is_read_more_surely(graph, reader):
    word = graph.with_inputs({"label": [0, 2]})
    target = Reading([0, 2], model=reader)
    found = maximise(word, target, steps=12, restarts=2, progress=False)
    assert found.scores.max() > found.typical.mean()
    maps = create("gradient_input", word)(found.best_codes, target, progress=False)
    z = tf.constant(found.best_codes)
    step = 1e-3 * np.eye(4, dtype=np.float32)
    explained = target.on(word)

    def score(codes):
        return explained.scores(Feeds({"z": codes}, explained.shared)).numpy()[0, 0]

    slopes = [(score(z + row) - score(z - row)) / 2e-3 for row in step]
    np.testing.assert_allclose(maps.values[0], slopes * found.best_codes[0], rtol=0.05, atol=0.02)
