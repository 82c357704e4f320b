"""The game whose Shapley values explain a sample, and how the library `shap` solves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shap

from tfgenxai.attribution.rescoring import ROWS, Sample, numpy_seed


@dataclass(frozen=True, eq=False)
class Game:
    """v(S): the mean target over the background when the features outside S take its values.

    Features that equal the background everywhere take no part: their Shapley value is 0.

    Attributes:
        sample: what is explained.
        background: (B, ...).
        players: the P features that take part.
    """

    sample: Sample
    background: np.ndarray
    players: np.ndarray

    @classmethod
    def of(cls, sample: Sample, background: np.ndarray) -> Game:
        """The game of the features that differ from the background."""
        differs = (background != sample.x).any(axis=0)
        return cls(sample, background, np.unique(sample.regions[differs]))

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        """v of coalitions (m, P), true for the players in it: (m, T)."""
        shown = np.asarray(coalitions) > 0.5
        step = max(1, ROWS // len(self.background))
        parts = [self._worth(shown[i : i + step]) for i in range(0, len(shown), step)]
        return np.concatenate(parts)

    def _worth(self, shown: np.ndarray) -> np.ndarray:
        kept = np.ones((len(shown), self.sample.count), bool)
        kept[:, self.players] = shown
        x = self.sample.x
        inputs = np.where(kept[:, self.sample.regions][:, None], x, self.background)
        scores = self.sample.score(inputs.reshape(-1, *x.shape))
        return scores.reshape(len(shown), len(self.background), -1).mean(axis=1)


def kernel_values(game: Game, samples: int) -> np.ndarray:
    """Shapley values (P, T) by shap's weighted regression on so many coalitions.

    With all 2^P - 2 the regression has the Shapley values themselves as its solution (Lundberg and
    Lee 2017, theorem 2). Every player is kept in the regression: shap's own default drops all but
    ten, whose values then stand in for the others'.
    """
    count = len(game.players)
    explainer = shap.KernelExplainer(game, np.zeros((1, count)))
    with numpy_seed(game.sample.seed):
        values = explainer.shap_values(
            np.ones((1, count)), nsamples=samples, l1_reg=False, silent=True
        )
    return values[0]


def permutation_values(game: Game, samples: int) -> np.ndarray:
    """Shapley values (P, T) by shap's antithetic permutations, as many as fit into `samples`."""
    count = len(game.players)
    with numpy_seed(game.sample.seed):
        explainer = shap.PermutationExplainer(game, _Shown(count), seed=game.sample.seed)
        found = explainer(np.ones((1, count)), max_evals=samples, batch_size=samples, silent=True)
    return found.values.reshape(count, -1)


class _Shown:
    """A masker of shap that hands the coalition itself to the game."""

    immutable_outputs = True

    def __init__(self, count: int) -> None:
        self.shape = (1, count)

    def __call__(self, mask: np.ndarray, x: np.ndarray) -> tuple[np.ndarray]:
        return (mask[None],)
