"""Self-attention is found by what it computes, not by what it is called."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.attention.conftest import COUNT, HEIGHT, WIDTH, freeze, image_spec
from tfgenxai.attention import attention_layer, find_attention
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.graph import Graph


def rows(maps, name):
    return tf.reshape(
        tf.nn.conv2d(maps, tf.random.stateless_normal((1, 1, 1, 5), (name, 0)), 1, "SAME"),
        (-1, COUNT, 5),
    )


def test_the_block_of_this_package(discriminator):
    (found,) = find_attention(discriminator[1])
    assert (found.name, found.heads, found.count) == ("looks_map", 1, (24, 6))
    assert (found.query_grid, found.key_grid) == ((4, 6), (2, 3))
    assert "first" in found.block_input and "looks" in found.block_output
    assert "looks_gain" in found.gain
    assert [len(found.query_weights), len(found.key_weights)] == [1, 1]
    assert "looks_query" in found.query_weights[0] and "looks_key" in found.key_weights[0]


def test_a_network_of_bare_operations(mirrored):
    (found,) = find_attention(mirrored)
    assert (found.query_grid, found.key_grid) == ((HEIGHT, WIDTH), (HEIGHT, WIDTH))
    assert found.gain is found.block_input is found.block_output is None


@pytest.mark.parametrize("equation", ["nqc,nkc->nqk", "nkc,nqc->nqk"])
def test_either_order_of_an_einsum(equation, images):
    def network(image):
        query, key = rows(image, 1), rows(image, 2)
        pair = (query, key) if equation.startswith("nq") else (key, query)
        weights = tf.nn.softmax(tf.einsum(equation, *pair) / 2.0)
        return {"out": tf.einsum("nqk,nkc->nqc", weights, rows(image, 3))}

    graph = freeze(network, image_spec())
    found = attention_layer(graph)
    assert (found.query_grid, found.key_grid) == ((HEIGHT, WIDTH), (HEIGHT, WIDTH))
    queries, keys = graph.function("image", [found.queries, found.keys])(images)
    np.testing.assert_allclose(queries, rows(images, 1), atol=1e-6)
    np.testing.assert_allclose(keys, rows(images, 2), atol=1e-6)


def test_scores_that_are_transposed_swap_queries_and_keys(images):
    def network(image):
        scores = tf.matmul(rows(image, 1), rows(image, 2), transpose_b=True)
        return {"out": tf.nn.softmax(tf.transpose(scores, (0, 2, 1))) @ rows(image, 1)}

    graph = freeze(network, image_spec())
    found = attention_layer(graph)
    queries, keys = graph.function("image", [found.queries, found.keys])(images)
    np.testing.assert_allclose(queries, rows(images, 2), atol=1e-6)
    np.testing.assert_allclose(keys, rows(images, 1), atol=1e-6)


def test_what_is_no_self_attention():
    def network(image):
        flat = tf.reshape(image, (-1, COUNT))
        constant = tf.nn.softmax(rows(image, 1) @ tf.ones((5, 7))) @ tf.ones((7, 2))
        unused = tf.nn.softmax(tf.matmul(rows(image, 1), rows(image, 2), transpose_b=True))
        return {"classes": tf.nn.softmax(flat), "constant": constant, "map": unused}

    graph = freeze(network, image_spec())
    assert find_attention(graph) == ()
    with pytest.raises(LayerNotFoundError, match="has no self-attention"):
        attention_layer(graph)


def test_names(discriminator):
    graph = discriminator[1]
    whole = attention_layer(graph)
    for name in ("looks_map", "looks", whole.map):
        assert attention_layer(graph, name) == whole
    with pytest.raises(LayerNotFoundError, match="Did you mean 'looks_map'"):
        attention_layer(graph, "look_mop")


def test_several_layers_and_a_scope():
    x = keras.Input((HEIGHT, WIDTH, 8))
    y = keras.layers.Reshape((COUNT, 8))(x)
    for place in range(2):
        attend = keras.layers.MultiHeadAttention(2, 4, name=f"mix_{'ab'[place]}")
        y = keras.layers.Add()([y, attend(keras.layers.LayerNormalization()(y), y)])
    graph = Graph.from_keras(keras.Model(x, y))
    first, second = find_attention(graph)
    assert attention_layer(graph) == second
    assert attention_layer(graph, "mix_a") == first
    for found in (first, second):
        assert (found.heads, found.count) == (2, (COUNT, COUNT))
        assert found.query_grid == found.key_grid == (HEIGHT, WIDTH)
        assert found.block_input is not None and found.gain is None
    with pytest.raises(LayerNotFoundError, match="'mix_' is several self-attention"):
        attention_layer(graph, "mix_")
