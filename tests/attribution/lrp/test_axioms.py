"""What every composite must satisfy, whatever the architecture."""

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given

from tests.attribution.lrp.architectures import examples, inputs_of, models
from tfgenxai.attribution import LRP
from tfgenxai.attribution.lrp import composites, read
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import Output

# Keras draws initial weights while a strategy runs; `randomise` replaces them all.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

NAMES = (*composites.NAMES, "zero", "gamma", "z_plus", "alpha2_beta1", "w_square", "flat")


def explain(graph, images, composite, dtype):
    """Relevance of the elements of the only output, without a compiled function."""
    (name,) = graph.outputs
    method = LRP(graph, composite, dtype=dtype, low=-9, high=9)
    explained = method._explained(Output(name))
    kernel = method.kernel(explained)
    found = kernel(Feeds({method.wrt: tf.constant(images)}, explained.shared))
    return found.map(lambda tensor: tensor.numpy())


@examples(12)
@given(models(), st.sampled_from(NAMES))
def test_no_relevance_is_lost_without_account(model, composite):
    graph = Graph.from_keras(model)
    images = inputs_of(model, 3, 0)
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-10)):
        found = explain(graph, images, composite, dtype)
        assert set(found.parts) == {"bias", "stabiliser"}
        accounted = found.delta + found.parts["bias"] + found.parts["stabiliser"]
        arrived = np.abs(found.values).sum(axis=tuple(range(2, found.values.ndim)))
        scale = np.maximum(arrived + sum(map(np.abs, found.parts.values())), 1e-3)
        np.testing.assert_allclose(accounted / scale, 0, atol=tolerance)


@examples(10)
@given(models())
def test_the_network_computes_what_the_model_does(model):
    graph = Graph.from_keras(model)
    images = inputs_of(model, 5, 1)
    (source,), (target,) = graph.inputs.values(), graph.outputs.values()
    network = read.read(graph, source, target)
    expected = model(images).numpy()
    found = network.forward(tf.constant(images)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    double = network.forward(tf.constant(images, tf.float64))
    assert double.dtype == tf.float64
    np.testing.assert_allclose(double.numpy(), expected, rtol=1e-5, atol=1e-5)


@examples(8)
@given(models(piecewise_linear=True, dtype="float64"))
def test_lrp_0_is_gradient_times_input(model):
    images = tf.constant(inputs_of(model, 3, 2), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = tf.reshape(model(images), (3, -1))
    expected = tape.batch_jacobian(outputs, images).numpy() * images.numpy()[:, None]
    graph = Graph.from_keras(model)
    found = explain(graph, images, "zero", "float64")
    # TensorFlow resizes bilinearly in float32, whatever the model's type.
    resizes = any(getattr(layer, "interpolation", "") == "bilinear" for layer in model.layers)
    scale = max(np.abs(expected).max(), 1e-9)
    tolerance = 1e-6 if resizes else 1e-11
    np.testing.assert_allclose(found.values / scale, expected / scale, atol=tolerance)
