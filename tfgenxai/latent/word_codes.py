"""What continuous style codes change in words, beside single coordinates of the noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.word_shapes import word_measures

if TYPE_CHECKING:
    import pandas

    from tfgenxai.writing import Writer

WORDS, VALUES, CONTROLS = 500, 8, 4
LENGTHS = (1, 2, 3, 4)


class Coordinate(NamedTuple):
    """One number of a style's code.

    Attributes:
        name: such as "code 0", or "z 12".
        place: of it in the code.
        code: whether it is a continuous code, drawn from U(-1, 1), and not noise from N(0, 1).
    """

    name: str
    place: int
    code: bool


def style_coordinates(writer: Writer, controls: int = CONTROLS) -> list[Coordinate]:
    """The continuous codes of a model of words, then `controls` coordinates of its noise.

    The controls lie as far apart as they can, so that each chunk has some.

    Raises:
        UsageError: the model has no continuous codes.
    """
    config = ((writer.model.card or {}).get("architecture") or {}).get("config") or {}
    codes, categories = config.get("continuous", 0), config.get("categories", 0)
    if not codes:
        raise UsageError(
            f"{writer.model.path.name} has no style codes; train one with --set continuous=2."
        )
    noise = writer.width - codes - categories
    places = np.unique(np.linspace(0, noise - 1, min(controls, noise)).round().astype(int))
    first = noise + categories
    return [
        *(Coordinate(f"code {i}", first + i, True) for i in range(codes)),
        *(Coordinate(f"z {place}", int(place), False) for place in places),
    ]


@dataclass(frozen=True, eq=False)
class CodeEffects:
    """Measures of N words with each of C coordinates at V values, all else the same.

    Attributes:
        coordinates: the C coordinates.
        shares: (V,) the values, as shares of the coordinate's distribution below them.
        measures: name -> (C, N, V).
        spreads: name -> standard deviation of the measure among words as they are drawn.
    """

    coordinates: tuple[Coordinate, ...]
    shares: np.ndarray
    measures: dict[str, np.ndarray]
    spreads: dict[str, float]

    def rank_correlations(self, measure: str) -> np.ndarray:
        """Spearman's correlation of a measure with the value over each word's images, (C, N).

        0 where the measure stays the same; NaN where an image of the word does not have it.
        """
        from scipy.stats import rankdata

        values = self.measures[measure]
        ranks = rankdata(values, axis=-1)
        y = ranks - ranks.mean(axis=-1, keepdims=True)
        x = np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2
        norms = np.sqrt((x @ x) * (y**2).sum(axis=-1))
        found = np.divide(y @ x, norms, out=np.zeros(y.shape[:-1]), where=norms > 0)
        return np.where(np.isfinite(values).all(axis=-1), found, np.nan)

    def correlations(self, measure: str) -> np.ndarray:
        """Pearson's correlation of a measure with the value over the images of all words, (C,).

        What differs between words is in it: at most as far from 0 as the square root of the share
        of the measure's variance that the coordinate explains.
        """
        found = []
        for values in self.measures[measure]:
            along = np.broadcast_to(self.shares, values.shape)
            known = np.isfinite(values)
            x, y = along[known], values[known]
            varied = len(y) > 1 and np.ptp(y) > 0
            found.append(float(np.corrcoef(x, y)[0, 1]) if varied else 0.0)
        return np.array(found)

    def frame(self) -> pandas.DataFrame:
        """One row a coordinate.

        For every measure the mean over words of its rank correlation, `NAME rank`, with its
        interval, `NAME correlation` over all images, and `NAME effect`, the mean change from the
        lowest to the highest value in standard deviations of words as they are drawn.
        """
        import pandas

        rows = []
        for c, coordinate in enumerate(self.coordinates):
            row: dict[str, Any] = {"coordinate": coordinate.name}
            for name, values in self.measures.items():
                row |= interval(self.rank_correlations(name)[c]).row(f"{name} rank")
                row[f"{name} correlation"] = float(self.correlations(name)[c])
                change = float(np.nanmean(values[c, :, -1] - values[c, :, 0]))
                spread = self.spreads[name]
                row[f"{name} effect"] = change / spread if spread else float("nan")
            rows.append(row)
        return pandas.DataFrame(rows)


def code_effects(
    writer: Writer,
    coordinates: Sequence[Coordinate],
    *,
    words: int = WORDS,
    values: int = VALUES,
    lengths: Sequence[int] = LENGTHS,
    seed: int = 0,
) -> CodeEffects:
    """Random words in random styles, with one coordinate at a time at `values` values.

    Values are the middles of as many equal shares of the coordinate's distribution, so that a code
    from U(-1, 1) and a control from N(0, 1) go equally far: what differs is what they do.

    Args:
        words: how many, lengths in turn, characters and styles drawn.
        lengths: characters of a word.
        seed: of words and styles.

    Raises:
        UsageError: no words, fewer than three values, or no coordinate.
    """
    if words < 1 or values < 3 or not coordinates or not lengths:
        raise UsageError("Take a word, three values, a length and a coordinate, or more of each.")
    random = np.random.default_rng(seed)
    letters = list(writer.alphabet)
    texts = ["".join(random.choice(letters, lengths[i % len(lengths)])) for i in range(words)]
    codes = writer.of_prior(random.standard_normal((words, writer.width)).astype(np.float32))
    shares = (np.arange(values) + 0.5) / values
    drawn = _measured(writer, texts, codes)
    names = [name for name, found in drawn.items() if np.isfinite(found).any()]
    table: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for coordinate in coordinates:
        moved = np.repeat(codes, values, axis=0)
        moved[:, coordinate.place] = np.tile(_at(coordinate, shares), words)
        found = _measured(writer, np.repeat(texts, values).tolist(), moved)
        for name in names:
            table[name].append(found[name].reshape(words, values))
    return CodeEffects(
        tuple(coordinates),
        shares,
        {name: np.stack(rows) for name, rows in table.items()},
        {name: float(np.nanstd(drawn[name])) for name in names},
    )


def _at(coordinate: Coordinate, shares: np.ndarray) -> np.ndarray:
    """The values of a coordinate that these shares of its distribution are below."""
    from scipy.stats import norm

    return 2 * shares - 1 if coordinate.code else norm.ppf(shares)


def _measured(writer: Writer, texts: list[str], codes: np.ndarray) -> dict[str, np.ndarray]:
    """Each measure of every word, (N,), in the order of `texts`."""
    lengths = np.array([len(text) for text in texts])
    found: dict[str, np.ndarray] = {}
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        images = writer.words([texts[i] for i in rows], codes[rows])
        for name, values in word_measures(np.clip(images, 0, 1)).items():
            found.setdefault(name, np.full(len(texts), np.nan))[rows] = values
    return found
