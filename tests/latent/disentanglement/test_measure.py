"""All metrics together: what is measured on what, repeated, averaged, refused."""

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.disentanglement import METRICS, Pool, disentanglement, mig

FEW = {"train": 200, "test": 100, "progress": False}


def pool(count=400, noise=0.0):
    """Codes of two yes/no factors and one of three values, one latent each and one of noise."""
    rng = np.random.default_rng(0)
    factors = {name: rng.integers(0, size, count) for name, size in (("a", 2), ("b", 2), ("c", 3))}
    codes = np.stack([*factors.values(), rng.normal(size=count)], axis=1)
    return Pool(codes + noise * rng.normal(size=codes.shape), factors)


def test_all_metrics_of_a_nearly_perfect_code():
    found = disentanglement(lambda codes: 3 * codes, pool(), **FEW)
    row = found.row()
    assert list(row) == [
        *("beta_vae", "factor_vae", "mig", "sap"),
        *("dci_disentanglement", "dci_completeness", "dci_informativeness"),
    ]
    for name in ("beta_vae", "factor_vae", "dci_informativeness"):
        assert row[name] > 0.99
    assert min(row["mig"], row["dci_disentanglement"], row["dci_completeness"]) > 0.85
    assert 0.2 < row["sap"] < 0.6  # at most 1 - chance
    assert set(found.matrices) == {"factor_vae", "mig", "sap", "dci"}
    for matrix in found.matrices.values():
        assert matrix.shape == (3, 4) and matrix.argmax(axis=1).tolist() == [0, 1, 2]
    frame = found.frame()
    assert frame["metric"].tolist() == list(row)
    assert frame.set_index("metric").loc["beta_vae", "chance"] == pytest.approx(1 / 3)
    assert frame["chance"].isna().sum() == 4


def test_repetitions_are_the_runs_with_the_next_seeds():
    settings = FEW | {"metrics": ["mig", "factor_vae"]}
    noisy = pool(noise=0.5)
    both = disentanglement(np.asarray, noisy, repeats=2, seed=3, **settings)
    single = [disentanglement(np.asarray, noisy, seed=s, **settings) for s in (3, 4)]
    for name in ("mig", "factor_vae"):
        assert both.scores[name].tolist() == [run.scores[name][0] for run in single]
        np.testing.assert_allclose(
            both.matrices[name], (single[0].matrices[name] + single[1].matrices[name]) / 2
        )
    assert both.seeds == (3, 4)
    frame = both.frame().set_index("metric")
    assert frame.loc["mig", "low"] < frame.loc["mig", "score"] < frame.loc["mig", "high"]
    assert both.row()["mig"] == frame.loc["mig", "score"]


def test_a_metric_sees_the_training_half_alone():
    """MIG of all the samples to learn from, which are a draw of the pool without replacement."""
    source = pool(count=300)
    found = disentanglement(np.asarray, source, metrics=["mig"], **FEW)
    rng = np.random.default_rng(0)
    train, _ = source.split(200, 100, rng)
    assert found.row()["mig"] == pytest.approx(mig(train.draw(200, rng)).values["mig"])


def test_continuous_factors_are_named():
    classes = disentanglement(np.asarray, pool(), metrics=["sap"], **FEW)
    numbers = disentanglement(np.asarray, pool(), metrics=["sap"], continuous=["c"], **FEW)
    np.testing.assert_allclose(numbers.matrices["sap"][2], [0, 0, 1, 0], atol=0.06)
    assert np.array_equal(numbers.matrices["sap"][:2], classes.matrices["sap"][:2])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": []}, "one metric or more of beta_vae"),
        ({"metrics": ["mig", "mgi"]}, "Unknown metric 'mgi'; choose from beta_vae"),
        ({"test": 50}, "200 samples to learn from and 50 to test on are too few"),
        ({"repeats": 0}, "at least 1, not 0"),
        ({"continuous": ["d"]}, "Unknown factor 'd'; there are a, b, c"),
    ],
)
def test_wrong_calls(settings, message):
    with pytest.raises(UsageError, match=message):
        disentanglement(np.asarray, pool(), **FEW | settings)


def test_codes_and_pools_that_do_not_do():
    for encode, message in (
        (lambda codes: codes[:, None], "shape"),
        (lambda codes: codes * np.nan, "NaN"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            disentanglement(encode, pool(), **FEW)
    with pytest.raises(InvalidInputError, match="holds 250 samples; 200 to learn"):
        disentanglement(np.asarray, pool(count=250), metrics=METRICS, **FEW)
