import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent.generator import Generator, find_generator

CODE = tf.TensorSpec((None, 2), tf.float32, "z")
LABEL = tf.TensorSpec((None,), tf.int64, "label")


class Carded(dict):
    card = {"architecture": {"config": {"num_classes": 4}}}


def as_graph(function, *specs):
    return Graph.from_function(tf.function(function, input_signature=specs).get_concrete_function())


def image(z):
    return {"image": tf.reshape(z, (-1, 2, 1, 1))}


def labelled(z, label):
    return {"image": image(z)["image"] + tf.cast(label, tf.float32)[:, None, None, None]}


def test_generate_comes_before_decode_and_other_graphs_are_passed_over():
    other = as_graph(lambda z, style: image(z + style), CODE, tf.TensorSpec((2,), name="style"))
    logits = as_graph(lambda z: {"logits": z}, CODE)
    plain = as_graph(image, CODE)
    assert find_generator({"generate": other, "decode": plain}) is plain
    assert find_generator({"generate": plain, "decode": logits}) is plain
    for model in ({}, {"generate": other}, {"decode": logits}):
        assert find_generator(model) is None
        with pytest.raises(ModelNotFoundError, match="draws nothing"):
            Generator.of(model)


def test_one_without_labels():
    found = Generator.of({"generate": as_graph(image, CODE)})
    assert (found.width, found.conditional, found.classes, found.labels(3)) == (2, False, 0, None)
    codes = found.codes(5, np.random.default_rng(0))
    expected = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_array_equal(found.images(codes)[:, :, 0, 0], codes)
    with pytest.raises(UsageError, match="takes no labels"):
        found.images(codes, 1)


def test_a_conditional_one_knows_its_classes():
    model = Carded(generate=as_graph(labelled, CODE, LABEL))
    found = Generator.of(model)
    assert found.conditional and found.classes == 4
    assert Generator.of(dict(model)).classes == 10
    assert Generator.of(model, classes=3).classes == 3
    np.testing.assert_array_equal(found.labels(6), [0, 1, 2, 3, 0, 1])
    grid = found.images(np.zeros((2, 3, 2)), np.arange(3))
    np.testing.assert_array_equal(grid[..., 0, 0, 0], [[0, 1, 2]] * 2)
    with pytest.raises(UsageError, match="takes a label beside each code"):
        found.images(np.zeros((2, 2)))


def test_a_prior_of_its_own():
    eps = tf.TensorSpec((None, 2), tf.float32, "eps")
    model = {
        "generate": as_graph(image, CODE),
        "prior": as_graph(lambda eps: {"z": tf.sign(eps)}, eps),
    }
    codes = Generator.of(model).codes(50, np.random.default_rng(1))
    np.testing.assert_array_equal(
        codes, np.sign(np.random.default_rng(1).standard_normal((50, 2)).astype(np.float32))
    )
