"""Every method of the registry keeps what all of them promise.

The network looks at some pixels only, so that it is known which have no say.
"""

import inspect
import json
from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.attribution import METHODS, create, method_class
from tfgenxai.graph import Graph
from tfgenxai.targets import Latent

SIDE, LATENTS, CHANNELS, PLACES = 12, 3, 4, 4
RANDOM = np.random.default_rng(3)


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


KERNEL, BIAS = normal(2, 2, 1, CHANNELS), 0.1 * normal(CHANNELS)
TO_MEAN, TO_LOGVAR = normal(PLACES * PLACES * CHANNELS, LATENTS), normal(64, LATENTS)
IMAGES = RANDOM.random((3, SIDE, SIDE, 1), dtype=np.float32)

#: A 2 x 2 window at stride 3 never sees the third row and column.
SEEN = np.zeros((SIDE, SIDE), bool)
for y in range(0, SIDE, 3):
    for x in range(0, SIDE, 3):
        SEEN[y : y + 2, x : x + 2] = True
#: Four features: what is not seen, and three bands of what is.
FEATURES = np.where(SEEN, 1 + np.arange(SIDE)[:, None] // 4, 0)

#: Settings that keep the work small, and that are exact where a method can be.
SETTINGS = {
    "integrated_gradients": {"steps": 4},
    "smooth_grad": {"samples": 3},
    "var_grad": {"samples": 3},
    "occlusion": {"patch": 1},
    "rise": {"masks": 12, "cells": 3},
    "shap": {"background": 0.0, "features": FEATURES, "algorithm": "exact"},
    "lime": {"features": FEATURES, "samples": 30},
    "cluster_vi": {"variant": "pixels", "steps": 2},
}
#: Maps of the layer's resolution rather than the input's.
AT_LAYER = {
    "grad_cam",
    "grad_cam_plus_plus",
    "score_cam",
    "layer_cam",
    "latent_grad_cam",
    "latent_anomaly_cam",
}
#: Pixels without a say get something all the same: in RISE a share of every mask that leaves
#: them, in LIME the noise of a fit; and a variance is nowhere 0.
NOISY = {"rise", "lime", "cluster_vi"}
#: What the values add up to: the target, or its difference from that of a black image.
SUMS = {"lrp": 0.0, "innvestigate": 0.0, "integrated_gradients": 1.0, "shap": 1.0}

#: iNNvestigate is an extra, and its process takes long to start.
WITH_WORKER = (
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("innvestigate") is None, reason="needs the packages of the extra lrp"
    ),
)
EVERY = [
    pytest.param(name, marks=WITH_WORKER if name == "innvestigate" else ()) for name in METHODS
]


def encode(image):
    maps = tf.nn.relu(tf.nn.conv2d(image, KERNEL, 3, "VALID", name="conv") + BIAS)
    flat = tf.reshape(maps, (image.shape[0] or -1, PLACES * PLACES * CHANNELS))
    mean, logvar = flat @ TO_MEAN, 0.1 * flat @ TO_LOGVAR
    return {"mean": mean, "logvar": logvar, "z": mean + 0.5}


def frozen(batch=None):
    """The network for any batch, or for one only."""
    spec = tf.TensorSpec((batch, SIDE, SIDE, 1), tf.float32, name="image")
    return Graph.from_function(tf.function(encode, input_signature=[spec]).get_concrete_function())


@pytest.fixture(scope="module")
def graph():
    return frozen()


@pytest.fixture(scope="module")
def fixed():
    """Graphs whose batch is fixed: it divides the number of images, or it does not."""
    return {1: frozen(1), 2: frozen(2)}


def made(name, graph, **more):
    options = SETTINGS.get(name, {}) | more
    if "layer" in inspect.signature(method_class(name)).parameters:
        options["layer"] = "conv"
    return create(name, graph, **options)


def close(found, expected, message=""):
    largest = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * largest, err_msg=message)


