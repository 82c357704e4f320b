"""Coordinate ascent against enumeration, Monte Carlo and closed forms."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.variational.cavi import GaussianMixture, Posterior


def mixture_points(seed, count, means):
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(means), size=count)
    return means[chosen] + rng.standard_normal((count, means.shape[1])), chosen


def random_case(seed, count, components, width):
    """A mixture with uneven weights, points, and factors that no update has made."""
    rng = np.random.default_rng(seed)
    model = GaussianMixture(
        components,
        weights=rng.dirichlet(np.full(components, 3.0)),
        prior_mean=rng.standard_normal(width),
        prior_variance=float(rng.uniform(0.3, 9)),
    )
    posterior = Posterior(
        3 * rng.standard_normal((components, width)), rng.uniform(0.05, 2, components)
    )
    probabilities = rng.dirichlet(np.ones(components), count)
    return model, 2 * rng.standard_normal((count, width)), probabilities, posterior


def log_evidence(model, x):
    """log p(x) by the sum over all ways to assign the points, each a product of Gaussians."""
    terms = []
    for assigned in product(range(model.components), repeat=len(x)):
        assigned = np.array(assigned)
        term = np.log(model.weights[assigned]).sum()
        for k in range(model.components):
            points = x[assigned == k]
            if len(points):
                covariance = np.eye(len(points)) + model.prior_variance
                for column, mean in zip(
                    points.T, np.broadcast_to(model.prior_mean, x.shape[1]), strict=True
                ):
                    term += stats.multivariate_normal.logpdf(
                        column, np.full(len(points), mean), covariance
                    )
        terms.append(term)
    return np.logaddexp.reduce(terms)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 7),
    components=st.integers(1, 4),
    width=st.integers(1, 3),
)
def test_no_single_coordinate_update_lowers_the_elbo(seed, count, components, width):
    model, x, probabilities, posterior = random_case(seed, count, components, width)
    means, variances = posterior.means.copy(), posterior.variances.copy()
    before = model.elbo(x, probabilities, Posterior(means, variances))
    for _ in range(3):
        for i in range(count):
            best = model.update_assignments(x, Posterior(means, variances))
            probabilities[i] = best[i]
            after = model.elbo(x, probabilities, Posterior(means, variances))
            assert after >= before - 1e-9 * abs(before)
            before = after
        for k in range(components):
            best = model.update_means(x, probabilities)
            means[k], variances[k] = best.means[k], best.variances[k]
            after = model.elbo(x, probabilities, Posterior(means, variances))
            assert after >= before - 1e-9 * abs(before)
            before = after


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_an_update_is_the_best_of_its_coordinate(seed):
    model, x, probabilities, posterior = random_case(seed, 4, 3, 2)
    rng = np.random.default_rng(seed)
    best = model.update_assignments(x, posterior)
    highest = model.elbo(x, best, posterior)
    for other in rng.dirichlet(np.ones(3), (20, 4)):
        assert model.elbo(x, other, posterior) <= highest + 1e-9
    best = model.update_means(x, probabilities)
    highest = model.elbo(x, probabilities, best)
    for _ in range(20):
        other = Posterior(
            best.means + 0.1 * rng.standard_normal(best.means.shape),
            best.variances * rng.uniform(0.7, 1.4, 3),
        )
        assert model.elbo(x, probabilities, other) <= highest + 1e-9


def test_the_elbo_is_its_definition_by_monte_carlo():
    model, x, probabilities, posterior = random_case(3, 4, 3, 2)
    rng, draws = np.random.default_rng(0), 20_000
    scale = np.sqrt(posterior.variances)[:, None]
    means = posterior.means + scale * rng.standard_normal((draws, *posterior.means.shape))
    prior = stats.norm(model.prior_mean, np.sqrt(model.prior_variance)).logpdf(means)
    value = (prior - stats.norm(posterior.means, scale).logpdf(means)).sum(axis=(1, 2))
    for point, row in zip(x, probabilities, strict=True):
        chosen = rng.choice(3, size=draws, p=row)
        value += np.log(model.weights[chosen]) - np.log(row[chosen])
        value += stats.norm(means[np.arange(draws), chosen]).logpdf(point).sum(axis=1)
    error = value.std() / np.sqrt(draws)
    assert abs(value.mean() - model.elbo(x, probabilities, posterior)) < 4 * error


def test_the_elbo_stays_below_the_evidence_and_reaches_it_where_the_factors_are_exact():
    model, x, probabilities, posterior = random_case(8, 5, 2, 2)
    evidence = log_evidence(model, x)
    assert model.elbo(x, probabilities, posterior) < evidence
    fitted = model.fit(x, restarts=5)
    assert model.elbo(x, probabilities, posterior) < fitted.elbo < evidence
    # One component: the posterior of its mean is Gaussian, so nothing is lost.
    single = GaussianMixture(1, prior_mean=0.3, prior_variance=2.0)
    assert single.fit(x).elbo == pytest.approx(log_evidence(single, x), abs=1e-9)


def test_the_mixture_that_the_points_were_drawn_from_is_found():
    true = np.array([[-6.0, 0.0], [6.0, 1.0], [0.0, 7.0]])
    x, chosen = mixture_points(0, 300, true)
    fitted = GaussianMixture(3, prior_variance=100.0).fit(x, seed=1)
    order = [int(np.argmin(np.linalg.norm(fitted.posterior.means - mean, axis=1))) for mean in true]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_array_equal(fitted.assignments, np.array(order)[chosen])
    assert np.abs(fitted.posterior.means[order] - true).max() < 4 / np.sqrt(80)  # 4 errors
    counts = np.bincount(fitted.assignments, minlength=3)
    np.testing.assert_allclose(fitted.posterior.variances, 1 / (counts + 0.01), rtol=1e-3)
    assert fitted.converged and np.all(np.diff(fitted.elbos) >= -1e-9 * abs(fitted.elbo))


def test_weights_decide_between_equal_components():
    model = GaussianMixture(2, weights=[0.9, 0.1])
    posterior = Posterior(np.array([[1.0], [-1.0]]), np.array([0.2, 0.2]))
    np.testing.assert_allclose(
        model.update_assignments(np.zeros((1, 1)), posterior), [[0.9, 0.1]], atol=1e-12
    )


def test_more_restarts_are_never_worse_and_a_seed_repeats():
    x, _ = mixture_points(4, 60, np.random.default_rng(4).normal(0, 4, (5, 2)))
    model = GaussianMixture(5)
    few, many = (model.fit(x, restarts=n, seed=2) for n in (1, 8))
    assert many.elbo >= few.elbo
    np.testing.assert_array_equal(many.elbos, model.fit(x, restarts=8, seed=2).elbos)
    np.testing.assert_allclose(many.probabilities.sum(axis=1), 1)
    assert not model.fit(x, restarts=1, steps=1).converged


def test_wrong_settings_and_points_are_refused():
    for wrong in (
        {"components": 0},
        {"components": 2, "prior_variance": 0.0},
        {"components": 2, "weights": [1.0]},
        {"components": 2, "weights": [0.7, 0.7]},
        {"components": 2, "weights": [1.5, -0.5]},
    ):
        with pytest.raises(UsageError):
            GaussianMixture(**wrong)
    model = GaussianMixture(3)
    for points in (np.zeros(4), np.zeros((2, 2)), np.full((5, 2), np.nan)):
        with pytest.raises(InvalidInputError, match="finite points"):
            model.fit(points)
    with pytest.raises(InvalidInputError, match="prior's mean"):
        GaussianMixture(2, prior_mean=[0.0, 1.0, 2.0]).fit(np.zeros((5, 2)))
    with pytest.raises(UsageError, match="one start"):
        model.fit(np.zeros((5, 2)), restarts=0)
