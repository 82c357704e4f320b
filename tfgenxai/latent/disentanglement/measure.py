"""All metrics of disentanglement on one encoder: `disentanglement(encode, source)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError
from tfgenxai.latent.checks import check_codes
from tfgenxai.latent.disentanglement.beta_vae import beta_vae
from tfgenxai.latent.disentanglement.dci import dci
from tfgenxai.latent.disentanglement.factor_vae import factor_vae
from tfgenxai.latent.disentanglement.mig import mig
from tfgenxai.latent.disentanglement.sap import sap
from tfgenxai.latent.disentanglement.score import Score
from tfgenxai.latent.disentanglement.source import FactorSource, Sample

if TYPE_CHECKING:
    import pandas

METRICS = ("beta_vae", "factor_vae", "mig", "sap", "dci")


@dataclass(frozen=True)
class Disentanglement:
    """Scores of one encoder.

    Attributes:
        scores: name -> (R,), one score for each repetition; "dci" gives three names.
        chance: name -> score of codes that know nothing, where it is known beforehand.
        matrices: metric -> (F, D), factors by latents, mean over repetitions; all but "beta_vae".
        factors: names of the F factors.
        train, test: number of samples to learn from and to test on.
        seeds: of the R repetitions.
    """

    scores: Mapping[str, np.ndarray]
    chance: Mapping[str, float]
    matrices: Mapping[str, np.ndarray]
    factors: tuple[str, ...]
    train: int
    test: int
    seeds: tuple[int, ...]

    def row(self) -> dict[str, float]:
        """Mean of each score over the repetitions: one row of a table."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    def frame(self) -> pandas.DataFrame:
        """One row a score: `metric`, `score`, `low` and `high` of the repetitions, `chance`.

        Repetitions split the samples anew, and a pool's are the same images: they show what the
        draw does to the score, not what another pool would. One repetition has no low and high.
        """
        import pandas

        return pandas.DataFrame(
            [
                {
                    "metric": name,
                    "score": float(values.mean()),
                    "low": float(values.min()) if len(values) > 1 else float("nan"),
                    "high": float(values.max()) if len(values) > 1 else float("nan"),
                    "chance": self.chance.get(name),
                }
                for name, values in self.scores.items()
            ]
        )


def disentanglement(
    encode: Callable[[Any], Any],
    source: FactorSource,
    *,
    metrics: Sequence[str] = METRICS,
    train: int = 10_000,
    test: int = 5_000,
    repeats: int = 1,
    continuous: Collection[str] = (),
    seed: int = 0,
    progress: bool = True,
) -> Disentanglement:
    """How far the latents of an encoder keep the factors of images apart.

    The numbers of samples, of pairs (beta-VAE) and of votes (FactorVAE) are those of Locatello et
    al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
    Representations", unless others are given.

    Args:
        encode: images (n, H, W, C) -> codes (n, D), such as
            `model["encode"].function("image", "mean")`.
        source: images with factors: `Pool.of(data)`, or a `Simulator`.
        metrics: some of `METRICS`.
        train: samples to learn from; of a pool, images that are not among those to test on.
        test: samples to test on.
        repeats: how often all is measured, with the seeds `seed`, `seed + 1`, ...
        continuous: names of factors that SAP treats as quantities instead of classes.
        seed: of every draw.
        progress: show a bar on stderr.

    Raises:
        UsageError: an unknown metric or factor, or numbers below what can be measured.
        InvalidInputError: codes that are not finite numbers (n, D), or a pool that is too small.
    """
    check_metrics(metrics)
    _check(train, test, repeats, source, continuous)
    columns = [source.names.index(name) for name in continuous]
    codes = source.map(lambda images: check_codes(np.asarray(encode(images)), rows=1))
    seeds = tuple(range(seed, seed + repeats))
    measured: dict[str, list[Score]] = {name: [] for name in metrics}
    with counter("Disentanglement", len(seeds) * len(measured), progress) as advance:
        for each in seeds:
            material = _Material(codes, train, test, each)
            for name, scores in measured.items():
                scores.append(material.measure(name, columns))
                advance(1)
    found = [score for scores in measured.values() for score in scores]
    names = [name for scores in measured.values() for name in scores[0].values]
    return Disentanglement(
        scores={
            name: np.array([score.values[name] for score in found if name in score.values])
            for name in names
        },
        chance={name: value for score in found for name, value in score.chance.items()},
        matrices={
            name: np.mean(matrices, axis=0)
            for name, scores in measured.items()
            if (matrices := [score.matrix for score in scores if score.matrix is not None])
        },
        factors=tuple(source.names),
        train=train,
        test=test,
        seeds=seeds,
    )


class _Material:
    """One repetition: two parts of the codes, and a sample of each."""

    def __init__(self, codes: FactorSource, train: int, test: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._parts = codes.split(train, test, rng)
        self._points = (train, test)
        self._seed = seed
        self._train: Sample = self._parts[0].draw(train, rng)
        self._test: Sample = self._parts[1].draw(test, rng)

    def measure(self, name: str, continuous: Collection[int]) -> Score:
        """The score of one metric."""
        if name == "beta_vae":
            return beta_vae(*self._parts, points=self._points, seed=self._seed)
        if name == "factor_vae":
            return factor_vae(*self._parts, points=self._points, seed=self._seed)
        if name == "mig":
            return mig(self._train)
        if name == "sap":
            return sap(self._train, self._test, continuous=continuous)
        return dci(self._train, self._test, seed=self._seed)


def check_metrics(metrics: Sequence[str]) -> None:
    """Raise UsageError unless there are metrics, all known."""
    if not metrics:
        raise UsageError(f"Name one metric or more of {', '.join(METRICS)}.")
    if unknown := [name for name in metrics if name not in METRICS]:
        raise UsageError(f"Unknown metric {unknown[0]!r}; choose from {', '.join(METRICS)}.")


def _check(
    train: int, test: int, repeats: int, source: FactorSource, continuous: Collection[str]
) -> None:
    if unknown := [name for name in continuous if name not in source.names]:
        raise UsageError(f"Unknown factor {unknown[0]!r}; there are {', '.join(source.names)}.")
    if min(train, test) < 100:
        raise UsageError(
            f"{train} samples to learn from and {test} to test on are too few to measure "
            "anything; use at least 100 of each."
        )
    if repeats < 1:
        raise UsageError(f"repeats is at least 1, not {repeats}.")
