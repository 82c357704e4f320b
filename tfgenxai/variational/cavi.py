"""Coordinate ascent for a Gaussian mixture with unit variances: the oracle of what networks do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax, xlogy

from tfgenxai.errors import InvalidInputError, UsageError

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Posterior:
    """The factors q(mean of component k) = N(means[k], variances[k] I).

    Attributes:
        means: (K, D).
        variances: (K,), the same in every dimension, as every point has unit variance in each.
    """

    means: np.ndarray
    variances: np.ndarray


@dataclass(frozen=True, eq=False)
class Fitted:
    """What coordinate ascent ended with.

    Attributes:
        posterior: of the components' means.
        probabilities: (N, K) q(component of point i), rows sum to 1.
        elbos: the ELBO in nats after each block of updates, assignments and means in turn.
        converged: whether it stopped because the ELBO no longer rose.
    """

    posterior: Posterior
    probabilities: np.ndarray
    elbos: np.ndarray
    converged: bool

    @property
    def elbo(self) -> float:
        """The last ELBO, in nats, of all points together."""
        return float(self.elbos[-1])

    @property
    def assignments(self) -> np.ndarray:
        """(N,) the likeliest component of each point."""
        return self.probabilities.argmax(axis=1)


class GaussianMixture:
    """The Bayesian mixture whose components have unit variance and means with a Gaussian prior.

    mean_k ~ N(prior_mean, prior_variance I), component_i ~ Categorical(weights), and
    x_i ~ N(mean of component_i, I), for k = 1..K and i = 1..N, in D dimensions. The posterior is
    sought among the products of a Gaussian for every mean and a distribution on the simplex for
    every point (Blei, Kucukelbir and McAuliffe, "Variational Inference: A Review for
    Statisticians", 2017, sections 2.1 and 3, where D = 1, the weights are equal and the prior's
    mean is 0).

    Args:
        components: K.
        weights: (K,) positive, of sum 1; equal by default.
        prior_mean: a number, or (D,).
        prior_variance: above 0; large where little is known of the means.

    Raises:
        UsageError: other weights, no component, or a variance that is not positive.
    """

    def __init__(
        self,
        components: int,
        *,
        weights: Any = None,
        prior_mean: Any = 0.0,
        prior_variance: float = 10.0,
    ) -> None:
        if components < 1 or not 0 < prior_variance < np.inf:
            raise UsageError(
                "A mixture has at least one component, and its prior a variance above 0; not "
                f"{components} and {prior_variance}."
            )
        self.weights = (
            np.full(components, 1 / components)
            if weights is None
            else np.asarray(weights, np.float64)
        )
        right = self.weights.shape == (components,) and (self.weights > 0).all()
        if not right or not np.isclose(self.weights.sum(), 1):
            raise UsageError(f"The weights are {components} positive numbers of sum 1.")
        self.components = components
        self.prior_mean = np.asarray(prior_mean, np.float64)
        self.prior_variance = float(prior_variance)

    def update_assignments(self, x: np.ndarray, posterior: Posterior) -> np.ndarray:
        """The best q(component) of each point (N, D) given the means' factors, (N, K).

        phi_ik is proportional to w_k exp(x_i m_k - (m_k^2 + s_k^2) / 2), eq. 26 of the paper; so
        it is for points that were not fitted.
        """
        means, spread = posterior.means, x.shape[1] * posterior.variances
        scores = x @ means.T - 0.5 * (np.sum(means**2, axis=1) + spread)
        return softmax(np.log(self.weights) + scores, axis=1)

    def update_means(self, x: np.ndarray, probabilities: np.ndarray) -> Posterior:
        """The best factors of the means given q(component), eq. 34 of the paper."""
        variances = 1 / (1 / self.prior_variance + probabilities.sum(axis=0))
        pull = self.prior_mean / self.prior_variance + probabilities.T @ x
        return Posterior(variances[:, None] * pull, variances)

    def elbo(self, x: np.ndarray, probabilities: np.ndarray, posterior: Posterior) -> float:
        """E_q[log p(x, components, means) - log q(components, means)] in nats, all points."""
        means, variances = posterior.means, posterior.variances
        width = x.shape[1]
        squares = np.sum((x[:, None] - means) ** 2, axis=2) + width * variances
        likelihood = -0.5 * np.sum(probabilities * (width * LOG_2PI + squares))
        of_components = np.sum(xlogy(probabilities, probabilities / self.weights))
        offsets = np.sum((means - self.prior_mean) ** 2, axis=1)
        ratio = variances / self.prior_variance
        of_means = 0.5 * np.sum(offsets / self.prior_variance + width * (ratio - 1 - np.log(ratio)))
        return float(likelihood - of_components - of_means)

    def fit(
        self,
        x: Any,
        *,
        restarts: int = 10,
        steps: int = 200,
        tolerance: float = 1e-8,
        seed: int = 0,
    ) -> Fitted:
        """The highest of the local optima that coordinate ascent finds from `restarts` starts.

        Args:
            x: points (N, D), finite; N at least K.
            restarts: each begins with means at points that lie apart (k-means++).
            steps: most rounds, each of an update of all assignments and one of all means.
            tolerance: it stops where a round adds less than this share of the ELBO's size.
            seed: of the starts; the same seed gives the same fit.

        Raises:
            InvalidInputError: points of another shape, too few, or NaN.
            UsageError: no restart or no step.
        """
        points = self._checked(x)
        if restarts < 1 or steps < 1:
            raise UsageError(
                f"Fit from one start and in one step at least, not {restarts}, {steps}."
            )
        starts = np.random.default_rng(seed).integers(2**31, size=restarts)
        fits = [self._climb(points, int(start), steps, tolerance) for start in starts]
        return max(fits, key=lambda fitted: fitted.elbo)

    def _climb(self, x: np.ndarray, start: int, steps: int, tolerance: float) -> Fitted:
        """One ascent from the means that k-means++ seeds with `start`."""
        from sklearn.cluster import kmeans_plusplus

        means, _ = kmeans_plusplus(x, self.components, random_state=start)
        posterior = Posterior(means, np.full(self.components, min(1.0, self.prior_variance)))
        elbos: list[float] = []
        for _ in range(steps):
            probabilities = self.update_assignments(x, posterior)
            elbos.append(self.elbo(x, probabilities, posterior))
            posterior = self.update_means(x, probabilities)
            elbos.append(self.elbo(x, probabilities, posterior))
            if len(elbos) > 2 and elbos[-1] - elbos[-3] <= tolerance * abs(elbos[-1]):
                return Fitted(posterior, probabilities, np.array(elbos), True)
        return Fitted(posterior, probabilities, np.array(elbos), False)

    def _checked(self, x: Any) -> np.ndarray:
        points = np.asarray(x, np.float64)
        if points.ndim != 2 or len(points) < self.components or not np.isfinite(points).all():
            raise InvalidInputError(
                f"A mixture of {self.components} is fitted to finite points (N, D), N at least "
                f"{self.components}; these have shape {points.shape}, or hold NaN."
            )
        if self.prior_mean.shape not in ((), points.shape[1:]):
            raise InvalidInputError(
                f"The prior's mean {self.prior_mean.shape} does not fit points of "
                f"{points.shape[1]} dimensions."
            )
        return points
