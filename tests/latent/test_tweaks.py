"""Node tweaking on an encoder whose heatmaps can be written down."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent import most_active, tweak

SIDE, LATENTS, CHANNELS = 4, 3, 2
RANDOM = np.random.default_rng(3)
KERNEL = RANDOM.normal(size=(1, 1, 1, CHANNELS)).astype(np.float32)
TO_MEAN = RANDOM.normal(size=(SIDE * SIDE * CHANNELS, LATENTS)).astype(np.float32)
IMAGE = RANDOM.random((SIDE, SIDE, 1), np.float32)


@pytest.fixture(scope="module")
def encode() -> Graph:
    @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image")])
    def function(image):
        maps = tf.nn.conv2d(image, KERNEL, 1, "SAME", name="maps")
        return {"mean": tf.reshape(maps, (-1, SIDE * SIDE * CHANNELS)) @ TO_MEAN}

    return Graph.from_function(function)


def test_each_dimension_has_its_images_and_its_heatmap(encode, decode, draw_by_hand):
    found = tweak(encode, decode, IMAGE, [2, 0], steps=3)
    maps = IMAGE[..., 0, None] * KERNEL[0, 0, 0]
    code = maps.reshape(-1) @ TO_MEAN
    np.testing.assert_allclose(found.code, code, rtol=1e-4, atol=1e-5)
    for row, dimension in enumerate((2, 0)):
        # Liu et al. 2020: the mean gradient of each feature map weighs it.
        alpha = TO_MEAN[:, dimension].reshape(SIDE * SIDE, CHANNELS).mean(axis=0)
        expected = np.maximum((maps * alpha).sum(axis=-1), 0)
        np.testing.assert_allclose(found.heatmaps[row], expected, rtol=1e-4, atol=1e-5)
        for step, value in enumerate((-3.0, 0.0, 3.0)):
            moved = code.copy()
            moved[dimension] = value
            np.testing.assert_allclose(
                found.traversal.images[row, step], draw_by_hand(moved[None])[0], atol=1e-5
            )
    assert found.layer == "maps"


def test_a_conditional_model_is_told_the_label_on_both_sides(conditional, draw_by_hand):
    specs = [
        tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32, "image"),
        tf.TensorSpec((None,), tf.int64, "label"),
    ]

    @tf.function(input_signature=specs)
    def function(image, label):
        maps = tf.nn.conv2d(image, KERNEL, 1, "SAME", name="maps")
        mean = tf.reshape(maps, (-1, SIDE * SIDE * CHANNELS)) @ TO_MEAN
        return {"mean": mean + tf.cast(label, tf.float32)[:, None]}

    graph = Graph.from_function(function)
    found = tweak(graph, conditional, IMAGE, [1], steps=2, extra={"label": 3})
    code = (IMAGE[..., 0, None] * KERNEL[0, 0, 0]).reshape(-1) @ TO_MEAN + 3
    code[1] = -3.0
    np.testing.assert_allclose(
        found.traversal.images[0, 0], draw_by_hand(code[None], 3)[0], atol=1e-5
    )
    with pytest.raises(UsageError, match="label"):
        tweak(graph, conditional, IMAGE, [1])


def test_the_most_active_dimensions_vary_most():
    codes = RANDOM.normal(size=(50, 4)) * [1, 3, 0.01, 2]
    assert most_active(codes, 3) == (1, 3, 0)
