"""Random architectures: values, gradients and cuts equal those of the live Keras model."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from tfgenxai.graph import Graph

ACTIVATIONS = st.sampled_from([None, "relu", "elu", "tanh", "sigmoid", "softplus", "swish"])
BIAS = st.booleans()


@st.composite
def spatial(draw):
    """One layer that takes and gives feature maps."""
    kind = draw(st.sampled_from(["conv", "deconv", "depthwise", "norm", "leaky", "max", "average"]))
    strides, kernel = draw(st.sampled_from([1, 2])), draw(st.sampled_from([1, 3, 4]))
    options = {"strides": strides, "activation": draw(ACTIVATIONS), "use_bias": draw(BIAS)}
    options["padding"] = "same"
    return {
        "conv": lambda: layers.Conv2D(3, kernel, **options),
        "deconv": lambda: layers.Conv2DTranspose(2, kernel, **options),
        "depthwise": lambda: layers.DepthwiseConv2D(kernel, **options),
        "norm": lambda: layers.BatchNormalization(),
        "leaky": lambda: layers.LeakyReLU(negative_slope=0.3),
        "max": lambda: layers.MaxPooling2D(2, padding="same"),
        "average": lambda: layers.AveragePooling2D(2, padding="same"),
    }[kind]


RECIPES = st.fixed_dictionaries(
    {
        "parts": st.lists(spatial(), min_size=1, max_size=4),
        "flat": st.sampled_from([layers.Flatten, layers.GlobalAveragePooling2D]),
        "activation": ACTIVATIONS,
        "bias": BIAS,
        "seed": st.integers(0, 999),
    }
)


def build(parts, flat, activation, bias, seed) -> keras.Model:
    head = [layers.Dense(4, activation=activation), layers.Dense(2, use_bias=bias)]
    model = keras.Sequential([keras.Input((8, 8, 2)), *(make() for make in parts), flat(), *head])
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        values = rng.normal(0, 0.5, variable.shape)
        variable.assign(0.5 + values**2 if "variance" in variable.name else values)
    return model


def gradient(function, x):
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
        total = tf.reduce_sum(y[:, 0] * tf.sin(y[:, 1]))
    return tape.gradient(total, x)


def close(got, want):
    scale = max(1.0, float(np.abs(want).max()))
    np.testing.assert_allclose(got, want, atol=1e-6 * scale, rtol=1e-5)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(recipe=RECIPES, cut=st.integers(0, 99))
def test_cuts_equal_the_live_model(recipe, cut):
    model = build(**recipe)
    x = np.random.default_rng(recipe["seed"]).normal(size=(3, 8, 8, 2)).astype(np.float32)
    graph = Graph.from_keras(model)
    assert graph.parameter_count == model.count_params()
    assert graph.layers.names == tuple(layer.name for layer in model.layers)

    at = cut % (len(model.layers) - 1)
    name = model.layers[at].name
    head = keras.Sequential(model.layers[: at + 1])
    tail = keras.Sequential(model.layers[at + 1 :])
    maps = head(x)

    whole = graph.function("input", "output")
    to_cut, from_cut = graph.function("input", name), graph.function(name, "output")
    close(to_cut(x), maps)
    close(from_cut(maps), tail(maps))
    close(whole(x), model(x))
    close(from_cut(to_cut(x)), whole(x))
    close(gradient(whole, x), gradient(model, x))
    close(gradient(from_cut, maps), gradient(tail, maps))
    close(gradient(lambda v: from_cut(to_cut(v)), x), gradient(model, x))
    assert [part.traces for part in (whole, to_cut, from_cut)] == [1, 1, 1]


def test_jacobian_by_tape_by_vectorised_map_and_by_forward_mode(cvae, rng):
    """Three ways through one cut, against one row of the Jacobian at a time on the live model."""
    graph = Graph.from_keras(cvae)
    x = tf.constant(rng.random((2, 16, 16, 1)), tf.float32)
    maps = graph.function("input", "encoder_conv_1")(x)
    cut = graph.function("encoder_conv_1", "encoder_dense")
    live = keras.Sequential(cvae.encoder.layers[2:])

    rows = []
    for k in range(6):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            code = live(maps)[:, k]
        rows.append(tape.gradient(code, maps))
    want = np.stack(rows, axis=1)

    with tf.GradientTape() as tape:
        tape.watch(maps)
        code = cut(maps)
    np.testing.assert_allclose(tape.batch_jacobian(code, maps), want, atol=1e-6)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(maps)
        code = cut(maps)
    rows = tf.vectorized_map(
        lambda seed: tape.gradient(code, maps, tf.repeat(seed[None], 2, axis=0)), tf.eye(6)
    )
    np.testing.assert_allclose(np.moveaxis(rows, 0, 1), want, atol=1e-6)

    tangent = tf.constant(rng.normal(size=maps.shape), tf.float32)
    with tf.autodiff.ForwardAccumulator(maps, tangent) as forward:
        code = cut(maps)
    np.testing.assert_allclose(
        forward.jvp(code), np.einsum("nkhwc,nhwc->nk", want, tangent), atol=1e-5
    )
    np.testing.assert_allclose(tf.vectorized_map(lambda m: cut(m[None])[0], maps), code, atol=1e-6)


def test_second_derivative(rng):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    cut = Graph.from_keras(model).function("input", "output")
    x = tf.constant(rng.normal(size=(5, 3)), tf.float32)
    second = []
    for function in (cut, model):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = function(x)
            first = inner.gradient(y, x)
        second.append(outer.batch_jacobian(first, x))
    np.testing.assert_allclose(second[0], second[1], atol=1e-6)


def test_gradient_of_sample_reaches_mean_and_spread(cvae, rng):
    """dz/dmaps with the noise fed equals the reparameterised gradient written out."""
    graph = Graph.from_keras(cvae)
    x = tf.constant(rng.random((2, 16, 16, 1)), tf.float32)
    noise = tf.constant(rng.normal(size=(2, 3)), tf.float32)
    maps = graph.function("input", "encoder_conv_1")(x)
    (drawn,) = graph.random
    cut = graph.function(["encoder_conv_1", drawn], "decoder_dense")
    live = keras.Sequential(cvae.encoder.layers[2:])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(maps)
        got = cut(maps, noise)
        mean, logvar = tf.split(live(maps), 2, axis=1)
        z = mean + tf.exp(logvar * 0.5) * noise
        want = cvae.decoder.layers[0](z)
    np.testing.assert_allclose(got, want, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(got, maps), tape.gradient(want, maps), atol=1e-6)
