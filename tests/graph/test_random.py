"""Random numbers in a frozen graph: fresh at each call, or fed."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgenxai.graph import Graph


@pytest.fixture(scope="module")
def graph(cvae):
    return Graph.from_keras(cvae)


@pytest.fixture
def images(rng):
    return rng.random((5, 16, 16, 1), np.float32)


def test_random_numbers_are_fresh_and_may_be_fed(graph, cvae, images, rng):
    (noise,) = graph.random
    cut = graph.function("input", "output")
    assert np.abs(cut(images) - cut(images)).max() > 1e-4
    drawn = rng.normal(size=(5, 3)).astype(np.float32)
    mean, logvar = tf.split(cvae.encoder(images), 2, axis=1)
    want = tf.sigmoid(cvae.decoder(mean + tf.exp(logvar * 0.5) * drawn))
    got = graph.function(["input", noise], "output")(images, drawn)
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_keras_seed_generator_does_not_freeze_the_noise(rng):
    class Sampling(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.seed_generator = keras.random.SeedGenerator(1)

        def call(self, mean):
            return mean + keras.random.normal(keras.ops.shape(mean), seed=self.seed_generator)

    entry = layers.Input((8,), name="x")
    model = keras.Model(entry, Sampling(name="z")(layers.Dense(4, name="mu")(entry)))
    graph = Graph.from_keras(model)
    assert [(row.name, row.kind) for row in graph.layers] == [("mu", "Dense"), ("z", "Sampling")]
    draw = graph.function("x", "z")
    x = np.ones((4000, 8), np.float32)
    first, second = draw(x) - model.layers[1](x), draw(x) - model.layers[1](x)
    assert np.abs(first - second).max() > 1
    np.testing.assert_allclose([np.mean(first), np.std(first)], [0, 1], atol=0.05)
    (noise,) = graph.random
    fixed = graph.function(["x", noise], "z")
    np.testing.assert_allclose(fixed(x[:2], np.zeros((2, 4))), model.layers[1](x[:2]), atol=1e-6)


def test_tf_random_generator():
    class Noise(tf.Module):
        def __init__(self):
            self.generator = tf.random.Generator.from_seed(1)

        @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])
        def __call__(self, x):
            return x + self.generator.normal(tf.shape(x))

    module = Noise()
    draw = Graph.from_function(module.__call__).function("x", "output")
    x = np.zeros((3000, 2))
    assert np.abs(draw(x) - draw(x)).max() > 1
    np.testing.assert_allclose(np.std(draw(x)), 1, atol=0.05)


def test_seed_that_is_only_cast_does_not_freeze_the_noise():
    state = tf.Variable([1, 2], dtype=tf.int64)

    @tf.function(input_signature=[tf.TensorSpec((None, 2), name="x")])
    def noise(x):
        seed = tf.cast(state, tf.int32)
        state.assign_add([0, 1])
        return x + tf.random.stateless_normal(tf.shape(x), seed)

    draw = Graph.from_function(noise).function("x", "output")
    assert np.abs(draw(np.zeros((9, 2))) - draw(np.zeros((9, 2)))).max() > 0.1


def test_batch_size_that_is_read_from_the_image_comes_from_the_cut():
    class Encoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 3, 2, name="conv")
            self.flat = layers.Flatten()
            self.mu = layers.Dense(3, name="mu")

        def call(self, x):
            return self.mu(self.flat(self.conv(x))) + tf.random.normal((tf.shape(x)[0], 3))

    model = Encoder()
    model(np.zeros((1, 8, 8, 1)))
    cut = Graph.from_keras(model).function("conv", "output")
    for n in (1, 4):
        assert cut(np.zeros((n, 3, 3, 2))).shape == (n, 3)
