import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.attribution.conftest import freeze, image_spec
from tests.attribution.live import gradient
from tfgenxai.attribution import GradientInput
from tfgenxai.errors import UsageError
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Output, Pixels


def test_a_linear_model_gives_its_terms(linear, images):
    weights, graph = linear
    found = GradientInput(graph)(images, Latent.all())
    terms = images[:, None] * weights.T.reshape(1, -1, 12, 12, 1)
    np.testing.assert_allclose(found.values, terms, rtol=1e-6)
    assert found.convergence_delta is None and found.values.dtype == np.float32
    one = GradientInput(graph)(images, Latent(3)).values
    np.testing.assert_allclose(one, terms[:, 3], rtol=1e-6)


def test_of_a_product(codes):
    """f = a b c: every factor gets the product."""
    graph = freeze(
        lambda z: {"product": tf.reduce_prod(z[:, :3], axis=1, keepdims=True)},
        tf.TensorSpec((None, 5), name="z"),
    )
    found = GradientInput(graph)(codes, Output("product", 0)).values
    product = np.prod(codes[:, :3], axis=1)
    expected = np.stack([product] * 3 + [0 * product] * 2, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_it_adds_up_in_networks_of_rectifiers_without_biases(images):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", use_bias=False),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.LeakyReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(3, use_bias=False, name="scores"),
        ]
    )
    found = GradientInput(Graph.from_keras(model))(images, Output("scores"), batch_size=4)
    total = found.values.sum(axis=(2, 3, 4))
    np.testing.assert_allclose(total, model(images), rtol=1e-4, atol=1e-6)


def test_of_encoders_discriminators_and_decoders(encoder, decoder, discriminator, images, codes):
    found = GradientInput(encoder.graph)(images, Latent(1), batch_size=3).values
    expected = images * gradient(lambda x: encoder.model(x)[0][:, 1], images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)

    found = GradientInput(discriminator.graph)(images, Discriminator(), batch_size=2).values
    expected = images * gradient(discriminator.model, images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)

    mask = np.zeros((12, 12), bool)
    mask[3:6, 4:9] = True
    found = GradientInput(decoder.graph)(codes, Pixels(mask)).values
    expected = codes * gradient(lambda z: tf.sigmoid(decoder.model(z))[:, 3:6, 4:9], codes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_through_the_model_of_a_target(decoder, classifier, codes):
    found = GradientInput(decoder.graph)(codes, ClassLogit(2, model=classifier.graph)).values
    expected = codes * gradient(
        lambda z: classifier.model(tf.sigmoid(decoder.model(z)))[:, 2], codes
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-7)


def test_whole_numbers_have_no_gradient():
    spec = tf.TensorSpec((None, 3), tf.int32, name="words")
    graph = freeze(lambda words: {"score": tf.cast(words, tf.float32)}, spec)
    with pytest.raises(UsageError, match="'words' is of type int32, by which nothing"):
        GradientInput(graph)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision(linear, images, dtype):
    weights, _ = linear
    graph = freeze(
        lambda image: {"mean": tf.reshape(image, (-1, 144)) @ tf.cast(weights, dtype)},
        tf.TensorSpec(image_spec().shape, dtype, name="image"),
    )
    found = GradientInput(graph)(images, Latent.all()).values
    assert found.dtype == np.float32
    expected = images[:, None] * weights.T.reshape(1, -1, 12, 12, 1)
    np.testing.assert_allclose(found, expected, rtol=0.02)
