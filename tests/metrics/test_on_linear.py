"""The exact explanation of a linear model scores best on every metric, sample by sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics_on_linear import Models, measure, models, spoilt
from tfgenxai.attribution import Saliency
from tfgenxai.attribution.base import CompiledMethod
from tfgenxai.metrics.faithfulness import (
    deletion,
    faithfulness_correlation,
    infidelity,
    insertion,
    pixel_flipping,
)
from tfgenxai.metrics.stability import max_sensitivity

SIDE = 6
#: Spoilt maps that a metric cannot tell from the exact one; see the benchmark.
LEVEL_WITH_EXACT = {"latent deletion": {"absolute", "flipped"}, "infidelity, scaled": {"flipped"}}


@pytest.fixture(scope="module")
def linear():
    return models(6, SIDE, channels=2)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-2, 1.0, 30.0]),
    sparse=st.booleans(),
    baseline=st.sampled_from([0.0, 0.5, 1.0]),
    steps=st.integers(2, 12),
)
def test_whatever_the_weights(linear, seed, scale, sparse, baseline, steps):
    rng = np.random.default_rng(seed)
    shape = linear.inputs["image"].shape
    weights = scale * rng.standard_normal(shape) * (rng.random(shape) < 0.5 if sparse else 1)
    image = rng.random(shape)
    inputs = {"image": image.astype(np.float32), "weights": weights.astype(np.float32)}
    model = Models(linear.graph, inputs)
    maps = spoilt(((image - baseline) * weights).sum(axis=-1), seed)
    asked = (model.graph, model.inputs, model.target)
    slack = 1e-5 * np.abs(weights).sum(axis=(1, 2, 3)) + 1e-5
    order = {"steps": steps, "controls": 1, "baseline": baseline}
    subsets = {"runs": 10, "baseline": baseline}
    for sign, room, metric in (
        (-1, slack, lambda m: deletion(*asked, m, **order).area),
        (1, slack, lambda m: insertion(*asked, m, **order).area),
        (1, 2 * slack, lambda m: pixel_flipping(*asked, m, **order).area),
        (1, 1e-3, lambda m: faithfulness_correlation(*asked, m, **subsets)),
        (-1, slack**2, lambda m: infidelity(*asked, m, **subsets)),
        (-1, slack**2, lambda m: infidelity(*asked, m, scaled=True, **subsets)),
    ):
        exact = sign * metric(maps["exact"])
        for name in ("noised", "absolute", "permuted", "random", "flipped"):
            assert (exact >= sign * metric(maps[name]) - room).all(), name


def test_the_benchmark_finds_the_exact_explanation_best():
    found = measure(24, seed=3, side=8)
    for metric, measured in found.items():
        assert measured.best.all(), metric
        values = measured.values
        exact = measured.sign * values["exact"].mean()
        for name in set(values) - {"exact"} - LEVEL_WITH_EXACT.get(metric, set()):
            assert exact > measured.sign * values[name].mean(), (metric, name)


class Wavering(CompiledMethod):
    """The gradient of a linear model, and a share of the image itself."""

    name = "wavering"

    def kernel(self, explained):
        slopes = Saliency(self.graph, signed=True, wrt=self.wrt).kernel(explained)
        return lambda feeds: slopes(feeds) + 0.1 * feeds.inputs[self.wrt][:, None]


def test_the_gradient_of_a_linear_model_does_not_waver(linear):
    exact = Saliency(linear.graph, signed=True)
    np.testing.assert_allclose(max_sensitivity(exact, linear.inputs, linear.target), 0, atol=1e-6)
    wavering = Wavering(linear.graph)
    assert (max_sensitivity(wavering, linear.inputs, linear.target) > 1e-3).all()
