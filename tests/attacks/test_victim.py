"""The slope that attacks follow, against cross-entropy in double precision."""

import numpy as np
import pytest
import tensorflow as tf

from tests.attacks.oracles import cross_entropy_slope, freeze, linear_classifier, unit
from tfgenxai.attacks.victim import Victim, image_input
from tfgenxai.errors import UsageError


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_it_points_along_the_gradient_of_cross_entropy_also_of_a_sure_classifier(
    linear, images, scale
):
    model = linear_classifier(scale * linear.weights, scale * linear.bias)
    victim = Victim(model.graph)
    labels = victim.votes(images)
    np.testing.assert_array_equal(labels, model.logits(images).argmax(axis=1))
    expected = unit(cross_entropy_slope(model, images, labels))
    np.testing.assert_allclose(unit(victim.slope(images, labels)), expected, atol=1e-4)
    if scale > 1:  # where TensorFlow's own is 0, or points elsewhere
        x = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = victim.function(x)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        plain = tape.gradient(loss, x).numpy().reshape(len(images), -1)
        along = np.sum(plain * expected, axis=1)
        assert (along < 0.9 * np.maximum(np.linalg.norm(plain, axis=1), 1e-30)).any()


def test_the_margin_is_above_zero_when_misled(linear, images):
    victim = Victim(linear.graph)
    labels = np.array([0, 1, 2, 3, 0, 1])
    logits = linear.logits(images)
    expected = [
        max(row[k] for k in range(4) if k != label) - row[label]
        for row, label in zip(logits, labels)
    ]
    np.testing.assert_allclose(victim.margin(images, labels), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(victim.margin(images, labels) > 0, victim.votes(images) != labels)


def test_what_cannot_be_attacked():
    one = freeze(lambda image: {"logits": tf.reduce_sum(image, axis=(1, 2))})
    with pytest.raises(UsageError, match="not one a class"):
        Victim(one)
    flat = freeze(lambda image: {"logits": image}, (7,))
    with pytest.raises(UsageError, match="takes images alone"):
        image_input(flat)
    drawn = freeze(lambda image: {"image": image, "mean": image})
    with pytest.raises(UsageError, match="logits"):
        Victim(drawn)
    assert image_input(drawn) == "image"
