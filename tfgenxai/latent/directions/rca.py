"""Reconstructor accuracy: how well a fresh network tells directions apart by what they do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.learn import COUNT
from tfgenxai.latent.directions.matrices import Fixed
from tfgenxai.latent.directions.methods import METHODS, find_directions
from tfgenxai.latent.directions.training import Game, History, Training, batch_of
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.intervals import Interval, interval, proportion

PAIRS = 2_000
_AT_ONCE = 250


@dataclass(frozen=True)
class Rca:
    """How well a reconstructor reads pairs that it was not trained on.

    Attributes:
        accuracy: share of pairs whose direction it tells, with Wilson's 95 % interval.
        error: mean |epsilon - R_eps|, in units of the code space, with a bootstrap interval.
        chance: the accuracy of guessing, 1/K.
        blind_error: the error of always saying 0.
        recognised: (K,) the share told of the pairs of each direction; NaN where none was drawn.
        history: of its training, as `Learned.history`.
    """

    accuracy: Interval
    error: Interval
    chance: float
    blind_error: float
    recognised: np.ndarray
    history: History

    def row(self) -> dict[str, float]:
        """The numbers as cells of a table."""
        return {
            **self.accuracy.row("accuracy"),
            "chance": self.chance,
            **self.error.row("error"),
            "blind_error": self.blind_error,
        }


def rca(
    generator: Generator,
    directions: Directions,
    *,
    training: Training | None = None,
    pairs: int = PAIRS,
    seed: int = 0,
    progress: bool | None = None,
) -> Rca:
    """Trains a fresh reconstructor on given directions, and measures it on `pairs` fresh pairs.

    The reconstructor classification accuracy (RCA) of Voynov and Babenko 2020, section 4.2, says
    how easily effects are told apart. Compare only what was trained alike: it rises with the steps,
    and falls with K.

    Raises:
        UsageError: no pairs.
        InvalidInputError: the directions move codes of another width, or the generator's images are
            too small for the reconstructor.
        KeyboardInterrupt: a reconstructor that is not trained to the end measures nothing.
    """
    if pairs < 1:
        raise UsageError(f"At least one pair is needed to measure on, not {pairs}.")
    directions.check_fits(generator)
    game = Game(generator, Fixed(directions.vectors), training or Training(), 2 * seed + 1)
    history, finished = game.play(f"judging {directions.method} directions", progress)
    if not finished:
        raise KeyboardInterrupt
    drawn = game.pairs(pairs)
    read = [game.judge(batch_of(drawn, s, s + _AT_ONCE)) for s in range(0, pairs, _AT_ONCE)]
    hits, errors = (np.concatenate([part.numpy() for part in parts]) for parts in zip(*read))
    recognised = np.full(len(directions), np.nan)
    for k in np.unique(drawn.directions):
        recognised[k] = hits[drawn.directions == k].mean()
    return Rca(
        accuracy=proportion(int(hits.sum()), pairs),
        error=interval(errors, seed=seed),
        chance=1 / len(directions),
        blind_error=float(np.abs(drawn.sizes).mean()),
        recognised=recognised,
        history=history,
    )


def rca_rows(
    generator: Generator,
    methods: Sequence[str] = METHODS,
    *,
    count: int = COUNT,
    seeds: Sequence[int] = (0,),
    learning: Training | None = None,
    judging: Training | None = None,
    pairs: int = PAIRS,
    progress: bool | None = None,
) -> Iterator[dict[str, Any]]:
    """Methods by seeds, one row each: `pandas.DataFrame(rca_rows(generator, seeds=range(3)))`.

    Each seed finds directions anew and judges them by a reconstructor of its own, all with the same
    settings `judging`; `learning` is what `learned` and `orthonormal` may spend.

    Yields:
        `method`, `seed`, the cells of `Rca.row`, and the seconds that finding and judging took.

    Raises:
        UsageError: an unknown method, or more directions than the method can find.
    """
    for seed in seeds:
        for method in methods:
            start = time.perf_counter()
            found = find_directions(
                generator, method, count, training=learning, seed=seed, progress=progress
            )
            if found.learned is not None and not found.learned.finished:
                raise KeyboardInterrupt
            spent = time.perf_counter() - start
            measured = rca(
                generator,
                found.directions,
                training=judging,
                pairs=pairs,
                seed=seed,
                progress=progress,
            )
            judged = time.perf_counter() - start - spent
            seconds = {"finding_seconds": spent, "judging_seconds": judged}
            yield {"method": method, "seed": seed, **measured.row(), **seconds}
