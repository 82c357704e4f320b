"""Attention left out, and attention that means nothing, against weights set by hand."""

import keras
import numpy as np
import pytest

from tests.attention.conftest import COUNT
from tfgenxai.attention import (
    attention_layer,
    attention_maps,
    measures_with_controls,
    shuffled_weights,
    with_and_without,
)
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph


def test_without_attention_is_a_gain_of_zero(generator, codes, discriminator, images):
    for graph, inputs, output in (
        (generator, codes, "image"),
        (discriminator[1], {"image": images}, "logits"),
    ):
        gain = attention_layer(graph).gain
        off = graph.with_values({gain: np.float32(0)})
        whole, without = with_and_without(graph, inputs, batch_size=3)
        names = list(inputs)
        expected = graph.function(names, output)(*inputs.values())
        np.testing.assert_allclose(whole, expected, atol=1e-6)
        expected = off.function(names, output)(*inputs.values())
        np.testing.assert_allclose(without, expected, atol=1e-6)
        assert np.abs(whole - without).max() > 1e-3
    with pytest.raises(UsageError, match="gives image, not 'logits'"):
        with_and_without(generator, codes, output="logits")


def test_attention_that_is_added_to_nothing(mirrored, images):
    with pytest.raises(UsageError, match="not added to what came in"):
        with_and_without(mirrored, images)


def test_only_queries_and_keys_are_shuffled(generator):
    found = attention_layer(generator)
    moved = (*found.query_weights, *found.key_weights)
    new = shuffled_weights(generator, seed=3)
    for name in generator.variables:
        old, drawn = generator.value(name), new.value(name)
        assert np.array_equal(old, drawn) == (name not in moved)
        np.testing.assert_array_equal(np.sort(old, axis=None), np.sort(drawn, axis=None))
    again = shuffled_weights(generator, seed=3)
    np.testing.assert_array_equal(new.value(moved[0]), again.value(moved[0]))


def test_a_table_with_controls(generator, codes):
    frame = measures_with_controls(generator, codes, seed=1)
    assert list(dict.fromkeys(frame["map"])) == ["as trained", "weights shuffled", "uniform"]
    whole = frame[frame["queries"] == "all"].set_index("map")
    assert whole.loc["uniform", "entropy"] == pytest.approx(np.log2(COUNT))
    assert whole["chance"].nunique() == 1  # the same images
    assert whole.loc["as trained", "entropy"] < np.log2(COUNT)


def test_attention_without_weights():
    x = keras.Input((COUNT, 4))
    y = keras.layers.Attention()([x, x])
    graph = Graph.from_keras(keras.Model(x, y))
    with pytest.raises(UsageError, match="no weights to shuffle"):
        shuffled_weights(graph)
    assert attention_maps(graph, np.ones((1, COUNT, 4)), query_grid=(4, 6)).key_grid == (4, 6)
