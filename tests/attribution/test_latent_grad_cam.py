import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tfgenxai.attribution import LatentGradCAM, latent_grad_cam
from tfgenxai.attribution.structure import affine_head
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.explained import Feeds
from tfgenxai.graph import Graph
from tfgenxai.targets import ClassLogit, Latent, Output, Scalar, Unit


def slow_weights(to_maps, from_maps, images, latents):
    """A (N, h, w, K) and alpha (N, T, K): one image, one gradient a latent, a persistent tape."""
    maps, alphas = [], []
    for image in images:
        with tf.GradientTape(persistent=True) as tape:
            a = to_maps(image[None])
            tape.watch(a)
            z = from_maps(a)
            coordinates = [z[0, i] for i in range(latents)]
        alphas.append([tape.gradient(c, a).numpy()[0].mean(axis=(0, 1)) for c in coordinates])
        maps.append(a.numpy()[0])
    return np.array(maps), np.array(alphas)


def notebook_loop(to_maps, from_maps, images, latents):
    """The formulas as they are written."""
    maps, alphas = slow_weights(to_maps, from_maps, images, latents)
    return np.maximum((alphas[:, :, None, None] * maps[:, None]).sum(axis=-1), 0)


def halves(model, layer, output=0):
    """The live model before and after a layer, as Keras models."""
    at = model.get_layer(layer)
    tail = keras.Model(at.output, model.outputs[output])
    return keras.Model(model.input, at.output), tail


def weights(method, explained, images, way):
    feeds = Feeds({"image": tf.constant(images)}, tuple(map(tf.constant, explained.shared)))
    found = way(explained, method.maps)
    return None if found is None else found(method.maps.values(feeds), feeds).numpy()


@pytest.mark.parametrize("layer", ["conv_1", "act_1", "conv_0", "act_0"])
def test_equal_to_the_loop_over_latents(encoder, images, layer):
    expected = notebook_loop(*halves(encoder.model, layer), images, 5)
    found = LatentGradCAM(encoder.graph, layer)(images, batch_size=3)
    assert found.values.shape == expected.shape and found.values.any()
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)
    assert found.layer == layer and found.target_names == ("z0", "z1", "z2", "z3", "z4")


@pytest.mark.parametrize(("layer", "fast"), [("conv_1", True), ("act_1", True), ("conv_0", False)])
def test_the_fast_way_is_taken_where_it_exists(encoder, images, layer, fast):
    method = LatentGradCAM(encoder.graph, layer)
    explained = Latent.all().on(encoder.graph)
    assert (
        weights(method, explained, images, latent_grad_cam._weights_by_head) is not None
    ) == fast


def test_one_latent_and_some_latents(encoder, images):
    method = LatentGradCAM(encoder.graph)
    every = method(images).values
    np.testing.assert_allclose(method(images, Latent(3)).values, every[:, 3], rtol=1e-5)
    np.testing.assert_allclose(method(images, Latent((4, 1))).values, every[:, [4, 1]], rtol=1e-5)


def test_closed_form_of_a_linear_model(images):
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 2)).astype(np.float32)
    dense = np.random.default_rng(1).standard_normal((12 * 12 * 2, 4)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 12, 12, 1), name="image")])
    def encode(image):
        maps = tf.identity(tf.nn.conv2d(image, kernel, 1, "SAME"), name="maps")
        return {"mean": tf.reshape(maps, (-1, 12 * 12 * 2)) @ dense}

    graph = Graph.from_function(encode.get_concrete_function())
    a = tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
    alpha = dense.reshape(144, 2, 4).mean(axis=0)
    expected = np.maximum(np.einsum("nhwk,ki->nihw", a, alpha), 0)
    found = LatentGradCAM(graph, "maps")(images)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.mean_map().values, expected.mean(1), rtol=1e-4, atol=1e-5)


ACTIVATIONS = ("linear", "relu", "leaky_relu", "tanh", "softplus", "gelu", "silu", "elu")


