import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.inversion import invert

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 8)).astype(np.float32)
BIAS = RNG.normal(size=8).astype(np.float32)


def as_graph(function, *specs):
    return Graph.from_function(tf.function(function, input_signature=specs).get_concrete_function())


Z = tf.TensorSpec((None, 3), tf.float32, "z")


@pytest.fixture(scope="module")
def linear():
    graph = as_graph(lambda z: {"image": tf.reshape(z @ WEIGHTS + BIAS, (-1, 2, 4, 1))}, Z)
    return Generator(graph)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((5, 2, 4, 1), dtype=np.float32)


def ridge(images, penalty):
    """Argmin over z of mean((zW + b - x)^2) + penalty * mean(z^2), as normal equations."""
    x = images.reshape(len(images), -1) - BIAS
    pixels, width = x.shape[1], 3
    left = WEIGHTS @ WEIGHTS.T / pixels + penalty / width * np.eye(width)
    return np.linalg.solve(left, WEIGHTS @ x.T / pixels).T


@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_a_linear_generator_has_the_least_squares_solution(linear, images, penalty):
    found = invert(linear, images, steps=400, restarts=2, penalty=penalty)
    expected = ridge(images, penalty)
    np.testing.assert_allclose(found.codes, expected, atol=1e-3)
    made = (expected @ WEIGHTS + BIAS).reshape(images.shape)
    np.testing.assert_allclose(found.images, made, atol=2e-3)
    errors = np.mean((made - images) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(found.mse, errors, rtol=1e-2)
    assert found.restart_mse.shape == (5, 2)
    np.testing.assert_allclose(found.restart_mse[:, 0], found.restart_mse[:, 1], rtol=1e-2)
    assert found.trace.shape == (400,) and found.trace[0] > 2 * found.trace[-1]
    assert found.seconds > 0


def test_the_first_steps_are_adams(linear, images):
    import keras

    start = np.random.default_rng(7).standard_normal((1, 1, 3))[0].astype(np.float32)
    z = tf.Variable(start)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 4)
    optimizer = keras.optimizers.Adam(schedule, epsilon=1e-8)
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.reshape(z @ WEIGHTS + BIAS, (-1, 2, 4, 1)) - images[:1]) ** 2)
        optimizer.apply([tape.gradient(loss, z)], [z])
    found = invert(linear, images[:1], steps=4, restarts=1, seed=7)
    np.testing.assert_allclose(found.codes, z.numpy(), atol=1e-5)


def test_restarts_find_the_better_of_two_valleys():
    """G(z) = z^2 - z: an image of 6 has the codes 3 and -2; the penalty prefers -2."""

    def both(z):
        return {"image": tf.reshape(z**2 - z, (-1, 1, 1, 1))}

    graph = as_graph(both, tf.TensorSpec((None, 1), tf.float32, "z"))
    images = np.full((6, 1, 1, 1), 6.0, np.float32)
    one = invert(Generator(graph), images, steps=300, restarts=1, penalty=1e-4).codes[:, 0]
    assert {round(float(code)) for code in one} == {-2, 3}
    best = invert(Generator(graph), images, steps=300, restarts=12, penalty=1e-4).codes[:, 0]
    np.testing.assert_allclose(best, -2, atol=1e-2)


def test_batches_and_seeds(linear, images):
    whole, pieces = (invert(linear, images, steps=20, batch=b, restarts=3) for b in (64, 4))
    np.testing.assert_allclose(whole.codes, pieces.codes, atol=1e-5)
    np.testing.assert_allclose(whole.trace, pieces.trace, atol=1e-5)
    other = invert(linear, images, steps=20, restarts=3, seed=1)
    assert not np.allclose(whole.codes, other.codes, atol=1e-3)


def test_a_generated_image_is_found_again_and_a_label_is_obeyed():
    def made(z, label):
        shift = tf.one_hot(label, 2) @ tf.constant([[0.0] * 8, [3.0] * 8])
        return {"image": tf.reshape(tf.tanh(0.3 * z @ WEIGHTS) + shift, (-1, 2, 4, 1))}

    graph = as_graph(made, Z, tf.TensorSpec((None,), tf.int32, "label"))
    codes = np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)
    labels = np.array([0, 1, 1, 0])
    images = graph.function(["z", "label"], "image")(codes, labels.astype(np.int32)).numpy()
    # Not saturated, so that an image has one code.
    generator = Generator(graph, classes=2)
    found = invert(generator, images, labels=labels, steps=300, batch=8)
    np.testing.assert_allclose(found.codes, codes, atol=0.05)
    assert found.mse.max() < 1e-4
    wrong = invert(generator, images, labels=1 - labels, steps=50)
    assert wrong.mse.min() > 1


def test_the_search_starts_at_codes_of_the_prior(linear, images):
    eps = tf.TensorSpec((None, 3), tf.float32, "eps")
    prior = as_graph(lambda eps: {"z": 5.0 + tf.math.erf(eps)}, eps)
    generator = Generator(linear.graph, prior)
    found = invert(generator, images, steps=1, restarts=2, learning_rate=1e-6, seed=3)
    starts = generator.codes(10, np.random.default_rng(3)).reshape(5, 2, 3)
    assert starts.min() > 4
    best = starts[np.arange(5), found.restart_mse.argmin(axis=1)]
    np.testing.assert_allclose(found.codes, best, atol=1e-4)
    with pytest.raises(UsageError, match="penalty= is for standard normal codes"):
        invert(generator, images, penalty=0.1)


def test_errors(linear, images):
    with pytest.raises(UsageError, match="at least 1"):
        invert(linear, images, steps=0)
    with pytest.raises(UsageError, match="does not take labels"):
        invert(linear, images, labels=np.zeros(5, int))
    with pytest.raises(InvalidInputError, match="makes images"):
        invert(linear, images[:, :1])
    with pytest.raises(InvalidInputError, match="finite"):
        invert(linear, images * np.nan)
