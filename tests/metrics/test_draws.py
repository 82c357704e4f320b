import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import ModelNotFoundError
from tfgenxai.graph import Graph
from tfgenxai.metrics.draws import draw

CODE = tf.TensorSpec((None, 2), tf.float32, "z")
LABEL = tf.TensorSpec((None,), tf.int32, "label")


def as_graph(function, *specs):
    return Graph.from_function(tf.function(function, input_signature=specs).get_concrete_function())


def image(z):
    return {"image": tf.reshape(z, (-1, 2, 1, 1))}


def test_codes_are_standard_normal_and_seeded():
    model = {"generate": as_graph(image, CODE)}
    found = draw(model, 600, seed=5)
    np.testing.assert_array_equal(found.images.reshape(600, 2), found.codes)
    assert abs(found.codes.mean()) < 0.15 and abs(found.codes.std() - 1) < 0.1
    np.testing.assert_array_equal(found.codes, draw(model, 600, seed=5).codes)
    assert not np.array_equal(found.codes, draw(model, 600, seed=6).codes)
    assert found.labels is None


def test_a_model_with_a_prior_of_its_own():
    eps = tf.TensorSpec((None, 2), tf.float32, "eps")
    prior = as_graph(lambda eps: {"z": tf.sign(eps)}, eps)
    generate = as_graph(image, CODE)
    found = draw({"generate": generate, "prior": prior}, 300, seed=5)
    normal = draw({"generate": generate}, 300, seed=5).codes
    np.testing.assert_array_equal(found.codes, np.sign(normal))
    np.testing.assert_array_equal(found.images.reshape(300, 2), found.codes)


def test_a_decoder_draws_and_a_conditional_model_draws_all_classes_in_turn():
    def labelled(z, label):
        return {"image": tf.cast(label, tf.float32)[:, None, None, None] + 0 * image(z)["image"]}

    decoder = as_graph(labelled, CODE, LABEL)
    found = draw({"encode": None, "decode": decoder}, 300, classes=4)
    np.testing.assert_array_equal(found.labels, np.arange(300) % 4)
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], found.labels)


def test_models_that_draw_nothing():
    other = as_graph(lambda z, style: image(z + style), CODE, tf.TensorSpec((2,), name="style"))
    logits = as_graph(lambda z: {"logits": z}, CODE)
    for model in ({}, {"generate": other}, {"decode": logits}):
        with pytest.raises(ModelNotFoundError, match="draws nothing"):
            draw(model, 3)
