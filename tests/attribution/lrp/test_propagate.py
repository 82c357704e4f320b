"""Steps without a kernel, against loops and against what must hold; and the account kept."""

import numpy as np
import pytest
import tensorflow as tf

from tests.attribution.conftest import freeze
from tfgenxai.attribution.lrp import composites, facts, read
from tfgenxai.attribution.lrp.propagate import propagate

SHAPE = (4, 5, 2)


def relevances(function, x, arriving, composite="epsilon", shape=SHAPE, **options):
    """Relevance of x and the shares, for a function frozen into a graph."""
    graph = freeze(lambda x: {"y": function(x)}, tf.TensorSpec((None, *shape), name="x"))
    (source,), (target,) = graph.inputs.values(), graph.outputs.values()
    network = read.read(graph, source, target)
    known = facts.learn(network, 0.0, 1.0, is_nonnegative=False)
    by = composites.composite(composite, options.get("epsilon"), 0.25)
    rules = composites.assign(network, known, by, {})
    values = network.values(tf.constant(x, tf.float64))
    given = tf.constant(arriving, tf.float64)
    found = propagate(network, rules, known, values, given, network.output)
    return found.source.numpy(), {name: share.numpy() for name, share in found.shares.items()}


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size", [(2, 2), (3, 2)])
def test_max_pooling_gives_all_to_the_winner(size, padding):
    x = drawn(3, *SHAPE)
    y = tf.nn.max_pool2d(tf.constant(x), size, 2, padding).numpy()
    arriving = drawn(3, 2, *y.shape[1:], seed=2)
    found, shares = relevances(lambda x: tf.nn.max_pool2d(x, size, 2, padding), x, arriving)
    expected = np.zeros_like(found)
    # A window is where its maximum is found: values are all different.
    for n, i, j, c in np.ndindex(*y.shape):
        ((row,), (column,)) = np.nonzero(x[n, :, :, c] == y[n, i, j, c])
        expected[n, :, row, column, c] += arriving[n, :, i, j, c]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert not any(share.any() for share in shares.values())


def test_ties_have_one_winner():
    found, _ = relevances(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), np.ones((1, *SHAPE)),
                          np.ones((1, 1, 2, 2, 2)))  # fmt: skip
    assert sorted(found.ravel())[-8:] == [1.0] * 8 and found.sum() == 8


def test_the_greatest_place_of_all():
    x, arriving = drawn(3, *SHAPE), drawn(3, 2, 2, seed=2)
    found, _ = relevances(lambda x: tf.reduce_max(x, (1, 2)), x, arriving)
    for n, t, c in np.ndindex(3, 2, 2):
        expected = np.where(x[n, ..., c] == x[n, ..., c].max(), arriving[n, t, c], 0)
        np.testing.assert_allclose(found[n, t, ..., c], expected)


LINEAR = {
    "average pooling": lambda x: tf.nn.avg_pool2d(x, (3, 2), 2, "SAME"),
    "mean": lambda x: tf.reduce_mean(x, (1, 2)),
    "mean of channels": lambda x: tf.reduce_mean(x, -1, keepdims=True),
    "sum": lambda x: tf.reduce_sum(x, 2),
    "bilinear": lambda x: tf.cast(tf.image.resize(x, (7, 3)), x.dtype),
}


@pytest.mark.parametrize("epsilon", [1e-6, 0.3])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_steps_have_the_epsilon_rule(name, epsilon):
    function = LINEAR[name]
    x = drawn(2, *SHAPE)
    size = int(np.prod(SHAPE))
    unit = np.eye(size, dtype=np.float32).reshape(size, *SHAPE)
    matrix = np.asarray(function(tf.constant(unit)), np.float64).reshape(size, -1).T
    y = function(tf.constant(x, tf.float32)).numpy()
    arriving = drawn(2, 2, *y.shape[1:], seed=3)
    found, shares = relevances(function, x, arriving, epsilon=epsilon)
    for n, t in np.ndindex(2, 2):
        contributions = matrix * x[n].ravel()
        total = contributions.sum(axis=1)
        kept = arriving[n, t].ravel() / (total + epsilon * np.where(total >= 0, 1, -1))
        expected = kept @ contributions
        np.testing.assert_allclose(found[n, t].ravel(), expected, rtol=1e-5, atol=1e-5)
        lost = arriving[n, t].sum() - expected.sum()
        np.testing.assert_allclose(shares["stabiliser"][n, t], lost, rtol=1e-4, atol=1e-4)


