"""The two programs for t-SNE: which one runs, that they agree, that seeds repeat."""

from __future__ import annotations

import numpy as np
import pytest

from tfgenxai.errors import UsageError
from tfgenxai.latent import TSNE, knn_accuracy, trustworthiness, tsne

LABELS = np.repeat(np.arange(4), 30)
CODES = 6 * np.eye(4, 8)[LABELS] + np.random.default_rng(0).normal(size=(120, 8))
QUICK = {"perplexity": 10.0, "iterations": 400}


def test_both_programs_keep_planted_clusters_and_neighbourhoods():
    shown = {engine: TSNE(engine=engine, **QUICK)(CODES) for engine in ("sklearn", "opentsne")}
    for engine, projection in shown.items():
        assert projection.settings["engine"] == engine
        assert projection.values.shape == (120, 2) and projection.values.dtype == np.float32
        assert knn_accuracy(projection.values, LABELS) == 1.0
    trust = [trustworthiness(CODES, projection.values) for projection in shown.values()]
    assert abs(trust[0] - trust[1]) < 0.03


def test_opentsne_repeats_with_a_seed_and_runs_without_one():
    first, again = (TSNE(engine="opentsne", seed=3, **QUICK)(CODES).values for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = TSNE(engine="opentsne", seed=4, start="random", **QUICK)(CODES)
    assert other.settings["start"] == "random"
    assert not np.array_equal(other.values, first)
    assert np.isfinite(TSNE(engine="opentsne", seed=None, iterations=50)(CODES).values).all()


def test_many_codes_go_to_opentsne_unless_three_components_are_asked_for(monkeypatch):
    assert tsne.choose_engine("auto", 10_000, 2) == "sklearn"
    assert tsne.choose_engine("auto", 10_001, 2) == "opentsne"
    assert tsne.choose_engine("auto", 70_000, 3) == "sklearn"
    assert tsne.choose_engine("sklearn", 70_000, 2) == "sklearn"
    monkeypatch.setattr(tsne, "MOST_CODES_FOR_SKLEARN", 100)
    assert TSNE(iterations=20)(CODES).settings["engine"] == "opentsne"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "barneshut"}, "sklearn, opentsne, not 'barneshut'"),
        ({"engine": "opentsne", "n_components": 3}, "one or two components"),
        ({"start": "spectral"}, "'pca' or 'random'"),
    ],
)
def test_settings_that_no_program_knows_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        TSNE(**settings)(CODES)
