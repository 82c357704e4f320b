"""Figures of directions, read back from their axes."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import Interval

IMAGES = np.random.default_rng(0).random((2, 3, 5, 4, 1))


def test_every_image_of_a_block_is_at_its_row_and_column():
    blocks = {"a": IMAGES, "b": IMAGES[:1] / 2}
    figure = plots.image_blocks(blocks, [-1, 0, 1], notes=["first", "second"], title="Walk")
    upper, lower = figure.axes
    assert upper.get_ylabel() == "a\nfirst" and lower.get_ylabel() == "b\nsecond"
    assert [text.get_text() for text in upper.get_xticklabels()] == ["-1", "0", "1"]
    assert not lower.get_xticklabels()
    for axes, images in ((upper, IMAGES), (lower, IMAGES[:1] / 2)):
        shown = np.asarray(axes.images[0].get_array())
        for n, s in np.ndindex(images.shape[:2]):
            cell = shown[6 * n : 6 * n + 5, 5 * s : 5 * s + 4, 0]
            np.testing.assert_allclose(cell, 255 * images[n, s, ..., 0], atol=0.5)
    # Each name stands over the middle of its column.
    for tick, column in zip(upper.get_xticks(), range(3)):
        assert 5 * column < tick < 5 * column + 4


def test_blocks_that_do_not_fit_are_refused():
    for blocks in ({}, {"a": IMAGES, "b": IMAGES[:, :2]}, {"a": IMAGES[0]}):
        with pytest.raises(InvalidInputError, match="Blocks are images"):
            plots.image_blocks(blocks)
    with pytest.raises(InvalidInputError, match="3 columns but 2"):
        plots.image_blocks({"a": IMAGES}, [0, 1])
    with pytest.raises(InvalidInputError, match="1 blocks but 2"):
        plots.image_blocks({"a": IMAGES}, notes=["x", "y"])


def test_bars_have_their_intervals_and_the_chance_line():
    found = {"learned": Interval(0.8, 0.75, 0.9, 100), "random": Interval(0.4, 0.35, 0.45, 100)}
    axes = plots.rca_bars(found, 1 / 64).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.8, 0.4]
    assert axes.lines[-1].get_xdata()[0] == 1 / 64
    lines = axes.collections[0].get_segments()
    np.testing.assert_allclose([line[:, 0] for line in lines], [[0.75, 0.9], [0.35, 0.45]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["learned", "random"]
    with pytest.raises(InvalidInputError, match="no accuracies"):
        plots.rca_bars({}, 0.1)


def test_the_chart_shows_ranks_and_classes_and_nothing_else():
    frame = pandas.DataFrame(
        {
            "direction": ["u", "v"],
            "slant rank": [0.9, -0.2],
            "slant rank_low": [0.8, -0.4],
            "slant slope": [3.0, -1.0],
            "image distance": [1.0, 1.0],
            "class changed": [0.1, 0.7],
        }
    )
    axes = plots.effect_chart(frame).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.9, 0.1], [-0.2, 0.7]])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["slant", "class changed"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["u", "v"]
    named = plots.effect_chart(frame, ["slant", "class"]).axes[0]
    assert [text.get_text() for text in named.get_yticklabels()] == ["slant", "class"]
    with pytest.raises(InvalidInputError, match="neither strokes nor classes"):
        plots.effect_chart(frame[["direction", "image distance"]])