def test_branches_share_by_what_they_add():
    x, arriving = drawn(3, 4), drawn(3, 2, 4, seed=2)
    found, shares = relevances(
        lambda x: tf.nn.relu(3 * x) + tf.nn.relu(-x) + 2 * tf.tanh(x), x, arriving, shape=(4,)
    )
    # All branches lead to the same element, so that all relevance gets there.
    np.testing.assert_allclose(
        found.sum(axis=2) + shares["stabiliser"], arriving.sum(axis=2), rtol=1e-10
    )
    np.testing.assert_allclose(found, arriving, rtol=1e-3)
    left, shares = relevances(lambda x: x[:, :2] - x[:, 2:], x, arriving[..., :2], shape=(4,))
    a, b = x[:, None, :2], -x[:, None, 2:]
    z = a + b + 1e-6 * np.where(a + b >= 0, 1, -1)
    expected = np.concatenate([a / z, b / z], axis=-1) * np.tile(arriving[..., :2], 2)
    np.testing.assert_allclose(left, expected, rtol=1e-10)
    assert not shares["bias"].any()


ROUTES = {
    "reshape": lambda x: tf.reshape(x, (-1, 40)),
    "transpose": lambda x: tf.transpose(x, (0, 3, 1, 2)),
    "slices": lambda x: x[:, 3:0:-1, ::2, tf.newaxis, 1],
    "tile": lambda x: tf.tile(x, (1, 2, 1, 3)),
    "broadcast": lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)),
    "nearest": lambda x: tf.image.resize(x, (7, 3), method="nearest"),
    "gather": lambda x: tf.gather(x, [1, 1, 3], axis=2),
    "blocks": lambda x: tf.nn.space_to_depth(x[:, :, :4], 2),
    "mirror": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [0, 0]], "REFLECT"),
    "concat": lambda x: tf.concat([x, x[:, :, 1:2], x], 2),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [3, 0]]),
    "pad with a value": lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [3, 0]], constant_values=-2.0),
    "constants": lambda x: tf.concat([tf.ones_like(x), x], 1),
}


@pytest.mark.parametrize("name", ROUTES)
def test_relevance_goes_back_to_where_elements_came_from(name):
    function = ROUTES[name]
    # Each element is its own number, so that the output says where it came from.
    numbers = np.arange(100.0, 140.0, dtype=np.float32).reshape(1, *SHAPE)
    origin = function(tf.constant(numbers)).numpy()[0]
    x, arriving = drawn(2, *SHAPE), drawn(2, 3, *origin.shape, seed=2)
    found, shares = relevances(function, x, arriving)
    expected = np.zeros((2, 3, 40))
    for place in np.ndindex(*origin.shape):
        if origin[place] >= 100:
            expected[:, :, int(origin[place]) - 100] += arriving[(..., *place)]
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-12, atol=1e-12)
    constants = arriving.reshape(2, 3, -1)[..., (origin < 100).ravel()].sum(axis=-1)
    np.testing.assert_allclose(shares["bias"], constants, rtol=1e-12, atol=1e-12)


def test_activations_pass():
    x, arriving = drawn(2, *SHAPE), drawn(2, 3, *SHAPE, seed=2)
    for function in (tf.nn.relu, tf.nn.leaky_relu, tf.tanh, tf.nn.elu, lambda x: tf.minimum(x, 1)):
        found, _ = relevances(function, x, arriving)
        np.testing.assert_array_equal(found, arriving)


def test_many_targets_are_as_many_runs():
    weights = drawn(2, 2, 2, 3).astype(np.float32)

    def function(x):
        y = tf.nn.leaky_relu(tf.nn.conv2d(x, weights, 1, "SAME") - 0.1)
        y = tf.nn.max_pool2d(y, 2, 2, "SAME") + tf.nn.avg_pool2d(y, 2, 2, "SAME")
        return tf.reshape(tf.concat([y, tf.pad(y, [[0, 0]] * 3 + [[1, 0]])], -1), (-1, 42))

    x, arriving = drawn(3, *SHAPE), drawn(3, 4, 42, seed=2)
    for composite in ("epsilon", "epsilon_alpha2_beta1_flat", "gamma"):
        together, shares = relevances(function, x, arriving, composite)
        for t in range(4):
            alone, own = relevances(function, x, arriving[:, t : t + 1], composite)
            np.testing.assert_allclose(together[:, t], alone[:, 0], rtol=1e-10, atol=1e-12)
            for name in shares:
                np.testing.assert_allclose(1 + shares[name][:, t], 1 + own[name][:, 0], rtol=1e-9)