# Every example builds and compiles a model: shrinking a failure would take many minutes.
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    activation=st.sampled_from(ACTIVATIONS),
    normalise=st.booleans(),
    pool=st.sampled_from(["none", "average", "global", "max"]),
    head=st.sampled_from(["dense", "two dense", "split", "relu between"]),
    seed=st.integers(0, 99),
)
def test_both_ways_agree_on_random_architectures(activation, normalise, pool, head, seed):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(3, 3, 2, "same", name="maps")(x)
    if normalise:
        y = layers.BatchNormalization(
            beta_initializer="random_normal", moving_mean_initializer="random_normal"
        )(y)
    y = layers.Activation(activation)(y)
    y = {
        "none": layers.Flatten(),
        "average": layers.AveragePooling2D(2),
        "global": layers.GlobalAveragePooling2D(),
        "max": layers.MaxPooling2D(2),
    }[pool](y)
    y = layers.Flatten()(y)
    if head in ("two dense", "relu between"):
        y = layers.Dense(6, activation="relu" if head == "relu between" else None)(y)
    model = keras.Model(x, layers.Dense(8)(y))

    @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 2), name="image")])
    def encode(image):
        z = model(image)
        return {"mean": tf.split(z, 2, axis=1)[0] if head == "split" else z}

    graph = Graph.from_function(encode.get_concrete_function())
    images = np.random.default_rng(seed).random((2, 8, 8, 2), dtype=np.float32)
    method = LatentGradCAM(graph, "maps")
    explained = Latent.all().on(graph)
    general = weights(method, explained, images, latent_grad_cam._weights_by_jacobian)
    fast = weights(method, explained, images, latent_grad_cam._weights_by_head)
    assert (fast is None) == (pool == "max" or head == "relu between")
    if fast is not None:
        np.testing.assert_allclose(fast, general, rtol=1e-4, atol=1e-6)
    loop = slow_weights(*halves(model, "maps"), images, len(explained.names))[1]
    np.testing.assert_allclose(general, loop, rtol=1e-4, atol=1e-6)


def flatten(maps):
    return tf.reshape(maps, (-1, 18))


DENSE = np.random.default_rng(2).standard_normal((18, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (lambda a, x: flatten(tf.nn.relu(a)) @ DENSE, True),
        (lambda a, x: flatten(a * tf.sigmoid(a)) @ DENSE, True),
        (lambda a, x: 2.0 * (flatten(a) @ DENSE) - 1.0, True),
        (lambda a, x: flatten(tf.maximum(0.2 * a, a)) @ DENSE + flatten(x) @ DENSE, True),
        (lambda a, x: tf.concat([flatten(a)] * 2, 1) @ np.tile(DENSE, (2, 1)), True),
        (lambda a, x: tf.reduce_mean(tf.nn.elu(a), [1, 2]) @ DENSE[:2], True),
        # Not pointwise: places mix before the last nonlinearity.
        (
            lambda a, x: flatten(a / (1.0 + tf.reduce_sum(a, [1, 2, 3], keepdims=True))) @ DENSE,
            False,
        ),
        (lambda a, x: flatten(tf.nn.softmax(a)) @ DENSE, False),
        (lambda a, x: flatten(tf.transpose(a, (0, 2, 1, 3)) * a) @ DENSE, False),
        (lambda a, x: tf.tanh(flatten(a) @ DENSE), False),
        # Not the same matrix for every sample.
        (lambda a, x: (flatten(a) @ DENSE) * tf.reduce_sum(x, [1, 2])[:, :1], False),
        (lambda a, x: flatten(a) @ DENSE + flatten(tf.nn.relu(a)) @ DENSE, False),
    ],
)
def test_what_counts_as_a_constant_head(after, found):
    @tf.function(input_signature=[tf.TensorSpec((None, 3, 3, 2), name="image")])
    def encode(image):
        return {"mean": after(tf.identity(tf.sin(image), name="maps"), image)}

    graph = Graph.from_function(encode.get_concrete_function())
    assert (affine_head(graph["maps"], graph.outputs["mean"]) is not None) == found
    images = np.random.default_rng(3).random((4, 3, 3, 2), dtype=np.float32)
    loop = []
    for image in images:
        x = tf.constant(image[None])
        a = tf.sin(x)
        with tf.GradientTape() as tape:
            tape.watch(a)
            z = after(a, x)
        alpha = tape.jacobian(z, a).numpy()[0, :, 0].mean(axis=(1, 2))
        loop.append(np.maximum(np.einsum("ik,hwk->ihw", alpha, a[0]), 0))
    values = LatentGradCAM(graph, "maps")(images).values
    np.testing.assert_allclose(values, loop, rtol=1e-4, atol=1e-5)


def test_any_target_can_be_explained(classifier, images):
    before, after = halves(classifier.model, "conv_1")
    expected = notebook_loop(before, after, images, 4)
    method = LatentGradCAM(classifier.graph, "conv_1")
    np.testing.assert_allclose(method(images, ClassLogit.all()).values, expected, atol=1e-6)
    labels = np.array([0, 3, 1, 1, 2, 0, 3])
    own = method(images, ClassLogit(labels), batch_size=4).values
    np.testing.assert_allclose(own, expected[np.arange(7), labels], atol=1e-6)
    odds = notebook_loop(before, lambda a: tf.nn.softmax(after(a)), images, 4)
    found = method(images, Output("probabilities")).values
    np.testing.assert_allclose(found, odds, atol=1e-6)