@pytest.mark.parametrize("name", EVERY)
def test_the_promises(name, graph, fixed):
    method = made(name, graph)
    family = method(IMAGES, Latent((2, 0)))
    values = family.values
    assert values.dtype == np.float32 and np.isfinite(values).all() and values.any()
    assert values.shape[:2] == (3, 2)
    if name in AT_LAYER:
        assert family.map_shape == (PLACES, PLACES) and family.layer is not None
    else:
        assert family.map_shape in ((SIDE, SIDE), (SIDE, SIDE, 1))
        unseen = values.reshape(3, 2, SIDE, SIDE)[:, :, ~SEEN]
        assert name in NOISY or np.abs(unseen).max() < 1e-7 * np.abs(values).max()
    assert family.method == name and family.input_shape == (SIDE, SIDE, 1)
    assert family.target_names == ("z2", "z0")
    assert json.loads(json.dumps(dict(family.settings)))["seed"] == 0

    if name in SUMS:
        black = encode(np.zeros_like(IMAGES))["mean"].numpy()
        expected = encode(IMAGES)["mean"].numpy() - SUMS[name] * black
        total = values.reshape(3, 2, -1).sum(axis=2, dtype=np.float64)
        close(total - family.convergence_delta, expected[:, [2, 0]])
    assert (family.convergence_delta is not None) == (name in SUMS)

    # However the samples come, and however many at a time.
    slices = tf.data.Dataset.from_tensor_slices(IMAGES)
    for kind, given in {
        "tensor": tf.constant(IMAGES),
        "samples": slices,
        "batches": slices.batch(2),
        "iterator": iter(IMAGES),
    }.items():
        close(method(given, Latent((2, 0)), batch_size=2).values, values, kind)
    # One target at a time, of a model that was exported for one size of batch.
    for batch, target, place in (1, 2, 0), (2, 0, 1):
        one = made(name, fixed[batch])(IMAGES, Latent(target))
        close(one.values, values[:, place], f"z{target} alone, {batch} at a time")
        assert not one.family and one.target_names == (f"z{target}",)


D = 5
WEIGHTS = normal(D, LATENTS)
CODES = 0.5 + np.abs(normal(4, D))  # away from zero, where a difference from zero is none
SPREAD = normal(400, D) * np.float32([0.5, 1.0, 1.5, 2.0, 2.5])


def slope(weights, codes):
    return np.broadcast_to(weights, codes.shape)


def part(weights, codes):
    return weights * codes


#: What a method gives for f = w.z: (expected values, settings).
LINEAR = {
    "saliency": (lambda w, z: np.abs(slope(w, z)), {}),
    "smooth_grad": (slope, {"samples": 3}),
    "guided_backprop": (slope, {}),
    "deconvnet": (slope, {}),
    "var_grad": (lambda w, z: 0 * z, {"samples": 3}),
    "gradient_input": (part, {}),
    "integrated_gradients": (part, {"steps": 3}),
    "lrp": (part, {}),
    "innvestigate": (part, {}),
    "occlusion": (part, {}),
    "shap": (part, {}),
    # Slopes by one standard deviation of the background.
    "lime": (lambda w, z: slope(w * SPREAD.std(0), z), {"background": SPREAD, "bins": None}),
}


#: Methods that want a ReLU: it gets one, far above its kink.
RECTIFIED = {"guided_backprop", "deconvnet"}


def above_zero(z):
    return {"mean": tf.nn.relu(z @ WEIGHTS + 100.0)}


@pytest.mark.parametrize("name", [param for param in EVERY if param.values[0] in LINEAR])
def test_a_linear_function_of_a_code(name):
    spec = tf.TensorSpec((None, D), tf.float32, name="z")
    function = above_zero if name in RECTIFIED else (lambda z: {"mean": z @ WEIGHTS})
    linear = tf.function(function, input_signature=[spec])
    expected, settings = LINEAR[name]
    method = create(name, Graph.from_function(linear.get_concrete_function()), **settings)
    found = method(CODES, Latent.all(), batch_size=3).values
    assert found.shape == (4, LATENTS, D)
    for t in range(LATENTS):
        wanted = expected(WEIGHTS[:, t], CODES)
        tolerance = 0.1 if name == "lime" else 1e-5  # a ridge regression on random samples
        np.testing.assert_allclose(found[:, t], wanted, rtol=tolerance, atol=tolerance)


def test_nothing_is_left_out():
    """CAMs need feature maps, two others images; what RISE estimates has no closed form."""
    others = {"guided_grad_cam", "cluster_vi", "rise"}
    assert set(LINEAR) | AT_LAYER | others == set(METHODS)
