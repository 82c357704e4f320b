import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.metrics_on_linear import linear_decoder
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.graph import Graph
from tfgenxai.metrics.latent_faithfulness import latent_deletion

PIXELS = 64


@pytest.fixture(scope="module")
def linear():
    return linear_decoder(5, seed=1)


def test_orthogonal_columns_add_up_in_their_order(linear):
    decode, codes, changes = linear
    curve = latent_deletion(decode, codes, -changes)
    gone = np.cumsum(-np.sort(-changes, axis=1), axis=1) / PIXELS
    np.testing.assert_allclose(curve.fractions, np.arange(13) / 12)
    np.testing.assert_allclose(curve.scores[:, 1:], gone, rtol=1e-4)
    np.testing.assert_allclose(curve.scores[:, 0], 0, atol=1e-9)
    assert (curve.gain > 0).all()
    other = latent_deletion(decode, codes, 1 / changes)
    assert (other.area < curve.area).all() and (other.gain < 0).all()
    assert latent_deletion(decode, codes, changes).row()["latent_deletion"] == curve.area.mean()


def test_resampled_dimensions_differ_by_two_normals(linear):
    decode, codes, changes = linear
    curve = latent_deletion(decode, codes, changes, replace="resample", draws=150, controls=1)
    # E (z - e)^2 = z^2 + 1, e ~ N(0, 1), of which the variance is 2 + 4 z^2.
    lengths = changes / codes**2
    order = np.argsort(-changes, axis=1)
    mean = np.take_along_axis(lengths * (codes**2 + 1), order, axis=1).cumsum(axis=1)
    variance = np.take_along_axis(lengths**2 * (2 + 4 * codes**2), order, axis=1).cumsum(axis=1)
    error = np.sqrt(variance / 150) / PIXELS
    assert (np.abs(curve.scores[:, 1:] - mean / PIXELS) < 5 * error).all()
    options = {"replace": "resample", "draws": 2, "controls": 1}
    few = latent_deletion(decode, codes[:2], changes[:2], **options)
    same = latent_deletion(decode, codes, changes, **options)
    np.testing.assert_allclose(few.scores, same.scores[:2], rtol=1e-4, atol=1e-7)


def test_resampled_dimensions_come_from_the_models_prior(linear):
    decode, codes, changes = linear
    spec = tf.TensorSpec((None, codes.shape[1]), tf.float32, name="eps")
    threes = tf.function(lambda eps: {"z": 0.0 * eps + 3.0}, [spec])
    prior = Graph.from_function(threes.get_concrete_function())
    curve = latent_deletion(decode, codes, changes, replace="resample", draws=1, prior=prior)
    moved = changes / codes**2 * (codes - 3) ** 2
    order = np.argsort(-changes, axis=1)
    expected = np.take_along_axis(moved, order, axis=1).cumsum(axis=1) / PIXELS
    np.testing.assert_allclose(curve.scores[:, 1:], expected, rtol=1e-3, atol=1e-5)


def test_a_decoder_that_is_not_linear_and_takes_a_label():
    keras.utils.set_random_seed(0)
    z, label = keras.Input((3,), name="z"), keras.Input((2,), name="label")
    both = keras.layers.Concatenate()([z, label])
    y = keras.layers.Dense(16, activation="sigmoid")(both)
    model = keras.Model([z, label], keras.layers.Reshape((4, 4, 1), name="image")(y))
    specs = [
        tf.TensorSpec((None, n), tf.float32, name=name) for n, name in ((3, "z"), (2, "label"))
    ]
    graph = Graph.from_function(
        tf.function(lambda z, label: {"image": model([z, label])}, specs).get_concrete_function()
    )
    rng = np.random.default_rng(1)
    codes, labels = rng.standard_normal((2, 3)).astype("f"), np.eye(2, dtype=np.float32)
    importance = rng.standard_normal((2, 3))
    curve = latent_deletion(graph, {"z": codes, "label": labels}, importance)
    for n in range(2):
        original = model([codes[n : n + 1], labels[n : n + 1]]).numpy()
        changed = codes[n : n + 1].copy()
        for k, dimension in enumerate(np.argsort(-np.abs(importance[n]))):
            changed[0, dimension] = 0.0
            image = model([changed, labels[n : n + 1]]).numpy()
            expected = np.mean((image - original) ** 2)
            np.testing.assert_allclose(curve.scores[n, k + 1], expected, rtol=1e-4)


def test_a_decoder_of_one_size_of_batch(linear):
    decode, codes, changes = linear
    whole = decode.function("z", next(iter(decode.outputs)))
    fixed = tf.function(
        lambda z: {"image": whole(z)}, [tf.TensorSpec((2, 12), tf.float32, name="z")]
    )
    graph = Graph.from_function(fixed.get_concrete_function())
    found, expected = (latent_deletion(each, codes, changes, steps=3) for each in (graph, decode))
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.control, expected.control, rtol=1e-4, atol=1e-7)


def test_errors(linear):
    decode, codes, changes = linear
    with pytest.raises(UsageError, match="'zero' or 'resample', not 'mean'"):
        latent_deletion(decode, codes, changes, replace="mean")
    with pytest.raises(UsageError, match="draws="):
        latent_deletion(decode, codes, changes, replace="resample", draws=0)
    copy = tf.function(
        lambda image: {"image": image + 0.0}, [tf.TensorSpec((None, 4, 4, 1), tf.float32, "image")]
    )
    images = np.zeros((2, 4, 4, 1), np.float32)
    with pytest.raises(InvalidInputError, match="Codes have shape"):
        latent_deletion(Graph.from_function(copy.get_concrete_function()), images, images)
    with pytest.raises(InvalidInputError, match="does not fit inputs of 12 places"):
        latent_deletion(decode, codes, changes[:, :3])
