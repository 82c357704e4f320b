"""Figures of attention: what is on them, and on which scale."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from tfgenxai import plots
from tfgenxai.attention import AttentionMaps, Query, choose_queries, measures
from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.attention import named
from tfgenxai.plots.style import COLOURS

QUERIES = (Query("one", 1, 4), Query("two", 5, 7))


def maps(count=2, gain=0.25):
    rng = np.random.default_rng(0)
    values = rng.dirichlet(np.full(6, 0.5), (count, 12)).astype(np.float32)
    return AttentionMaps(values, (3, 4), (2, 3), "here", gain, images=rng.random((count, 6, 8, 1)))


def test_maps_of_queries_share_one_scale_and_show_the_gain():
    found = maps()
    figure = plots.attention_queries(found, [QUERIES, QUERIES])
    assert figure.get_suptitle() == "here, gain 0.25"
    cells = figure.axes[:6]
    drawn = [cells[i].images[1] for i in (1, 2, 4, 5)]
    expected = [found.values[n, q].reshape(2, 3) for n in (0, 1) for q in (2, 11)]
    for picture, values in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(picture.get_array(), values)
        assert picture.get_clim() == (0, pytest.approx(max(map(np.max, expected))))
    dots = cells[0].collections
    assert [tuple(dot.get_offsets()[0]) for dot in dots] == [(4, 1), (7, 5)]
    np.testing.assert_allclose(dots[1].get_facecolor()[0], to_rgba(COLOURS[1]))
    with pytest.raises(InvalidInputError, match="as many lists of queries"):
        plots.attention_queries(found, [QUERIES])
    with pytest.raises(InvalidInputError, match="all of one length"):
        plots.attention_queries(found, [QUERIES, QUERIES[:1]])


def test_titles_say_what_a_gain_does():
    assert named(maps(1, 0.0)) == "here, gain 0: no effect on the output"
    assert named(maps(1, None)) == "here (no gain)"


def test_right_and_wrong_index_on_own_and_shared_scales():
    found = maps(1)
    figure = plots.index_slip(found, QUERIES)
    cells = np.array(figure.axes[:12]).reshape(4, 3)
    # Pixels (1, 4) and (5, 7) of 6 x 8 are places (0, 2) and (2, 3) of 3 x 4.
    rows = {0: (2, 11), 1: (0, 6), 2: (2, 11), 3: (0, 6)}
    largest = max(found.values[0, q].max() for pair in rows.values() for q in pair)
    for row, pair in rows.items():
        for cell, q in zip(cells[row, 1:], pair, strict=True):
            values = found.values[0, q]
            (picture,) = cell.images
            np.testing.assert_allclose(picture.get_array().ravel(), values)
            limits = (values.min(), values.max()) if row < 2 else (0, largest)
            assert picture.get_clim() == pytest.approx(limits)
    assert [cell.get_title() for cell in cells[1, 1:]] == ["shows (0, 0)", "shows (1, 2)"]
    assert cells[0, 1].get_xlabel().startswith("entropy 0.")
    with pytest.raises(InvalidInputError, match="of one image, not of 2"):
        plots.index_slip(maps(), QUERIES)


def test_a_chart_of_layers():
    images = np.zeros((2, 6, 8, 1), np.float32)
    images[:, 1:5, 2:4] = 1
    trained = AttentionMaps(maps().values, (3, 4), (2, 3), images=images)
    frames = [
        measures(each).assign(layer=layer, map=kind)
        for layer in ("a", "b")
        for kind, each in (("as trained", trained), ("uniform", trained.uniform()))
    ]
    figure = plots.attention_chart(pd.concat(frames), {"a": 0.0, "b": None})
    gain, *panels = figure.axes
    assert [text.get_text() for text in gain.texts] == [" 0", "none"]
    assert [label.get_text() for label in gain.get_yticklabels()] == ["a", "b"]
    trained_line, uniform_line = panels[0].lines[0], panels[0].containers[1].lines[0]
    assert len(trained_line.get_xdata()) == 4
    np.testing.assert_allclose(uniform_line.get_xdata(), 1)
    with pytest.raises(InvalidInputError, match="no layers"):
        plots.attention_chart(pd.concat(frames), {})


def test_maps_without_images():
    bare = AttentionMaps(maps(1).values, (3, 4), (2, 3))
    with pytest.raises(InvalidInputError, match="no images"):
        plots.attention_queries(bare, [QUERIES])


def test_figures_of_chosen_queries_are_pictures():
    image = np.zeros((1, 6, 8, 1), np.float32)
    image[0, 2:4, 2:6] = 1
    found = AttentionMaps(maps(1).values, (3, 4), (2, 3), images=image)
    chosen = choose_queries(image[0])
    assert plots.png(plots.attention_queries(found, [chosen])).startswith(b"\x89PNG")
    assert plots.png(plots.index_slip(found, chosen)).startswith(b"\x89PNG")
