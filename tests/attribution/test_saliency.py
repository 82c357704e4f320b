import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import Saliency
from tfgenxai.attribution.base import MEMORY
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Latent,
    NegativeElbo,
    Output,
    ReconstructionError,
    Scalar,
)


def slow_gradients(scalar, inputs, **row_arguments):
    """One sample at a time, on the live model."""
    found = []
    for i in range(len(inputs)):
        sample = tf.constant(inputs[i : i + 1])
        rows = {name: values[i : i + 1] for name, values in row_arguments.items()}
        with tf.GradientTape() as tape:
            tape.watch(sample)
            value = tf.reduce_sum(scalar(sample, **rows))
        found.append(tape.gradient(value, sample).numpy()[0])
    return np.stack(found)


def test_a_linear_model_has_its_weights_as_saliency(linear, images):
    weights, graph = linear
    expected = weights.T.reshape(-1, *images.shape[1:])
    family = Saliency(graph, signed=True)(images, Latent.all())
    assert family.values.shape == (7, 5, 12, 12, 1)
    np.testing.assert_allclose(family.values, np.broadcast_to(expected, family.values.shape))
    one = Saliency(graph)(images, Latent(2))
    np.testing.assert_allclose(one.values, np.broadcast_to(np.abs(expected[2]), images.shape))
    assert (one.family, one.target_names, one.input_shape) == (False, ("z2",), (12, 12, 1))


def test_of_a_latent_mean(encoder, images):
    expected = slow_gradients(lambda x: encoder.model(x)[0][:, 3], images)
    found = Saliency(encoder.graph)(images, Latent(3)).values
    np.testing.assert_allclose(found, np.abs(expected), rtol=1e-4, atol=1e-7)
    signed = Saliency(encoder.graph, signed=True)(images, Latent(3)).values
    np.testing.assert_allclose(signed, expected, rtol=1e-4, atol=1e-7)


def test_of_a_class_probability(classifier, images):
    expected = slow_gradients(lambda x: tf.nn.softmax(classifier.model(x))[:, 1], images)
    found = Saliency(classifier.graph)(images, Output("probabilities", 1)).values
    np.testing.assert_allclose(found, np.abs(expected), rtol=1e-4, atol=1e-7)


def test_of_the_reconstruction_error(autoencoder, images):
    def error(x):
        return tf.reduce_sum((x - tf.sigmoid(autoencoder.model(x))) ** 2)

    expected = slow_gradients(error, images)
    found = Saliency(autoencoder.graph)(images, ReconstructionError()).values
    np.testing.assert_allclose(found, np.abs(expected), rtol=1e-4, atol=1e-6)


def test_of_the_elbo_in_latent_space(encoder, decoder, images, codes):
    mean, logvar = (np.asarray(t) for t in encoder.model(images))

    def log_normal(z, mean, logvar):
        return -0.5 * ((z - mean) ** 2 / tf.exp(logvar) + logvar + np.log(2 * np.pi))

    def elbo(z, x, mean, logvar):
        p = tf.sigmoid(decoder.model(z))
        log_x = tf.reduce_sum(x * tf.math.log(p) + (1 - x) * tf.math.log(1 - p))
        return log_x + tf.reduce_sum(log_normal(z, 0.0, 0.0) - log_normal(z, mean, logvar))

    expected = slow_gradients(elbo, codes, x=images, mean=mean, logvar=logvar)
    found = Saliency(decoder.graph)(codes, NegativeElbo(images, mean, logvar), batch_size=3)
    assert found.values.shape == codes.shape
    np.testing.assert_allclose(found.values, np.abs(expected), rtol=1e-3, atol=1e-4)


def test_finite_differences_agree(classifier, images):
    def logit(x):
        return classifier.model(x[None].astype(np.float32)).numpy()[0, 0]

    x = images[0].astype(np.float64)
    found = Saliency(classifier.graph, signed=True)(images[:1], ClassLogit(0)).values[0]
    for place in [(3, 4, 0), (8, 1, 0), (6, 6, 0)]:
        step = np.zeros_like(x)
        step[place] = 1e-2
        slope = (logit(x + step) - logit(x - step)) / 2e-2
        assert found[place] == pytest.approx(slope, rel=0.05, abs=1e-4)


def test_a_family_is_its_members(encoder, images):
    method = Saliency(encoder.graph)
    family = method(images, Latent((4, 0, 2)))
    assert family.target_names == ("z4", "z0", "z2")
    for place, i in enumerate((4, 0, 2)):
        single = method(images, Latent(i)).values
        np.testing.assert_allclose(family.values[:, place], single, rtol=1e-4, atol=1e-7)


def test_every_sample_may_have_its_own_class(classifier, images):
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    method = Saliency(classifier.graph)
    own = method(images, ClassLogit(labels), batch_size=3).values
    every = method(images, ClassLogit.all()).values
    np.testing.assert_allclose(own, every[np.arange(7), labels], rtol=1e-4, atol=1e-7)


def test_dead_inputs_get_zero(encoder, images):
    target = Scalar(lambda outputs: tf.reduce_sum(tf.stop_gradient(outputs["mean"]), axis=1))
    assert not Saliency(encoder.graph)(images, target).values.any()


def test_the_second_call_does_not_retrace(encoder, images):
    method = Saliency(encoder.graph)
    for target in (Latent(0), Latent(4)):
        for batch in (images, images[:2], images[:1]):
            method(batch, target, batch_size=5)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1


def test_memory_bounds_the_batch(encoder, images, monkeypatch):
    monkeypatch.setattr("tfgenxai.attribution.gradients.MEMORY", 20_000)
    method = Saliency(encoder.graph)
    assert method.rows_at_once(Latent.all().on(encoder.graph)) == 20_000 // (4 * 5 * 144)
    found = method(images, Latent.all())
    monkeypatch.undo()
    np.testing.assert_allclose(found.values, method(images, Latent.all()).values, atol=1e-7)


def test_memory_counts_the_model_of_the_target(decoder, codes):
    wide = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(50, 3)])
    graph = Graph.from_keras(keras.Sequential([wide, keras.layers.GlobalMaxPooling2D()]))
    output = next(iter(graph.outputs))
    explained = ClassLogit.all(model=graph, output=output).on(decoder.graph)
    rows = Saliency(decoder.graph).rows_at_once(explained)
    assert rows == MEMORY // (4 * 50 * 10 * 10 * 50)


@pytest.mark.parametrize("k", [0, 3])
def test_tf_keras_vis_agrees(classifier, images, k):
    from tf_keras_vis.saliency import Saliency as Peer

    expected = Peer(classifier.model, clone=False)(
        lambda logits: logits[:, k], images, keepdims=True, normalize_map=False
    )
    found = Saliency(classifier.graph)(images, ClassLogit(k), batch_size=3).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_it_wants_a_graph(encoder):
    with pytest.raises(UsageError, match="from_keras"):
        Saliency(encoder.model)
    with pytest.raises(UsageError, match="wrt= must be one of image"):
        Saliency(encoder.graph, wrt="z")
