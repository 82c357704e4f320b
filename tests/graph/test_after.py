"""What follows a layer computes what the whole does, and takes what passes the layer by."""

import keras
import numpy as np
import pytest
from keras import layers

from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.graph import Graph


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    x, style = keras.Input((4,), name="x"), keras.Input((2,), name="style")
    unused = keras.Input((1,), name="unused")
    y = layers.Dense(3, name="first")(layers.Concatenate(name="both")([x, unused]))
    y = layers.Dense(5, activation="relu", name="second")(y)
    y = layers.Multiply(name="scaled")([y, layers.Dense(5, name="gain")(style)])
    return keras.Model([x, style, unused], layers.Dense(2, name="last")(y))


def test_the_rest_of_a_network(model):
    graph = Graph.from_keras(model)
    rest = graph.after("first")
    assert list(rest.inputs) == ["style", "first"]  # the others only lead to the layer
    assert [layer.name for layer in rest.layers if layer.variables] == ["second", "gain", "last"]
    rng = np.random.default_rng(1)
    given = {name: rng.random((3, *t.shape[1:]), np.float32) for name, t in graph.inputs.items()}
    (output,) = graph.outputs
    whole = graph.function(list(given), ["first", output])(*given.values())
    found = rest.function(["style", "first"], output)(given["style"], whole[0])
    np.testing.assert_allclose(found, whole[1], rtol=1e-6)
    other = rest.function(["style", "first"], output)(given["style"], 0 * whole[0])
    assert np.abs(other - whole[1]).max() > 1e-3


def test_layers_that_cannot_become_an_input(model):
    graph = Graph.from_keras(model)
    with pytest.raises(LayerNotFoundError, match="Closest"):
        graph.after("secnd")
    with pytest.raises(UsageError, match="'style' of .* cannot become an input"):
        graph.after("style")
    with pytest.raises(UsageError, match="cannot become an input"):
        graph.after("second").after("gain").after("gain")
