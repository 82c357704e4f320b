"""What moving codes along directions does to images: strokes, classes and plain distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.seeing import Seeing, compared
from tfgenxai.metrics.intervals import Interval, interval

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph
    from tfgenxai.latent.directions.directions import Directions
    from tfgenxai.latent.generator import Generator
    from tfgenxai.latent.reader import Reader


@dataclass(frozen=True, eq=False)
class Effects:
    """Measures of N codes moved along K directions by S sizes, of which the middle one is 0.

    Attributes:
        directions: the K directions.
        sizes: (S,) epsilon, ascending.
        measures: name -> (K, N, S) of every image; of strokes, where images have one channel, or
            of words.
        spreads: name -> standard deviation of that measure among unmoved images.
        distances: (K, N, S) mean squared difference from the code's unmoved image.
        apart: the same between the unmoved images of two codes, on average.
        classes: (K, N, S) what the classifier sees; None without one.
        kept: (K, N, S) probability in [0, 1] that it gives the class of the unmoved image.
        feature_distances: (K, N, S) Euclidean, in its last hidden layer.
        errors: (K, N, S) edits from what is read to the word, over its characters; None without a
            reader.
    """

    directions: Directions
    sizes: np.ndarray
    measures: Mapping[str, np.ndarray]
    spreads: Mapping[str, float]
    distances: np.ndarray
    apart: float
    classes: np.ndarray | None = None
    kept: np.ndarray | None = None
    feature_distances: np.ndarray | None = None
    errors: np.ndarray | None = None

    def slopes(self, measure: str) -> np.ndarray:
        """Change of a measure for epsilon = 1, (K, N): least squares over each code's images."""
        values = self.measures[measure]
        known = np.isfinite(values)
        x, y = _centred(np.broadcast_to(self.sizes, values.shape), known), _centred(values, known)
        squares = (x**2).sum(axis=-1)
        nothing = np.full_like(squares, np.nan)
        return np.divide((x * y).sum(axis=-1), squares, out=nothing, where=squares > 0)

    def rank_correlations(self, measure: str) -> np.ndarray:
        """Spearman's correlation of a measure with epsilon over each code's images, (K, N).

        0 where the measure stays the same; NaN where fewer than three images have it.
        """
        from scipy.stats import rankdata

        values = self.measures[measure]
        known = np.isfinite(values)
        # Unknown ones, ranked last, do not disturb the ranks of the others.
        y = _centred(rankdata(np.where(known, values, np.inf), axis=-1), known)
        x = _centred(np.cumsum(known, axis=-1), known)
        norms = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
        nothing = np.where(known.sum(axis=-1) < 3, np.nan, 0.0)
        return np.divide(
            (x * y).sum(axis=-1), norms, out=nothing, where=(norms > 0) & (nothing == 0)
        )

    def class_changed(self) -> np.ndarray:
        """Whether the class changes anywhere along the way, (K, N).

        Raises:
            UsageError: no classifier was there to tell.
        """
        return np.logical_or.reduce(self.changed(), axis=-1)

    def changed(self) -> np.ndarray:
        """Whether the classifier sees another class than in the unmoved image, (K, N, S)."""
        if self.classes is None:
            raise UsageError("Classes were not looked at; give `effects` a classifier.")
        unmoved = self.classes[..., len(self.sizes) // 2, None]
        return np.not_equal(self.classes, unmoved)

    def text_lost(self) -> np.ndarray:
        """Whether a word that is read rightly at first is not so anywhere along the way, (K, N).

        float64; NaN where it is not read rightly at first.

        Raises:
            UsageError: no reader was there to tell.
        """
        if self.errors is None:
            raise UsageError("Nothing was read; give `effects` a word and a reader.")
        legible = self.errors[..., len(self.sizes) // 2] == 0
        return np.where(legible, (self.errors > 0).any(axis=-1), np.nan)

    def frame(self) -> pandas.DataFrame:
        """One row a direction.

        For every measure the mean over codes of its rank correlation with epsilon, `NAME rank`
        with `_low` and `_high` of its 95 % interval, of its slope, `NAME slope`, and of its
        change from one end to the other in standard deviations of unmoved images, `NAME effect`.
        `image distance` and `feature distance` are means over both ends; the first is divided by
        `apart`. With a classifier also `class changed`, the share of codes whose class changes,
        with its interval, and `class probability`, what is left of the class at both ends. With a
        reader `text lost`, the share of the words read rightly that are not so all along the way,
        with its interval, and `error rate` and `unmoved error rate`, edits over characters at both
        ends and where the codes were drawn.
        """
        import pandas

        return pandas.DataFrame([self._row(k) for k in range(len(self.directions))])

    def _row(self, k: int) -> dict[str, Any]:
        one = self._of(k)
        row: dict[str, Any] = {"direction": self.directions.names[k]}
        for name in self.measures:
            row |= _mean(one.rank_correlations(name)[0]).row(f"{name} rank")
            slope = _mean(one.slopes(name)[0]).mean
            span = float(self.sizes[-1] - self.sizes[0])
            spread = self.spreads[name]
            row[f"{name} slope"] = slope
            row[f"{name} effect"] = slope * span / spread if spread else float("nan")
        row["image distance"] = _at_ends(one.distances) / self.apart if self.apart else 0.0
        if one.kept is not None and one.feature_distances is not None:
            row |= interval(one.class_changed()[0]).row("class changed")
            row["class probability"] = _at_ends(one.kept)
            row["feature distance"] = _at_ends(one.feature_distances)
        if one.errors is not None:
            row |= _mean(one.text_lost()[0]).row("text lost")
            row["error rate"] = _at_ends(one.errors)
            row["unmoved error rate"] = float(one.errors[..., len(self.sizes) // 2].mean())
        return row

    def _of(self, k: int) -> Effects:
        """The same of one direction."""
        keep = slice(k, k + 1)
        arrays = ("distances", "classes", "kept", "feature_distances", "errors")
        parts = {
            name: values[keep] for name in arrays if (values := getattr(self, name)) is not None
        }
        measures = {name: values[keep] for name, values in self.measures.items()}
        return replace(self, measures=measures, **parts)


def effects(
    generator: Generator,
    directions: Directions,
    classifier: Graph | None = None,
    *,
    word: str | None = None,
    reader: Reader | None = None,
    count: int = 100,
    reach: float = 6.0,
    steps: int = 7,
    seed: int = 0,
    progress: bool = True,
) -> Effects:
    """What `count` codes of the prior, moved along each direction, do to the images.

    A conditional generator draws all classes in turn, and each code keeps its label on its way.

    Args:
        classifier: graph from `image` to `probabilities`; without it classes are not looked at.
        word: what the generator writes, if it writes a word: it is then measured as one.
        reader: says what it reads on the way, which should be `word`.
        reach: epsilon goes from -reach to reach, in units of the code space.
        steps: how many epsilons, an odd number, so that 0 is among them.
        seed: of the codes: other directions with the same seed move the same codes.
        progress: show a bar on stderr.

    Raises:
        UsageError: an even number of steps or fewer than three, no reach, a single code, or a
            reader without a word.
        InvalidInputError: directions of another width than the generator's codes.
    """
    if steps < 3 or steps % 2 == 0 or not reach > 0 or count < 2:
        raise UsageError(
            "Effects need two codes or more, a reach above 0, and an odd number of steps from 3, "
            f"not {count}, {reach} and {steps}."
        )
    if reader is not None and word is None:
        raise UsageError("Say which `word` the reader should read.")
    directions.check_fits(generator)
    see = Seeing(classifier, word, reader)
    codes = generator.codes(count, np.random.default_rng(seed))
    labels = generator.labels(count)
    sizes = np.linspace(-reach, reach, steps)
    middle = steps // 2
    start = see(generator.images(codes, labels))
    rows = []
    with counter("moving codes", len(directions), progress) as done:
        for k in range(len(directions)):
            images = directions.images(generator, codes, k, np.delete(sizes, middle), labels)
            moved = see(images.reshape(-1, *images.shape[2:]))
            rows.append(compared(start, moved, middle))
            done(1)
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    names = [name for name in table if name in start.measures]
    return Effects(
        directions,
        sizes,
        {name: table[name] for name in names},
        {name: float(np.nanstd(start.measures[name])) for name in names},
        table["distances"],
        # Twice the variance of the pixels: what two draws differ by.
        float(2 * start.images.var(axis=0, ddof=1).mean()),
        table.get("classes"),
        table.get("kept"),
        table.get("feature_distances"),
        table.get("errors"),
    )


def _centred(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`values` (..., S) less the mean of the known ones along the last axis; 0 where unknown."""
    values = np.where(known, values, 0.0)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.where(known, values - values.sum(axis=-1, keepdims=True) / count, 0.0)


def _mean(values: np.ndarray) -> Interval:
    """The mean over codes; NaN where no code has the measure."""
    if not np.isfinite(values).any():
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    return interval(values)


def _at_ends(values: np.ndarray) -> float:
    """The mean of (K, N, S) over the first and the last size."""
    return float(values[..., [0, -1]].mean())
