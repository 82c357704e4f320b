"""Attention maps against numpy, against Keras, and against an attention that was planned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.attention.conftest import COUNT, GAIN, HEIGHT, WIDTH, freeze, image_spec, mirror
from tfgenxai.attention import AttentionMaps, attention_layer, attention_maps
from tfgenxai.errors import DataNotFoundError, InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.graph import Graph


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_every_query_looks_where_it_was_told_to(mirrored, images):
    maps = attention_maps(mirrored, images)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            seen = maps.for_query(row, column)
            assert seen.shape == (3, HEIGHT, WIDTH)
            for each in seen:
                place = np.unravel_index(each.argmax(), each.shape)
                assert place == (row, WIDTH - 1 - column)
    assert [int(k) for k in maps.values[0].argmax(axis=1)] == [mirror(q) for q in range(COUNT)]


def test_softmax_of_the_products_of_the_layers_own_weights(discriminator, images):
    model, graph = discriminator
    part = keras.Model(model.inputs, model.get_layer("first").output)({"image": images})
    part = part.numpy()
    query, key = (model.get_layer(f"looks_{n}").get_weights()[0][0, 0] for n in ("query", "key"))
    keys = (part @ key).reshape(3, 2, 2, 3, 2, 1).max(axis=(2, 4)).reshape(3, 6, 1)
    expected = softmax((part @ query).reshape(3, 24, 1) @ keys.transpose(0, 2, 1))
    maps = attention_maps(graph, images, batch_size=2)
    np.testing.assert_allclose(maps.values, expected, atol=1e-6)
    assert maps.values.dtype == np.float32
    np.testing.assert_allclose(maps.for_query(2, 5), expected[:, 17].reshape(3, 2, 3), atol=1e-6)
    np.testing.assert_allclose(maps.rollup.reshape(3, 6), expected.mean(axis=1), atol=1e-6)
    assert maps.gain == pytest.approx(GAIN)
    np.testing.assert_array_equal(maps.images, images)


def test_softmax_of_the_graphs_own_tensors_with_labels(generator, codes):
    found = attention_layer(generator)
    names = ["z", "label"]
    queries, keys = generator.function(names, [found.queries, found.keys])(*codes.values())
    keys = keys.numpy() if keys.shape[1] == COUNT else keys.numpy().transpose(0, 2, 1)
    expected = softmax(np.einsum("nqc,nkc->nqk", queries.numpy(), keys))
    maps = attention_maps(generator, codes)
    np.testing.assert_allclose(maps.values, expected, atol=1e-6)
    drawn = generator.function(names, "image")(*codes.values())
    np.testing.assert_allclose(maps.images, drawn, atol=1e-6)
    with pytest.raises(UsageError, match="takes z, label"):
        attention_maps(generator, codes["z"])


def test_heads_are_those_that_keras_gives():
    keras.utils.set_random_seed(3)
    x = keras.Input((COUNT, 8))
    layer = keras.layers.MultiHeadAttention(3, 4, name="mix")
    graph = Graph.from_keras(keras.Model(x, layer(x, x)))
    given = np.random.default_rng(4).standard_normal((2, COUNT, 8)).astype(np.float32)
    expected = layer(given, given, return_attention_scores=True)[1].numpy()
    grids = {"query_grid": (HEIGHT, WIDTH), "key_grid": (WIDTH, HEIGHT)}
    mean = attention_maps(graph, given, "mix", **grids)
    np.testing.assert_allclose(mean.values, expected.mean(axis=1), atol=1e-6)
    assert (mean.heads, mean.head, mean.gain, mean.images) == (3, None, None, None)
    for head in range(3):
        one = attention_maps(graph, given, head=head, **grids)
        np.testing.assert_allclose(one.values, expected[:, head], atol=1e-6)
    with pytest.raises(UsageError, match="heads 0 to 2, not 3"):
        attention_maps(graph, given, head=3, **grids)
    with pytest.raises(UsageError, match=r"24 places of its query, .*query_grid=\(rows"):
        attention_maps(graph, given)
    with pytest.raises(UsageError, match="24 places of its query, which are not 5 rows"):
        attention_maps(graph, given, query_grid=(5, 5))
    with pytest.raises(UsageError, match="know of no image"):
        mean.index(0, 0, of="image")


def test_a_network_without_attention():
    graph = freeze(lambda image: {"out": tf.nn.softmax(image[..., 0])}, image_spec())
    with pytest.raises(LayerNotFoundError, match="no self-attention"):
        attention_maps(graph, np.zeros((1, HEIGHT, WIDTH, 1)))


def small(count=2, images=None):
    values = softmax(np.random.default_rng(5).standard_normal((count, 6, 2)))
    return AttentionMaps(values.astype(np.float32), (2, 3), (1, 2), "here", 0.5, images=images)


def test_queries_by_place_and_by_pixel():
    maps = small(images=np.zeros((2, 8, 12, 1), np.float32))
    order = np.arange(6).reshape(2, 3)
    for row in range(2):
        for column in range(3):
            assert maps.index(row, column) == order[row, column]
    for row in range(8):
        for column in range(12):
            assert maps.index(row, column, of="image") == order[row // 4, column // 4]
    np.testing.assert_array_equal(
        maps.for_query(7, 3, of="image"), maps.values[:, 3].reshape(2, 1, 2)
    )
    for place, words in (((2, 0), "query"), ((0, -1), "query")):
        with pytest.raises(UsageError, match=rf"no {words} \({place[0]}, {place[1]}\)"):
            maps.for_query(*place)
    with pytest.raises(UsageError, match=r"no pixel \(8, 0\): rows run from 0 to 7"):
        maps.index(8, 0, of="image")


def test_samples_uniform_maps_and_upsampling():
    maps = small(3, np.zeros((3, 4, 6, 1), np.float32))
    np.testing.assert_array_equal(maps[1].values, maps.values[1:2])
    assert len(maps[[0, 2]]) == len(maps[[0, 2]].images) == 2
    with pytest.raises(UsageError, match="no sample 3"):
        maps[3]
    assert (maps.uniform().values == 0.5).all()
    assert maps.at_image_resolution(maps.rollup).shape == (3, 4, 6)
    assert "gain 0.5" in repr(maps)


def test_files(tmp_path):
    maps = small(images=np.zeros((2, 4, 6, 1), np.float32))
    again = AttentionMaps.load(maps.save(tmp_path / "maps.npz"))
    np.testing.assert_array_equal(again.values, maps.values)
    np.testing.assert_array_equal(again.images, maps.images)
    for name in ("query_grid", "key_grid", "layer", "gain", "heads", "head"):
        assert getattr(again, name) == getattr(maps, name)
    assert AttentionMaps.load(small().save(tmp_path / "bare.npz")).images is None
    with pytest.raises(DataNotFoundError, match="no file"):
        AttentionMaps.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes((tmp_path / "maps.npz").read_bytes()[:200])
    with pytest.raises(InvalidInputError, match="damaged"):
        AttentionMaps.load(tmp_path / "bad.npz")


def test_maps_that_are_none():
    good = small().values
    with pytest.raises(InvalidInputError, match="sum to 1; here one is 1 off"):
        AttentionMaps(2 * good, (2, 3), (1, 2))
    with pytest.raises(InvalidInputError, match="sum to 1"):
        AttentionMaps(np.full_like(good, np.nan), (2, 3), (1, 2))
    with pytest.raises(InvalidInputError, match=r"has shape \(N, 6, 4\)"):
        AttentionMaps(good, (2, 3), (2, 2))
