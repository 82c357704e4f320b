import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.metrics import scores as scores_module
from tfgenxai.metrics.scores import Scores
from tfgenxai.targets import ClassLogit, Latent, Output

SIDE = 6


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    x = keras.Input((SIDE, SIDE, 2), name="image")
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(3, name="logits")(keras.layers.Flatten()(y)))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((7, SIDE, SIDE, 2), dtype=np.float32)


def test_every_variant_of_every_sample_with_its_own_class(classifier, images, monkeypatch):
    monkeypatch.setattr(scores_module, "ROWS", 4)
    graph = Graph.from_keras(classifier)
    labels = np.array([0, 1, 2, 2, 1, 0, 1])
    scores = Scores(graph, images, ClassLogit(labels, output=next(iter(graph.outputs))))
    factors = np.array([1.0, 0.5, 0.0], np.float32)
    found = scores.over(3, lambda n, v: images[n] * factors[v][:, None, None, None])
    assert found.shape == (7, 3) and found.dtype == np.float64
    for n in range(7):
        for v in range(3):
            expected = classifier(images[n : n + 1] * factors[v]).numpy()[0, labels[n]]
            np.testing.assert_allclose(found[n, v], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(scores.plain(), found[:, 0])


def test_other_inputs_and_noise_stay_the_samples_own():
    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 3), tf.float32, name="x"),
            tf.TensorSpec((None, 3), tf.float32, name="weights"),
        ]
    )
    def noisy(x, weights):
        mean = tf.reduce_sum(x * weights, axis=1, keepdims=True)
        return {"mean": mean, "z": mean + tf.random.normal(tf.shape(mean))}

    graph = Graph.from_function(noisy.get_concrete_function())
    x, weights = np.random.default_rng(2).standard_normal((2, 5, 3)).astype(np.float32)
    given = {"x": x, "weights": weights}
    scores = Scores(graph, given, Latent(0, at="sample"), seed=4)
    noise = scores.plain() - (x * weights).sum(axis=1)
    assert np.abs(noise).min() > 1e-3 and len(np.unique(noise)) == 5
    doubled = scores.over(2, lambda n, v: x[n] * (1 + v[:, None]).astype(np.float32))
    expected = np.stack([(x * weights).sum(axis=1) * k + noise for k in (1, 2)], axis=1)
    np.testing.assert_allclose(doubled, expected, atol=1e-5)
    # The draws of a sample depend on the seed and its place, not on who else is there.
    few = Scores(graph, {k: v[:2] for k, v in given.items()}, Latent(0, at="sample"), seed=4)
    np.testing.assert_allclose(few.plain(), scores.plain()[:2], atol=1e-6)
    other = Scores(graph, given, Latent(0, at="sample"), seed=5)
    assert not np.allclose(other.plain(), scores.plain())


def test_a_graph_of_one_size_of_batch(classifier, images):
    def fixed(size):
        spec = tf.TensorSpec((size, SIDE, SIDE, 2), tf.float32, name="image")

        def call(image):
            logits = classifier(image)
            return {"logits": logits, "z": logits + tf.random.normal(tf.shape(logits))}

        return Graph.from_function(tf.function(call, [spec]).get_concrete_function())

    found = [
        Scores(fixed(size), images, target).over(2, lambda n, v: images[n] * v[:, None, None, None])
        for size in (None, 3)
        for target in (ClassLogit(np.arange(7) % 3), Output("z", 1))
    ]
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)
    np.testing.assert_allclose(found[3], found[1], atol=1e-5)


def test_errors(classifier, images):
    graph = Graph.from_keras(classifier)
    name = next(iter(graph.outputs))
    with pytest.raises(UsageError, match="family of 3"):
        Scores(graph, images, Output(name))
    with pytest.raises(InvalidInputError, match="rows for 4 samples; there are 7"):
        Scores(graph, images, ClassLogit([0, 1, 2, 1], output=name))
    with pytest.raises(InvalidInputError, match="Images must lie"):
        Scores(graph, 2 * images, Output(name, 0))
    with pytest.raises(InvalidInputError, match="nothing"):
        Scores(graph, iter([]), Output(name, 0))