def test_sampled_codes_differ_from_the_mean_and_can_be_repeated(encoder, images):
    first = LatentGradCAM(encoder.graph, at="sample", seed=3)(images)
    again = LatentGradCAM(encoder.graph, at="sample", seed=3)(images, batch_size=2)
    other = LatentGradCAM(encoder.graph, at="sample", seed=4)(images)
    named = LatentGradCAM(encoder.graph, seed=3)(images, Latent.all(at="sample"))
    np.testing.assert_allclose(first.values, again.values, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(first.values, named.values, rtol=1e-5, atol=1e-7)
    assert np.abs(first.values - other.values).max() > 1e-3
    assert np.abs(first.values - LatentGradCAM(encoder.graph)(images).values).max() > 1e-3


def test_sampled_codes_against_the_loop(encoder, images):
    """With the noise of one sample known, the loop on the live model gives the same maps."""
    noise = np.random.default_rng([3, 0, 2]).standard_normal(5).astype(np.float32)
    before, to_mean = halves(encoder.model, "conv_1")
    to_logvar = halves(encoder.model, "conv_1", output=1)[1]

    def sample(a):
        return to_mean(a) + tf.exp(0.5 * to_logvar(a)) * noise

    expected = notebook_loop(before, sample, images[2:3], 5)
    found = LatentGradCAM(encoder.graph, "conv_1", at="sample", seed=3)(images)
    np.testing.assert_allclose(found.values[2:3], expected, rtol=1e-4, atol=1e-6)


def test_one_trace_whatever_the_batch(encoder, images):
    method = LatentGradCAM(encoder.graph)
    for size in (7, 2, 5):
        method(images, batch_size=size)
    (compiled,) = method._compiled.values()
    assert compiled.experimental_get_tracing_count() == 1


def test_errors(encoder, linear):
    with pytest.raises(LayerNotFoundError):
        LatentGradCAM(encoder.graph, "conv_7")
    with pytest.raises(UsageError, match="not feature maps"):
        LatentGradCAM(encoder.graph, "mu")
    with pytest.raises(LayerNotFoundError, match="no convolution"):
        LatentGradCAM(linear[1])
    images = np.zeros((1, 12, 12, 1), np.float32)
    with pytest.raises(UsageError, match=r"conv_0\[1\] does not depend on layer 'conv_1'"):
        LatentGradCAM(encoder.graph, "conv_1")(images, Unit("conv_0", 1))
    with pytest.raises(UsageError, match="at 'mean' or 'sample'"):
        LatentGradCAM(encoder.graph, at="mode")(images)


def test_a_scalar_of_several_outputs(encoder, images):
    def total(outputs):
        return tf.reduce_sum(outputs["mean"] + outputs["logvar"], axis=1)

    before, to_mean = halves(encoder.model, "conv_1")
    to_logvar = halves(encoder.model, "conv_1", output=1)[1]

    def sums(a):
        return tf.reduce_sum(to_mean(a) + to_logvar(a), axis=1)[:, None]

    expected = notebook_loop(before, sums, images, 1)[:, 0]
    target = Scalar(total, ("mean", "logvar"))
    found = LatentGradCAM(encoder.graph, "conv_1")(images, target)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)


def authors_map(to_maps, from_maps, images, latents):
    """As the authors' program has it, one image a batch; the gradients are summed here."""
    found = []
    for image in images:
        a = to_maps(image[None])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(a)
            z = from_maps(a)
            coordinates = [z[0, i] for i in latents]
        slopes = sum(np.float64(tape.gradient(c, a))[0] for c in coordinates)
        slopes /= np.sqrt((slopes**2).mean()) + 1e-5
        alpha = slopes.mean(axis=(0, 1))
        found.append(np.abs((alpha * a.numpy()[0]).sum(axis=-1)))
    return np.array(found)


@pytest.mark.parametrize("layer", ["conv_0", "conv_1"])
def test_the_authors_variant(encoder, images, layer):
    before, after = halves(encoder.model, layer)
    method = LatentGradCAM(encoder.graph, layer, variant="authors")
    for target, latents, name in [
        (None, range(5), "sum of 5 targets"),
        (Latent((4, 1)), (4, 1), "sum of 2 targets"),
        (Latent(2), (2,), "z2"),
    ]:
        found = method(images, target, batch_size=3)
        assert (found.family, found.target_names) == (False, (name,))
        assert found.settings["variant"] == "authors" and found.values.any()
        expected = authors_map(before, after, images, latents)
        np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-6)


def test_the_authors_variant_differs_from_the_paper(encoder, images):
    """Their map of one latent is no ReLU, and its scale is not that of the gradient."""
    paper = LatentGradCAM(encoder.graph)(images, Latent(2)).values
    authors = LatentGradCAM(encoder.graph, variant="authors")(images, Latent(2)).values
    assert (paper == 0).any() and (authors > 0).all()
    for one, other in zip(paper, authors):
        ratios = (other / np.where(one > 0, one, np.nan))[one > 0]
        assert not ratios.size or np.ptp(ratios) < 1e-4 * ratios.max()
    with pytest.raises(UsageError, match="variant= must be 'paper' or 'authors'"):
        LatentGradCAM(encoder.graph, variant="code")
