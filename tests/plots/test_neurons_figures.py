"""What the figures of neurons show, read back from their axes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError

RANDOM = np.random.default_rng(0)


def shown(figure):
    return [axes for axes in figure.axes if axes.images]


def test_activation_maps_show_the_strongest_channels_first():
    maps = RANDOM.random((5, 6, 4))
    maps[..., 2] += 3.0
    signed = RANDOM.standard_normal(70)
    figure = plots.activation_maps({"a": maps, "b": signed}, RANDOM.random((8, 8, 1)), channels=2)
    image, first, second, strip = shown(figure)
    np.testing.assert_allclose(first.images[0].get_array(), maps[..., 2])
    assert first.get_xlabel() == "2" and first.get_ylabel().startswith("a\n")
    order = np.argsort(-maps.mean(axis=(0, 1)))
    np.testing.assert_allclose(second.images[0].get_array(), maps[..., order[1]])
    drawn = strip.images[0].get_array()
    np.testing.assert_allclose(np.ma.filled(drawn, np.nan).ravel()[:70], signed)
    assert strip.images[0].norm.vmin == -strip.images[0].norm.vmax


def test_maximised_shows_the_best_of_each_target_with_its_control():
    images = RANDOM.random((3, 6, 6, 1))
    result = SimpleNamespace(
        best_images=images,
        best_codes=RANDOM.random((3, 4)),
        scores=np.array([[1.0, 2.5], [3.0, 0.0], [0.5, 0.25]]),
        quantiles=np.array([0.99, 1.0, 0.5]),
        random_best=np.array([2.0, 1.0, 0.75]),
        target_names=("l[0]", "l[1]", "l[2]"),
    )
    maps = RANDOM.random((3, 2, 2))
    panels = shown(plots.maximised(result, maps, columns=2))
    assert len(panels) == 6
    assert panels[0].get_xlabel() == "2.5; chance 2" and panels[0].get_title() == "l\n[0]"
    assert panels[1].get_xlabel() == "above 99 % of draws"
    np.testing.assert_allclose(panels[3].images[0].get_array(), maps[1])
    result.best_images = None
    with pytest.raises(InvalidInputError, match="draws no image"):
        plots.maximised(result)


def test_the_heatmap_of_ablations_ranks_units():
    frame = pd.DataFrame(
        {"all": [0.1, 0.5, 0.3], 0: [0.2, 0.4, 0.3], 1: [0.0, 0.6, 0.3]}, index=[7, 8, 9]
    )
    figure = plots.ablation_heatmap(frame, most=2)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.5, 0.4, 0.6], [0.3, 0.3, 0.3]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["8", "9"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["all", "0", "1"]


def test_bars_have_their_intervals():
    frame = pd.DataFrame(
        {"layer": ["x", "y"], "within": [0.5, 0.7], "within_low": [0.4, 0.6],
         "within_high": [0.65, 0.75]}
    )  # fmt: skip
    figure = plots.layer_bars(frame, ["within"], title="t", label="similarity")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.7]
    (ends,) = [c for c in axes.collections if len(c.get_segments()) == 2]
    np.testing.assert_allclose([s[:, 0] for s in ends.get_segments()], [[0.4, 0.65], [0.6, 0.75]])


def test_errors():
    with pytest.raises(InvalidInputError, match="no activations"):
        plots.activation_maps({})
    with pytest.raises(InvalidInputError, match="one sample"):
        plots.activation_maps({"a": np.zeros((2, 3, 3, 1))})
    with pytest.raises(InvalidInputError, match="no effects"):
        plots.ablation_heatmap(pd.DataFrame({"all": []}))
    with pytest.raises(InvalidInputError, match="no layers"):
        plots.layer_bars(pd.DataFrame({"layer": []}), ["a"], title="", label="")
