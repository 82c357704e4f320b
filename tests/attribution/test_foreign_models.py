"""Models that other code wrote: SavedModels and a frozen graph, explained without their source."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tfgenxai.attribution import METHODS, create
from tfgenxai.graph import Graph
from tfgenxai.targets import Output

# What a method needs beyond the graph; the others run as they are.
OPTIONS = {
    "smooth_grad": {"samples": 4},
    "var_grad": {"samples": 4},
    "integrated_gradients": {"steps": 8},
    "rise": {"masks": 40},
    "shap": {"background": 0.0, "segments": 6},
    "lime": {"background": 0.0, "segments": 6, "samples": 60},
    "cluster_vi": {"variant": "pixels", "steps": 2},
}
# These explain a latent code, and the model has none.
NOT_FOR_CLASSIFIERS = {"latent_anomaly_cam"}
CAMS = {"grad_cam", "grad_cam_plus_plus", "score_cam", "layer_cam", "latent_grad_cam"}

PIXELS = {"occlusion", "rise", "cluster_vi"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, run_python):
    found = tmp_path_factory.mktemp("foreign")
    done = run_python(Path(__file__).with_name("foreign.py"), found)
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def model(folder):
    return keras.saving.load_model(folder / "net.keras")


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(3).random((3, 16, 16, 1), dtype=np.float32)


@pytest.fixture(scope="module", params=["exported", "module", "frozen.pb"])
def graph(request, folder):
    if request.param == "frozen.pb":
        start, end = (folder / "ends.txt").read_text().split()
        return Graph.from_frozen(folder / "frozen.pb", [start], [end])
    signature = {"exported": "serve", "module": "judge"}[request.param]
    return tfgenxai.load(folder / request.param)[signature]


def explain(graph, name, pictures):
    (output,) = graph.outputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = create(name, graph, **OPTIONS.get(name, {}))
    return method(pictures, Output(output, 2))


def test_layers_are_known_by_their_own_names(graph):
    # Freezing by TensorFlow's own tool turns the variables of `steady` into nameless constants.
    names = ("stem", "body", "verdict", *(["steady"] if graph.name != "frozen" else []))
    for name in names:
        assert graph[name].shape[1:].is_fully_defined()


@pytest.mark.parametrize("name", [name for name in METHODS if name not in NOT_FOR_CLASSIFIERS])
def test_every_method_explains_it_as_it_explains_the_live_model(graph, model, name, pictures):
    found = explain(graph, name, pictures)
    live = explain(Graph.from_keras(model), name, pictures)
    shape = (8, 8) if name in CAMS else (16, 16) if name in PIXELS else (16, 16, 1)
    assert found.values.shape[1:] == shape
    assert np.abs(found.values).max() > 0
    scale = np.abs(live.values).max()
    np.testing.assert_allclose(found.values / scale, live.values / scale, atol=2e-4)


def test_saliency_is_the_gradient_of_the_live_model(graph, model, pictures):
    with tf.GradientTape() as tape:
        x = tf.constant(pictures)
        tape.watch(x)
        score = model(x)[:, 2]
    expected = np.abs(tape.gradient(score, x).numpy())
    np.testing.assert_allclose(explain(graph, "saliency", pictures).values, expected, atol=1e-6)
