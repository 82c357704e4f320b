"""Whether directions that were found on one word do the same to other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.intervals import LEVEL
from tfgenxai.saved.word import alphabet_of, spelled

if TYPE_CHECKING:
    import pandas

    from tfgenxai.latent.directions.directions import Directions
    from tfgenxai.latent.reader import Reader
    from tfgenxai.saved.read import SavedModel

_SHUFFLES = 1_000


@dataclass(frozen=True, eq=False)
class Transfer:
    """Effects of K directions on a word, and on other words.

    Attributes:
        home: effects on the word that is compared with.
        others: word -> effects there, of other codes. The home word may be among them: that is
            the ceiling, for it differs by the codes alone.
    """

    home: Effects
    others: dict[str, Effects]

    def frame(self, *, seed: int = 0) -> pandas.DataFrame:
        """One row a word and measure.

        `correlation`: over the K directions, of the measure's mean slope on the word with that on
        the home word, in [-1, 1]. `chance_high`: what 95 % of the correlations stay below when the
        directions are shuffled. `same sign`: the share of directions that change it the same way.
        `slope` is the ratio of the least-squares line through 0: 1 where the word changes as much,
        in the measure's unit. Measures that a word does not have, or that no direction changes,
        are left out.
        """
        import pandas

        rows = []
        for word, found in self.others.items():
            for name in self.home.measures:
                if name in found.measures:
                    rows += _compared(
                        word, name, _means(self.home, name), _means(found, name), seed
                    )
        return pandas.DataFrame(rows)


def transfer(
    model: SavedModel,
    directions: Directions,
    home: str,
    words: Sequence[str],
    *,
    reader: Reader | None = None,
    count: int = 50,
    reach: float = 3.0,
    steps: int = 3,
    seed: int = 0,
) -> Transfer:
    """The effects of `directions` on the word `home`, and on `words`, of any length.

    Args:
        model: of words, loaded without a word.
        home: the word that the directions were found on.
        words: others, and `home` itself for the ceiling; their codes are drawn with another seed.
        reader: says what it reads on the way, as for `effects`.
        count, reach, steps, seed: as for `effects`. A short reach keeps words legible, so that what
            is compared is their style.

    Raises:
        UsageError: no words, or the model cannot write one.
        InvalidInputError: directions of another width, or fewer than three.
    """
    if not words:
        raise UsageError("Name words to try the directions on.")
    if len(directions) < 3:
        raise InvalidInputError(
            f"Effects are compared over three directions or more, not {len(directions)}."
        )

    generators = {word: of_word(model, word) for word in (home, *words)}

    def measured(word: str, seed: int) -> Effects:
        return effects(
            generators[word],
            directions,
            word=word,
            reader=reader,
            count=count,
            reach=reach,
            steps=steps,
            seed=seed,
            progress=False,
        )

    others = {word: measured(word, seed + 1) for word in dict.fromkeys(words)}
    return Transfer(measured(home, seed), others)


def of_word(model: SavedModel, word: str) -> Generator:
    """The generator of one word, which takes a style's code alone.

    Raises:
        UsageError: the model cannot write the word.
    """
    generator = Generator.of(model)
    held = {"label": spelled(word, alphabet_of(model))}
    return Generator(generator.graph.with_inputs(held), generator.prior)


def _means(found: Effects, measure: str) -> np.ndarray:
    """Mean slope of a measure over the codes that have it, (K,); NaN where none has."""
    slopes = np.ma.masked_invalid(found.slopes(measure)).mean(axis=1)
    return np.ma.filled(slopes.astype(np.float64), np.nan)


def _compared(
    word: str, measure: str, home: np.ndarray, there: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """The row of one measure, or none where it does not vary over directions."""
    if not (np.isfinite(home).all() and np.isfinite(there).all() and home.any() and there.any()):
        return []
    if np.ptp(home) == 0 or np.ptp(there) == 0:
        return []
    many = np.random.default_rng(seed).permuted(np.tile(there, (_SHUFFLES, 1)), axis=1)
    shuffled = (many - there.mean()) @ (home - home.mean()) / (home.std() * there.std() * len(home))
    return [
        {
            "word": word,
            "measure": measure,
            "correlation": float(np.corrcoef(home, there)[0, 1]),
            "chance_high": float(np.quantile(shuffled, LEVEL)),
            "same sign": float(np.mean(np.sign(home) == np.sign(there))),
            "slope": float(home @ there / (home @ home)),
        }
    ]
