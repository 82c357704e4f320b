"""The parts of a coded GAN's z, on a generator that draws z itself."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent.codes import (
    CodeParts,
    category_codes,
    code_grid,
    code_walk,
    read_codes,
    value_codes,
)
from tfgenxai.latent.generator import Generator

PARTS = CodeParts(noise=3, categories=4, continuous=2)


@pytest.fixture(scope="module")
def generator():
    """Its image (9, 1, 1) is the code, half of it, so that every part can be read off."""

    @tf.function(input_signature=[tf.TensorSpec((None, 9), tf.float32, "z")])
    def generate(z):
        return {"image": z[:, :, None, None] / 2}

    @tf.function(input_signature=[tf.TensorSpec((None, 9), tf.float32, "eps")])
    def prior(eps):
        noise, category, continuous = tf.split(eps, [3, 4, 2], axis=1)
        one = tf.one_hot(tf.argmax(category, axis=1), 4)
        return {"z": tf.concat([tf.tanh(noise), one, tf.tanh(continuous)], axis=1)}

    return Generator(Graph.from_function(generate), Graph.from_function(prior))


def test_parts_are_read_and_set(generator):
    codes = generator.codes(6, np.random.default_rng(0))
    np.testing.assert_array_equal(PARTS.category(codes), codes[:, 3:7].argmax(axis=1))
    np.testing.assert_array_equal(PARTS.values(codes), codes[:, 7:])
    changed = PARTS.with_value(PARTS.with_category(codes, 2), 1, 0.25)
    np.testing.assert_array_equal(changed[:, 3:7], np.tile([0, 0, 1, 0], (6, 1)))
    np.testing.assert_array_equal(changed[:, 8], np.full(6, 0.25))
    np.testing.assert_array_equal(changed[:, [0, 1, 2, 7]], codes[:, [0, 1, 2, 7]])


def test_a_grid_changes_the_category_alone(generator):
    grid = 2 * code_grid(generator, PARTS, draws=5, seed=1)[..., 0, 0]
    assert grid.shape == (4, 5, 9)
    np.testing.assert_array_equal(PARTS.category(grid), np.arange(4)[:, None].repeat(5, axis=1))
    rest = grid[..., [0, 1, 2, 7, 8]]
    np.testing.assert_array_equal(rest, np.broadcast_to(rest[:1], rest.shape))
    assert len(np.unique(rest[0], axis=0)) == 5


def test_a_walk_changes_one_value_along_each_row(generator):
    walk = 2 * code_walk(generator, PARTS, 1, seed=1)[..., 0, 0]
    assert walk.shape == (4, 9, 9)
    np.testing.assert_allclose(walk[..., 8], np.tile(np.linspace(-2, 2, 9), (4, 1)))
    np.testing.assert_array_equal(PARTS.category(walk), np.arange(4)[:, None].repeat(9, axis=1))
    assert len(np.unique(walk[..., [0, 1, 2, 7]].reshape(36, 4), axis=0)) == 1


def test_codes_of_every_category_and_value(generator):
    codes = generator.codes(3, np.random.default_rng(0))
    assert category_codes(PARTS, codes).shape == (4, 3, 9)
    along = value_codes(PARTS, codes, 0, [-1, 1])
    np.testing.assert_array_equal(along[..., 7], np.tile([-1, 1], (3, 1)))
    np.testing.assert_array_equal(along[:, 0, :7], codes[:, :7])


def test_parts_are_those_of_the_card():
    config = {"noise": 3, "categories": 4, "continuous": 2, "seed": 0}
    model = types.SimpleNamespace(card={"architecture": {"config": config}})
    assert CodeParts.of(model) == PARTS and PARTS.width == 9
    with pytest.raises(ModelNotFoundError, match="'noise' is missing"):
        CodeParts.of({})


def test_what_is_not_there_is_refused(generator):
    codes = generator.codes(2, np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="from 0 to 3"):
        PARTS.with_category(codes, 4)
    with pytest.raises(InvalidInputError, match="no continuous code 2"):
        PARTS.with_value(codes, 2, 0.0)
    with pytest.raises(InvalidInputError, match="9 dimensions"):
        PARTS.category(codes[:, :8])


def test_q_reads_in_batches_with_labels_where_it_takes_them():
    image = tf.TensorSpec((None, 2, 2, 1), tf.float32, "image")

    @tf.function(input_signature=[image, tf.TensorSpec((None,), tf.int64, "label")])
    def infer(image, label):
        pixels = tf.reshape(image, (-1, 4))
        return {"logits": pixels[:, :3] + tf.cast(label, tf.float32)[:, None], "continuous": pixels}

    graph = Graph.from_function(infer)
    images = np.random.default_rng(0).random((7, 2, 2, 1), dtype=np.float32)
    logits, continuous = read_codes(graph, images, np.arange(7), batch_size=3)
    np.testing.assert_array_equal(continuous, images.reshape(7, 4))
    np.testing.assert_allclose(logits, images.reshape(7, 4)[:, :3] + np.arange(7)[:, None])
    np.testing.assert_allclose(read_codes(graph, images, 2)[0], continuous[:, :3] + 2)
    with pytest.raises(UsageError, match="takes labels"):
        read_codes(graph, images)
