"""Principal components of latent codes, and what their numbers say in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfgenxai.latent.checks import check_codes

# A dimension is dominant in a component when its |loading| reaches this share of the largest.
# The rule is scale-free, so that it reads a 10-dimensional code as it reads a 100-dimensional one.
DOMINANT_SHARE = 0.6
# From this ratio of the first two variances on, one direction is said to dominate.
DOMINANT_RATIO = 1.5
MOST_DIMENSIONS_NAMED = 8
# 95 % quantile of the Tracy-Widom law of order 1.
TRACY_WIDOM_95 = 0.9793


@dataclass(frozen=True)
class PrincipalComponents:
    """Variances and directions of a PCA, largest variance first.

    Attributes:
        variance: (K,) explained variance of each component: eigenvalues of the covariance
            matrix with N - 1 in the denominator.
        ratio: (K,) their share of the total variance, in [0, 1].
        vectors: (K, D) orthonormal rows; in each, the loading of largest magnitude is positive.
        mean: (D,) mean code.
        rows: number N of codes they were computed from.
    """

    variance: np.ndarray
    ratio: np.ndarray
    vectors: np.ndarray
    mean: np.ndarray
    rows: int

    def transform(self, codes: np.ndarray) -> np.ndarray:
        """Coordinates (N, K) float32 of `codes` (N, D) on these components."""
        codes = check_codes(codes, rows=1, width=len(self.mean))
        return ((codes - self.mean) @ self.vectors.T).astype(np.float32)

    def dominant(self, component: int) -> list[int]:
        """Dimensions (from 0) whose |loading| is at least 60 % of the component's largest."""
        loadings = np.abs(self.vectors[component])
        return [int(d) for d in np.flatnonzero(loadings >= DOMINANT_SHARE * loadings.max())]

    def noise_edge(self) -> float:
        """Largest eigenvalue to expect of N codes whose D dimensions share one variance.

        The 95 % point of the largest eigenvalue of a white Wishart matrix (Johnstone 2001,
        "On the distribution of the largest eigenvalue in principal components analysis"),
        scaled to the mean variance. A first component below it says nothing about the codes.
        """
        degrees, width = self.rows - 1, len(self.mean)
        root = np.sqrt(degrees) + np.sqrt(width)
        spread = root * (1 / np.sqrt(degrees) + 1 / np.sqrt(width)) ** (1 / 3)
        scale = self.variance[0] / self.ratio[0] / width
        return float(scale * (root**2 + TRACY_WIDOM_95 * spread) / degrees)

    def table(self) -> str:
        """Eigenvalues and eigenvectors in the form the course projects print them."""
        return (
            f"Eigenvalues (explained variance): {_numbers(self.variance)}\n"
            f"Eigenvectors (principal components):\n{_numbers(self.vectors)}"
        )

    def reading(self) -> str:
        """What the numbers say: ratio, shares, isotropy and the dominant dimensions."""
        sentences = [self._ratio_sentence()] if len(self.variance) > 1 else []
        sentences += [self._share_sentence(), self._noise_sentence()]
        sentences += [self._dominant_sentence(k) for k in range(len(self.variance))]
        return "\n".join(sentences)

    def _ratio_sentence(self) -> str:
        first, second = self.variance[:2]
        if second <= 0:
            return f"All variance ({first:.2f}) lies along the first principal component."
        verdict = (
            "there is a dominant direction of variation"
            if first / second >= DOMINANT_RATIO
            else "no single direction dominates"
        )
        return (
            f"The first principal component explains {first / second:.2f} times as much variance "
            f"as the second ({first:.2f} vs {second:.2f}): {verdict}."
        )

    def _share_sentence(self) -> str:
        shares = " + ".join(f"{100 * share:.1f} %" for share in self.ratio)
        total = f" = {100 * self.ratio.sum():.1f} %" if len(self.ratio) > 1 else ""
        even = 100 * len(self.ratio) / len(self.mean)
        return (
            f"Share of the total variance: {shares}{total}; "
            f"equal dimensions would give {even:.1f} %."
        )

    def _noise_sentence(self) -> str:
        edge = self.noise_edge()
        numbers = f"({self.variance[0]:.2f} vs {edge:.2f} at 95 %)"
        if self.variance[0] > edge:
            comparison, verdict = "above", "the codes have preferred directions"
        else:
            comparison, verdict = "within", "these directions are no more than chance would give"
        return (
            f"The largest eigenvalue is {comparison} what {self.rows:,} codes of equal, "
            f"independent dimensions would show {numbers}: {verdict}."
        )

    def _dominant_sentence(self, component: int) -> str:
        dimensions = self.dominant(component)
        loadings = self.vectors[component]
        dimensions.sort(key=lambda d: -abs(loadings[d]))
        named = ", ".join(f"z{d} ({loadings[d]:+.2f})" for d in dimensions[:MOST_DIMENSIONS_NAMED])
        left = len(dimensions) - MOST_DIMENSIONS_NAMED
        more = f" and {left} more" if left > 0 else ""
        return (
            f"Component {component + 1}: largest loadings on {named}{more} "
            "(dimensions counted from z0)."
        )


def _numbers(values: np.ndarray) -> str:
    return np.array2string(
        np.asarray(values, np.float64), precision=8, max_line_width=75, threshold=100_000
    )
