"""Graphs for one size and with held inputs: what they compute stays, and all shapes are known."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from tfgenxai.errors import InvalidInputError, LayerNotFoundError, UsageError
from tfgenxai.graph import Graph


def unknown(graph):
    """Layers with a size that is not known, but for the batch."""
    return [layer.name for layer in graph.layers if None in tuple(layer.output_shape)[1:]]


def convolutional(kinds, seed):
    """A network for images of any size, of layers that ask for sizes."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 2), name="image")
    x = image
    for i, kind in enumerate(kinds):
        x = {
            "conv": lambda x, i: layers.Conv2D(3, 3, padding="same", name=f"conv_{i}")(x),
            "up": lambda x, i: layers.UpSampling2D((2, 1), name=f"up_{i}")(x),
            "pool": lambda x, i: layers.AveragePooling2D(2, padding="same", name=f"pool_{i}")(x),
            "transposed": lambda x, i: layers.Conv2DTranspose(
                3, 3, strides=2, padding="same", name=f"transposed_{i}"
            )(x),
            "dense": lambda x, i: layers.Dense(4, activation="tanh", name=f"dense_{i}")(x),
            "columns": lambda x, i: layers.Permute((2, 1, 3), name=f"columns_{i}")(x),
        }[kind](x, i)
    x = layers.Reshape((-1, x.shape[-1]), name="places")(x)
    x = layers.Dot(axes=(2, 2), name="pairs")([x, x])
    return keras.Model(image, layers.Softmax(name="map")(x))


KINDS = ("conv", "up", "pool", "transposed", "dense", "columns")


@settings(max_examples=5, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), st.integers(0, 99))
def test_one_size_of_a_network_for_any(kinds, seed):
    model = convolutional(kinds, seed)
    free = Graph.from_keras(model)
    graph = free.with_shapes({"image": (4, 6, 2)})
    assert unknown(free) and not unknown(graph)
    for number in (1, 5):
        images = np.random.default_rng(seed).random((number, 4, 6, 2), np.float32)
        expected = model(images).numpy()
        assert graph.outputs["map"].shape[1:] == expected.shape[1:]
        found = graph.function("image", "map")(images)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def conditional():
    """Codes and a sequence of classes of any length to a picture as wide as it is long."""
    keras.utils.set_random_seed(0)
    z = keras.Input((3,), name="z")
    label = keras.Input((None,), dtype="int64", name="label")
    x = layers.Embedding(5, 8, name="embedding")(label)
    x = layers.Add(name="both")([x, layers.Reshape((1, 8))(layers.Dense(8, name="style")(z))])
    x = layers.Reshape((-1, 2, 4), name="patches")(x)
    x = layers.Conv2D(2, 3, padding="same", name="conv")(x)
    return keras.Model([z, label], x)


def test_a_held_input_is_that_input_fed():
    model = conditional()
    graph = Graph.from_keras(model).with_inputs({"label": [4, 0, 2]})
    assert list(graph.inputs) == ["z"] and not unknown(graph)
    z = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    expected = model([z, np.tile([4, 0, 2], (6, 1))])
    found = graph.function("z", next(iter(graph.outputs)))(z)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert graph.parameter_count == Graph.from_keras(model).parameter_count


def test_gradients_and_inner_cuts_of_a_held_graph():
    model = conditional()
    graph = Graph.from_keras(model).with_inputs({"label": [1, 3]})
    z = tf.constant(np.random.default_rng(1).standard_normal((4, 3)), tf.float32)
    label = tf.tile([[1, 3]], (4, 1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        ours = tf.reduce_sum(graph.function("z", "conv")(z) ** 2)
        live = tf.reduce_sum(model([z, label]) ** 2)
    np.testing.assert_allclose(tape.gradient(ours, z), tape.gradient(live, z), rtol=1e-4)
    inner = graph.function("z", "both")(z)
    np.testing.assert_allclose(
        graph.function("both", "conv")(inner), graph.function("z", "conv")(z), rtol=1e-6
    )


def test_a_scalar_class_held():
    keras.utils.set_random_seed(0)
    z, label = keras.Input((4,), name="z"), keras.Input((), dtype="int64", name="label")
    x = layers.Dense(4)(layers.Concatenate()([z, layers.Embedding(3, 2)(label)]))
    model = keras.Model([z, label], x)
    codes = np.ones((2, 4), np.float32)
    graph = Graph.from_keras(model).with_inputs({"label": 2})
    found = graph.function("z", next(iter(graph.outputs)))(codes)
    np.testing.assert_allclose(found, model([codes, np.array([2, 2])]), rtol=1e-6)


def test_what_depends_on_the_batch_stays_so():
    """Rows of all images in one list and back: a shape with the batch in two places."""
    image = keras.Input((None, 3), name="image")
    rows = layers.Lambda(
        lambda x: ops.reshape(ops.reshape(x, (-1, 3)) * 2.0, ops.shape(x)), name="rows"
    )(image)
    graph = Graph.from_keras(keras.Model(image, rows)).with_shapes({"image": (4, 3)})
    images = np.random.default_rng(0).random((7, 4, 3), np.float32)
    output = next(iter(graph.outputs))
    np.testing.assert_array_equal(graph.function("image", output)(images), 2 * images)
    assert tuple(graph.outputs[output].shape) == (None, 4, 3)


def test_what_does_not_fit():
    graph = Graph.from_keras(conditional())
    with pytest.raises(LayerNotFoundError, match="no input 'class'; it has 'z', 'label'"):
        graph.with_inputs({"class": 3})
    with pytest.raises(UsageError, match="at least one has to be left"):
        graph.with_inputs({"label": [1], "z": np.zeros(3)})
    with pytest.raises(InvalidInputError, match="takes .* a sample"):
        graph.with_inputs({"label": 3})
    with pytest.raises(InvalidInputError, match="does not fit"):
        graph.with_shapes({"z": (4,)})


def test_first_a_size_and_then_a_value():
    model = conditional()
    z = np.random.default_rng(0).standard_normal((3, 3)).astype(np.float32)
    graph = Graph.from_keras(model).with_shapes({"label": (3,)}).with_inputs({"label": [4, 0, 2]})
    assert list(graph.inputs) == ["z"] and not unknown(graph)
    found = graph.function("z", next(iter(graph.outputs)))(z)
    np.testing.assert_allclose(found, model([z, np.tile([4, 0, 2], (3, 1))]), rtol=1e-6, atol=1e-6)
