"""Where a character's pixels come from: filters and chunks, against loops over the live model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.words import tiny
from tests.words.conftest import LABEL
from tfgenxai.errors import UsageError
from tfgenxai.words import (
    chunk_effects,
    chunk_relevance,
    chunk_slices,
    exchanged,
    filter_relevance,
    removed,
)


def parts_changed(images, whole):
    """Mean absolute change of each of two characters, one image after another."""
    halves = [slice(0, 16), slice(16, 32)]
    return np.array(
        [[np.abs(a[:, h] - b[:, h]).mean() for h in halves] for a, b in zip(images, whole)]
    )


def test_relevance_of_filters(graph, live, given):
    """Gradient times what the filters give; patches are the same numbers in other places."""
    found = filter_relevance(graph, given, "gradient_input")
    label = tf.constant(LABEL, tf.int64)
    filters = keras.Model(live.inputs, live.get_layer("generator_filters").output)
    at = filters([tf.constant(given["z"]), label])
    rest = graph.after("generator_filters")
    draw = rest.function(list(rest.inputs), "image")
    order = {"z": tf.constant(given["z"]), "generator_filters": at}
    for i in range(2):
        with tf.GradientTape() as tape:
            tape.watch(at)
            image = draw(*(order[name] for name in rest.inputs))
            total = tf.reduce_sum(image[:, :, 16 * i : 16 * (i + 1)], axis=(1, 2, 3))
        relevance = np.abs(tape.gradient(total, at) * at)
        np.testing.assert_allclose(found[:, i], relevance.sum(axis=2), rtol=1e-4)
    np.testing.assert_allclose(
        filter_relevance(graph, given, "gradient_input", layer="generator_patches"),
        found,
        rtol=1e-4,
    )


def test_interventions_on_filters(graph, draw, given):
    whole = draw(given["z"], LABEL)
    alone = exchanged(graph, given["z"], LABEL, tiny.CHARACTERS, others=2)
    for j in range(2):
        changes = []
        for step in (1, 2):  # with three characters, both others
            other = LABEL.copy()
            other[:, j] = (other[:, j] + step) % tiny.CHARACTERS
            changes.append(parts_changed(draw(given["z"], other), whole))
        np.testing.assert_allclose(alone[:, :, j], np.mean(changes, axis=0), rtol=1e-4, atol=1e-7)
    gone = removed(graph, given)
    assert gone.shape == (3, 2, 2) and (gone > 0).all()
    # Without attention a character's patch reaches half of the next one, and no further.
    near = tiny.graph_of(tiny.generator(attention=False)).with_shapes({"label": (3,)})
    three = {"z": given["z"], "label": np.array([[0, 1, 2]] * 3)}
    reach = removed(near, three)
    assert (reach[:, 0, 1] > 0).all() and not reach[:, 0, 2].any()
    relevance = filter_relevance(near, three, "gradient_input")
    np.testing.assert_array_equal(relevance > 0, reach > 0)


def test_chunks(graph, live, draw, given):
    assert chunk_slices(graph) == {"chunk 0": slice(0, 2), "chunk 1": slice(2, 4)}
    sizes, signed = chunk_relevance(graph, given, "gradient_input")
    z = tf.constant(given["z"])
    for i in range(2):
        with tf.GradientTape() as tape:
            tape.watch(z)
            image = (tf.tanh(live([z, tf.constant(LABEL, tf.int64)])) + 1) / 2
            total = tf.reduce_sum(image[:, :, 16 * i : 16 * (i + 1)], axis=(1, 2, 3))
        relevance = (tape.gradient(total, z) * z).numpy().reshape(3, 2, 2)
        np.testing.assert_allclose(sizes[:, i], np.abs(relevance).sum(-1), rtol=1e-4)
        np.testing.assert_allclose(signed[:, i], relevance.sum(-1), rtol=1e-3, atol=1e-3)
    drawn = np.random.default_rng(6).standard_normal((2, 3, 4)).astype(np.float32)
    changes, images = chunk_effects(graph, given, drawn)
    whole = draw(given["z"], LABEL)
    for k, columns in enumerate([slice(0, 2), slice(2, 4)]):
        parts = []
        for n, other in enumerate(drawn):
            mixed = given["z"].copy()
            mixed[:, columns] = other[:, columns]
            np.testing.assert_allclose(images[n, k], draw(mixed, LABEL), atol=1e-5)
            parts.append(parts_changed(images[n, k], whole))
        np.testing.assert_allclose(changes[..., k], np.mean(parts, axis=0), rtol=1e-4, atol=1e-6)


def test_graphs_without_chunks(reader):
    with pytest.raises(UsageError, match="has no chunks of a style"):
        chunk_slices(reader)
