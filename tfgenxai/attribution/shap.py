"""SHAP: what each pixel, superpixel or latent coordinate adds to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from tfgenxai.attribution.base import Explanation
from tfgenxai.attribution.coalitions import Game, kernel_values, permutation_values
from tfgenxai.attribution.regions import described, spread
from tfgenxai.attribution.rescoring import RescoringMethod, Sample, checked_background
from tfgenxai.attribution.superpixels import Kind
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

Algorithm = Literal["auto", "exact", "kernel", "permutation"]

#: Features that all coalitions of are tried, at most: 65,536.
MOST_EXACT = 16

#: Coalitions for each feature from which on the regression is more accurate than permutations;
#: below, they are as good and cost less.
_REGRESSION = 60


class SHAP(RescoringMethod):
    """Shapley values of features, of the shape of x (Lundberg and Lee 2017), by the library shap.

    The features of x play a game: a coalition S is worth the mean target when the features outside
    S take the values of background samples. The value of a feature is the mean of what it adds to
    the coalition before it, over all orders in which the features may join. Values add up to
    f(x) - E f(background), and `convergence_delta` is their sum minus this difference. The value
    of a superpixel is shared evenly by its pixels and channels.

    Args:
        graph, wrt, seed: see `Method`.
        background: what stands in for absent features: a number, an array of the shape of one
            input, or samples (B, ...), over which the mean is taken, at B times the cost. By
            default 0 for vectors, which is the prior mean of a latent code; images need one.
        features: "elements", "superpixels", "auto" (superpixels of images, elements of vectors),
            or labels; see `Regions`.
        segments, superpixels: how many and of which kind; see `superpixels.superpixels`.
        algorithm: "exact" tries all coalitions of at most `MOST_EXACT` features; "kernel" is Kernel
            SHAP's regression on some of them, which is exact if `samples` allows all; "permutation"
            lets the features join in random orders, forth and back; "auto" is the regression if
            `samples` allows all coalitions or 60 for each feature, else permutations. Only features
            that differ from the background count.
        samples: coalitions to score for each sample; "auto" is 2,048 and 2 for each feature.

    Raises:
        UsageError: no such features or algorithm, too few samples, or no background for images.
        InvalidInputError: the background or the labels do not fit the input.
    """

    name = "shap"

    def __init__(
        self,
        graph: Graph,
        *,
        background: float | np.ndarray | None = None,
        features: Literal["auto", "elements", "superpixels"] | np.ndarray = "auto",
        segments: int = 50,
        superpixels: Kind = "slic",
        algorithm: Algorithm = "auto",
        samples: int | Literal["auto"] = "auto",
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            graph,
            features=features,
            segments=segments,
            superpixels=superpixels,
            wrt=wrt,
            seed=seed,
        )
        if background is None:
            if self._shape.rank != 1:
                raise UsageError(
                    "SHAP compares an image with others: pass background=0.0 for black, or an "
                    "array of images such as the training set's first 20."
                )
            background = 0.0
        if algorithm not in get_args(Algorithm):
            raise UsageError(
                f"algorithm= must be one of {', '.join(get_args(Algorithm))}, not {algorithm!r}."
            )
        if samples != "auto" and not (isinstance(samples, int | np.integer) and samples > 0):
            raise UsageError(f"samples= must be 'auto' or a whole number, not {samples!r}.")
        self.background = checked_background(background, graph, self.wrt)
        self.algorithm = algorithm
        self.samples = samples if samples == "auto" else int(samples)

    def settings(self) -> dict[str, Any]:
        """Settings to record; of a background that is an array, its shape and a checksum."""
        b = self.background
        return {
            **super().settings(),
            "background": described(b) if b.ndim else float(b),
            "algorithm": self.algorithm,
            "samples": self.samples,
        }

    def explain_sample(self, sample: Sample) -> Explanation:
        """Shapley values, and how far their sum is off."""
        background = self.background
        if background.ndim == 0:
            background = np.full((1, *sample.x.shape), background)
        game = Game.of(sample, background)
        players = len(game.players)
        whole, empty = game(np.repeat([[True], [False]], players, axis=1))
        values = np.zeros((len(whole), sample.count))
        if players:
            values[:, game.players] = self._shapley(game).T
        shared = spread(values, sample.regions)
        total = shared.reshape(len(shared), -1).sum(axis=1, dtype=np.float64)
        return Explanation(shared, total - (whole - empty))

    def _shapley(self, game: Game) -> np.ndarray:
        """Values (P, T) of the players."""
        players = len(game.players)
        subsets = 2**players - 2  # all but the empty and the whole one
        samples = 2 * players + 2048 if self.samples == "auto" else self.samples
        if self.algorithm == "exact":
            if players > MOST_EXACT:
                raise UsageError(
                    f"An exact SHAP of {players} features would score 2**{players} coalitions; it "
                    f"takes at most {MOST_EXACT} features: use algorithm='auto', or fewer segments."
                )
            samples = subsets
        if samples < min(subsets, 2 * players + 1):
            raise UsageError(
                f"samples={samples} is too few for {players} features: they need at least "
                f"{2 * players + 1}."
            )
        regression = self.algorithm in ("exact", "kernel") or (
            self.algorithm == "auto" and samples >= min(subsets, _REGRESSION * players)
        )
        if regression:
            return kernel_values(game, samples)
        return permutation_values(game, max(samples, 2 * players + 1))
