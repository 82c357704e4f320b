import keras
import numpy as np
import pytest
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam

from tfgenxai.attribution import GradCAM, LatentGradCAM
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Latent, ReconstructionError, Unit


def peer(model, score, images, layer):
    """tf-keras-vis on the live Keras model, which the graph knows nothing of."""
    return Gradcam(model, clone=False)(
        score,
        images,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        normalize_cam=False,
        expand_cam=False,
    )


@pytest.mark.parametrize("layer", ["conv_0", "conv_1"])
def test_equal_to_tf_keras_vis_on_the_source_model(classifier, images, layer):
    method = GradCAM(classifier.graph, layer)
    family = method(images, ClassLogit.all(), batch_size=4)
    assert family.values.shape[:2] == (7, 4) and family.values.any()
    for k in range(4):
        expected = peer(classifier.model, lambda scores, k=k: scores[:, k], images, layer)
        np.testing.assert_allclose(family.values[:, k], expected, rtol=1e-5, atol=1e-7)
        single = method(images, ClassLogit(k)).values
        np.testing.assert_allclose(single, expected, rtol=1e-5, atol=1e-7)


def test_of_a_transposed_convolution(decoder, codes):
    """tf-keras-vis does not find these layers by itself."""
    expected = peer(decoder.model, lambda logits: logits[:, 4, 5], codes, "up_0")
    found = GradCAM(decoder.graph, "up_0")(codes, Unit("up_1", 0, 4, 5))
    assert found.values.any()
    np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-7)
    assert GradCAM(decoder.graph).layer_name == "up_1"


def test_closed_form_of_a_linear_model(images):
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 2)).astype(np.float32)
    dense = np.random.default_rng(1).standard_normal((2, 4)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def classify(image):
        maps = tf.identity(tf.nn.conv2d(image, kernel, 1, "SAME"), name="maps")
        return {"logits": tf.reduce_sum(maps, axis=[1, 2]) @ dense}

    graph = Graph.from_function(classify.get_concrete_function())
    maps = tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
    expected = np.maximum(maps @ dense[:, 3], 0)
    found = GradCAM(graph, "maps")(images, ClassLogit(3)).values
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_same_maps_as_latent_grad_cam(encoder, images):
    found = GradCAM(encoder.graph, "conv_1")(images, Latent.all())
    expected = LatentGradCAM(encoder.graph, "conv_1")(images)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-4, atol=1e-6)
    assert found.target_names == expected.target_names


def test_targets_that_need_the_input_too(autoencoder, encoder, decoder, images):
    """The input goes around the cut; the gradient is that of the way through the maps."""
    at = decoder.model.get_layer("up_0").output
    head = keras.Model(decoder.model.inputs, at)
    tail = keras.Model(at, decoder.model.outputs)
    maps = head(encoder.model(images)[0])
    with tf.GradientTape() as tape:
        tape.watch(maps)
        error = tf.reduce_sum((images - tf.sigmoid(tail(maps))) ** 2, axis=[1, 2, 3])
    alpha = tf.reduce_mean(tape.gradient(error, maps), axis=[1, 2], keepdims=True)
    expected = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1))
    method = GradCAM(autoencoder.graph, "up_0")
    found = method(images, ReconstructionError(), batch_size=3).values
    assert found.any()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_own_class_of_every_sample(classifier, images):
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    method = GradCAM(classifier.graph)
    every = method(images, ClassLogit.all()).values
    own = method(images, ClassLogit(labels), batch_size=2).values
    np.testing.assert_allclose(own, every[np.arange(7), labels], rtol=1e-5, atol=1e-7)


def test_raw_maps_keep_their_scale(images):
    """A tenfold target has tenfold maps; normalised ones would be the same."""
    kernel = np.ones((3, 3, 1, 1), np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def classify(image):
        maps = tf.identity(tf.nn.conv2d(image, kernel, 1, "SAME"), name="maps")
        total = tf.reduce_mean(maps, axis=[1, 2])
        return {"logits": tf.concat([total, 10 * total, -total], axis=1)}

    graph = Graph.from_function(classify.get_concrete_function())
    found = GradCAM(graph, "maps")(images, ClassLogit.all()).values
    np.testing.assert_allclose(found[:, 1], 10 * found[:, 0], rtol=1e-5)
    assert not found[:, 2].any()


def test_a_target_before_the_layer(classifier, images):
    with pytest.raises(UsageError, match="does not depend on layer 'conv_1'"):
        GradCAM(classifier.graph, "conv_1")(images, Unit("conv_0", 0))
