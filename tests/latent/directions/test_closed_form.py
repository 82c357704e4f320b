"""SeFa and GANSpace against NumPy's decompositions of known weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.latent.directions.toys import as_graph, bar_generator, dense_generator
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.latent.directions import ganspace, sefa
from tfgenxai.latent.directions.first_layer import first_activation, first_layer
from tfgenxai.latent.generator import Generator

RANDOM = np.random.default_rng(0)
#: Singular values far apart, so that samples find each component.
LEFT = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
RIGHT = np.linalg.qr(RANDOM.normal(size=(12, 6)))[0]
VALUES = np.array([9.0, 6.0, 4.0, 2.5, 1.5, 0.7])
WEIGHTS = LEFT * VALUES @ RIGHT.T
WEIGHTS32 = WEIGHTS.astype(np.float32)
OTHER32 = RANDOM.normal(size=(6, 12)).astype(np.float32)
CODE = tf.TensorSpec((None, 6), tf.float32, "z")


def same_lines(found, expected, tolerance):
    """Rows that point along the same lines, one way or the other."""
    np.testing.assert_allclose(np.abs(np.sum(found * expected, axis=1)), 1.0, atol=tolerance)


def keras_generator(**options):
    z = keras.Input((6,), name="z")
    x = keras.layers.Dense(12, name="first", **options)(z)
    x = keras.layers.LeakyReLU(name="act")(x)
    x = keras.layers.Reshape((4, 3, 1))(x)
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="last")(x)
    model = keras.Model(z, x)
    model.get_layer("first").kernel.assign(WEIGHTS)
    return Generator(as_graph(lambda z: {"image": model(z)}, CODE))


@pytest.mark.parametrize("make", [keras_generator, lambda: dense_generator(WEIGHTS)])
def test_sefa_gives_the_singular_vectors(make):
    found = sefa(make(), 4)
    same_lines(found.vectors, LEFT.T[:4], 1e-5)
    np.testing.assert_allclose(found.about["singular values"], VALUES[:4], rtol=1e-5)
    largest = found.vectors[np.arange(4), np.abs(found.vectors).argmax(axis=1)]
    assert (largest > 0).all()
    moved = np.linalg.norm(found.vectors @ WEIGHTS, axis=1)
    np.testing.assert_allclose(moved, VALUES[:4], rtol=1e-5)  # |A n|, the strongest first


def test_sefa_reads_a_transposed_matrix_and_passes_casts():
    def image(z):
        values = tf.matmul(tf.identity(z), WEIGHTS.T.astype(np.float32), transpose_b=True)
        return {"image": tf.reshape(values, (-1, 4, 3, 1))}

    found = first_layer(as_graph(image, CODE))
    np.testing.assert_allclose(found.weights, WEIGHTS, rtol=1e-6)


def test_sefa_does_not_mind_labels():
    found = sefa(dense_generator(WEIGHTS, labels=3), 2)
    same_lines(found.vectors, LEFT.T[:2], 1e-5)


def convolution(z):
    return tf.nn.conv2d(tf.reshape(z, (-1, 2, 3, 1)), np.ones((2, 2, 1, 1), np.float32), 1, "SAME")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            lambda z: tf.reshape(z @ WEIGHTS32 + z @ OTHER32, (-1, 4, 3, 1)),
            "enters 2: matmul, matmul_1",
        ),
        (convolution, "kind Reshape"),
        (lambda z: tf.reshape((2 * z) @ WEIGHTS32, (-1, 4, 3, 1)), "enters mul, of kind Mul"),
        (lambda z: tf.reshape(z @ (z[0, 0] * WEIGHTS32), (-1, 4, 3, 1)), "enters 2: "),
    ],
)
def test_generators_that_sefa_cannot_read(image, message):
    graph = as_graph(lambda z: {"image": image(z)}, CODE)
    with pytest.raises(UsageError, match=message) as error:
        sefa(Generator(graph), 2)
    assert "GANSpace does without" in str(error.value)


def test_ganspace_of_a_linear_generator_are_its_principal_axes():
    """Images z W have the covariance W^T W: components are right, their codes left vectors."""
    found = ganspace(dense_generator(WEIGHTS), 4, samples=4000)
    same_lines(found.vectors, LEFT.T[:4], 0.01)
    shares = np.square(VALUES[:4]) / np.square(VALUES).sum()
    np.testing.assert_allclose(found.about["shares of variance"], shares, atol=0.03)
    assert found.about["layer"] == "image"


def test_ganspace_is_regression_on_components_of_a_hidden_layer():
    generator = dense_generator(WEIGHTS, hidden=True)
    found = ganspace(generator, 3, samples=1500, seed=4)
    codes = generator.codes(1500, np.random.default_rng(4)).astype(np.float64)
    bias = np.random.default_rng(1).normal(size=12)
    hidden = np.maximum(codes @ WEIGHTS + bias.astype(np.float32), 0)
    _, components = np.linalg.eigh(np.cov(hidden.T))
    coordinates = (hidden - hidden.mean(axis=0)) @ components[:, ::-1][:, :3]
    expected = []
    for coordinate in coordinates.T:  # uncorrelated: each by itself
        line = np.array([np.cov(z, coordinate)[0, 1] for z in codes.T])
        expected.append(line / np.linalg.norm(line))
    same_lines(found.vectors, np.array(expected), 1e-4)
    assert found.about["layer"] == first_activation(generator.graph)
    again = ganspace(generator, 3, samples=1500, seed=4)
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_ganspace_looks_past_the_label():
    """Labels move the layer far more than codes; within a label all is as it was."""
    found = ganspace(dense_generator(WEIGHTS, labels=3), 3, samples=3000)
    same_lines(found.vectors, LEFT.T[:3], 0.01)


def test_ganspace_of_a_layer_by_name():
    generator = keras_generator()
    assert generator.graph["act"].op.name == first_activation(generator.graph)
    found = ganspace(generator, 3, layer="first", samples=4000)
    same_lines(found.vectors, LEFT.T[:3], 0.01)  # before any activation, it is SeFa
    with pytest.raises(LayerNotFoundError, match="act"):
        ganspace(generator, 2, layer="akt", samples=20)


def test_no_more_directions_than_there_are():
    for method in (sefa, ganspace):
        with pytest.raises(UsageError, match="1 to 6 .* not 7"):
            method(dense_generator(WEIGHTS), 7)
    flat = np.outer(LEFT[:, 0], RIGHT[:, 0]) + np.outer(LEFT[:, 1], RIGHT[:, 1])
    with pytest.raises(UsageError, match="image varies along 2 components only"):
        ganspace(dense_generator(flat), 3, samples=500)
    with pytest.raises(UsageError, match="SeFa needs one first layer"):
        sefa(bar_generator(), 2)
