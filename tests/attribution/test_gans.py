"""Every attribution method on the GANs of the package, with random weights.

Which parts a graph has decides what may go wrong: attention with all and with pooled keys, labels,
one-hot codes, several outputs, perceptrons without a convolution. Methods are spread over the
graphs so that all graphs are met; relevance propagation meets everything they consist of.
"""

import keras
import numpy as np
import pytest

from tfgenxai.attribution import METHODS, create
from tfgenxai.errors import TfgenxaiError
from tfgenxai.graph import Graph
from tfgenxai.latent import Generator
from tfgenxai.models import model_entry
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Pixels, Unit

COUNT, PLACES = 2, (28, 28)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *PLACES, 1), dtype=np.float32)
LABELS = np.array([3, 7])
CENTRE = np.pad(np.ones((8, 8)), 10)

#: A model's signature -> what is explained of it.
TARGETS = {
    ("gan", "generate"): Pixels(CENTRE),
    ("cgan", "discriminate"): Discriminator(),
    ("sagan", "generate"): Pixels(CENTRE),
    ("sagan", "discriminate"): Unit("discriminator_leaky_relu_2", (0, 1, 2)),
    ("infogan", "generate"): Pixels(CENTRE),
    ("infogan", "infer"): ClassLogit.all(),
    ("info-cgan", "generate"): Pixels(CENTRE),
    ("info-cgan", "infer"): ClassLogit.all(),
    ("bigan", "generate"): Pixels(CENTRE),
    ("bigan", "discriminate"): Discriminator(),
    ("bigan", "encode"): Latent((1, 3)),
}
CODES, INFER = "info-cgan generate", "info-cgan infer"
POOLED, PERCEPTRON = "sagan discriminate", "bigan encode"
#: Settings that keep the work small.
SETTINGS = {
    "integrated_gradients": {"steps": 2},
    "smooth_grad": {"samples": 2},
    "var_grad": {"samples": 3},
    "rise": {"masks": 8, "cells": 3},
    "lime": {"samples": 30},
    "cluster_vi": {"variant": "pixels", "steps": 1},
    "shap": {"background": 0.0},
}
WORKS = {
    "saliency": [CODES, "gan generate", "cgan discriminate"],
    "gradient_input": ["infogan generate"],
    "integrated_gradients": ["bigan discriminate"],
    "smooth_grad": [PERCEPTRON],
    "var_grad": [POOLED],
    "guided_backprop": [CODES],
    "deconvnet": ["bigan generate", INFER],
    "guided_grad_cam": [POOLED],
    "grad_cam": [CODES, POOLED],
    "grad_cam_plus_plus": [INFER],
    "score_cam": [INFER],
    "layer_cam": [CODES, POOLED],
    "latent_grad_cam": [INFER],
    # With a label, with pooled keys, with two heads, with a pair: all that the others consist of.
    "lrp": [CODES, "cgan discriminate", "sagan generate", POOLED, "infogan infer", "bigan encode"],
    "occlusion": ["bigan generate", PERCEPTRON],
    "rise": [INFER],
    "shap": ["bigan generate"],
    "lime": ["bigan generate", POOLED],
    "cluster_vi": [POOLED],
}
CAMS = [name for name in METHODS if name.endswith(("_cam", "_cam_plus_plus"))]
#: What a method cannot explain, and what it says of it.
REFUSED = [
    *((name, PERCEPTRON, "no convolution|no logvar|logvar") for name in CAMS),
    ("guided_grad_cam", CODES, r"explains images .* 'z' has shape"),
    ("cluster_vi", CODES, r"explains images .* 'z' has shape"),
    ("rise", CODES, "masks images; input 'z' is a vector"),
    ("latent_anomaly_cam", INFER, "looks for an output named mean"),
]


@pytest.fixture(scope="module")
def graph():
    """Gives the graph of "MODEL SIGNATURE"; attention is let in by gains above 0."""
    made = {}

    def give(name):
        model, signature = name.split()
        if model not in made:
            keras.utils.set_random_seed(1)
            entry = model_entry(model)
            average = {} if model == "bigan" else {"average": 0.0}
            live = entry.load_class()(**entry.config | average)
            for weight in live.weights:
                if weight.path.endswith("gain"):
                    weight.assign(0.7)
            made[model] = live.export_signatures(), {}
        functions, graphs = made[model]
        for each in {signature, "prior"} & set(functions):
            if each not in graphs:
                graphs[each] = Graph.from_function(functions[each])
        return graphs[signature], graphs

    return give


def given(graph, graphs):
    """Samples for all its inputs, and codes that stand for many."""
    if "z" not in graph.inputs:
        return {"image": IMAGES, "label": LABELS} if "label" in graph.inputs else IMAGES, None
    generator = Generator.of(graphs, graph=graph)
    codes = generator.codes(COUNT, np.random.default_rng(2))
    return (
        {"z": codes, "label": LABELS} if "label" in graph.inputs else codes,
        generator.codes(50, np.random.default_rng(3)),
    )


@pytest.mark.parametrize("method", WORKS)
def test_every_method_explains_codes_and_images(graph, method):
    for name in WORKS[method]:
        network, graphs = graph(name)
        inputs, many = given(network, graphs)
        options = dict(SETTINGS.get(method, {}))
        if method == "lime" and many is not None:
            options["background"] = many
        if method == "shap":
            options["samples"] = 101  # the fewest for 50 coordinates
        if method == "occlusion" and many is None:
            options["patch"] = 14
        target = TARGETS[tuple(name.split())]
        found = create(method, network, **options)(inputs, target, progress=False)
        values = found.values
        assert np.isfinite(values).all() and values.any(), name
        assert len(values) == COUNT and found.family == isinstance(
            target, ClassLogit | Latent | Unit
        )
        explained = inputs if isinstance(inputs, np.ndarray) else next(iter(inputs.values()))
        if method in CAMS and method != "guided_grad_cam":
            assert found.layer in network.layers.names, name
            assert len(found.map_shape) == 2
        else:
            assert found.map_shape in (explained.shape[1:], PLACES), name
        if method == "lrp":
            label = {"label"} & set(network.inputs)
            assert set(found.delta_parts) == {"bias", "stabiliser", *label}, name
            account = found.convergence_delta + sum(found.delta_parts.values())
            size = np.abs(values).sum() + sum(np.abs(x).sum() for x in found.delta_parts.values())
            assert np.abs(account).max() < 1e-4 * size, name
            # What a label says is no part of an explanation by the code or the image.
            assert all(found.delta_parts[part].any() for part in label), name


@pytest.mark.parametrize(("method", "name", "message"), REFUSED)
def test_what_a_method_cannot_explain_it_says(graph, method, name, message):
    network, graphs = graph(name)
    inputs, _ = given(network, graphs)
    with pytest.raises(TfgenxaiError, match=message):
        create(method, network)(inputs, TARGETS[tuple(name.split())], progress=False)


def test_none_is_left_out():
    """iNNvestigate has layers for none of the attention, and is tried on other networks."""
    refused = {method for method, _, _ in REFUSED}
    assert set(WORKS) | refused | {"innvestigate"} == set(METHODS)
