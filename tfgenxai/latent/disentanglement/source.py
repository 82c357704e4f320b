"""Where samples with known factors come from: a pool of images, or a function of the factors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tfgenxai.data.images import ImageData
from tfgenxai.errors import InvalidInputError, UsageError

_BATCH = 256

#: One factor held fixed: its column and the value (N,) that each sample has.
Fixed = tuple[int, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """Samples by lot.

    Attributes:
        factors: int64 (N, F), each factor as an index from 0.
        values: (N, ...), what belongs to them: images, or codes (N, D).
    """

    factors: np.ndarray
    values: np.ndarray


class FactorSource(Protocol):
    """Gives samples with known factors; `names` are those of the F factors."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a factor."""
        ...

    def draw(self, count: int, rng: np.random.Generator, fixed: Fixed | None = None) -> Sample:
        """`count` samples by lot; with `fixed`, one of their factors has the values given."""
        ...

    def map(self, function: Callable[[Any], Any]) -> FactorSource:
        """The same source of `function(values)`, such as codes instead of images."""
        ...

    def split(
        self, train: int, test: int, rng: np.random.Generator
    ) -> tuple[FactorSource, FactorSource]:
        """Two sources, to learn from and to test on, that can give so many samples each."""
        ...


class Pool:
    """Samples out of a fixed set of N, of which those with a wanted value of a factor are chosen.

    When the set holds every combination of factors once, this is the same as drawing factors and
    looking their image up. When it holds a part of them (drawn faces), the other factors of a
    chosen sample follow the frequencies of the set, and so does the value of the fixed factor.
    Each value should have some hundred samples: of a few, all factors seem to be fixed at once.

    Args:
        values: (N, ...) images in [0, 1], codes, or `ImageData`, which turns to floats in batches.
        factors: name -> (N,) integers from 0.

    Raises:
        InvalidInputError: factors of another length or kind, fewer than two of them, or one with
            a single value.
    """

    def __init__(self, values: np.ndarray | ImageData, factors: Mapping[str, np.ndarray]) -> None:
        if len(factors) < 2:
            raise InvalidInputError(
                f"Disentanglement compares two factors or more; there are {len(factors)}."
            )
        for name, column in factors.items():
            _check_factor(name, np.asarray(column), len(values))
        self.names = tuple(factors)
        self.values = values
        self.factors = np.stack(list(factors.values()), axis=1).astype(np.int64)
        self._orders = [np.argsort(column, kind="stable") for column in self.factors.T]
        self._counts = [np.bincount(column) for column in self.factors.T]
        self._starts = [np.cumsum(counts) - counts for counts in self._counts]

    @classmethod
    def of(cls, data: ImageData, names: Sequence[str] | None = None) -> Pool:
        """The images of a data set with its factors, or those of its factors that are named.

        Raises:
            UsageError: the data set has no factors, or none of such a name.
        """
        known = data.factor_codes
        if not known:
            raise UsageError(
                f"{data.name} knows no factors of its images; disentanglement needs several of "
                "each image, such as those of faces, dsprites and shapes3d."
            )
        if missing := [name for name in names or () if name not in known]:
            raise UsageError(
                f"{data.name} has no factor {missing[0]!r}; it has {', '.join(known)}."
            )
        return cls(data, {name: known[name] for name in names or known})

    def __len__(self) -> int:
        return len(self.factors)

    def draw(self, count: int, rng: np.random.Generator, fixed: Fixed | None = None) -> Sample:
        """`count` samples; without `fixed` all different, with it independent of each other.

        Raises:
            InvalidInputError: more different samples than there are, or a value of no sample.
        """
        if fixed is not None:
            column, wanted = fixed
            counts = self._counts[column]
            if np.max(wanted) >= len(counts) or np.min(counts[wanted]) == 0:
                raise InvalidInputError(
                    f"The pool has no sample for some wanted value of {self.names[column]!r}."
                )
            offsets = (rng.random(count) * counts[wanted]).astype(np.int64)
            return self[self._orders[column][self._starts[column][wanted] + offsets]]
        if count > len(self):
            raise InvalidInputError(
                f"The pool holds {len(self):,} samples, {count:,} were asked for; ask for fewer, "
                "or make the pool larger."
            )
        return self[rng.choice(len(self), count, replace=False)]

    def __getitem__(self, rows: np.ndarray) -> Sample:
        """The samples of these rows."""
        values = self.values[rows]
        return Sample(
            self.factors[rows], values.images if isinstance(values, ImageData) else values
        )

    def map(self, function: Callable[[Any], Any]) -> Pool:
        """A pool of `function(values)`, computed once, in batches."""
        batches = np.array_split(np.arange(len(self)), -(-len(self) // _BATCH))
        parts = [np.asarray(function(self[rows].values)) for rows in batches]
        return Pool(np.concatenate(parts), self._columns(slice(None)))

    def split(self, train: int, test: int, rng: np.random.Generator) -> tuple[Pool, Pool]:
        """Two pools of `train` and `test` samples that share none.

        Raises:
            InvalidInputError: there are fewer than `train + test`, or a factor is constant in one.
        """
        if train + test > len(self):
            raise InvalidInputError(
                f"The pool holds {len(self):,} samples; {train:,} to learn from and {test:,} to "
                f"test on are {train + test:,}. Ask for fewer, or make the pool larger."
            )
        rows = rng.permutation(len(self))[: train + test]
        first, second = rows[:train], rows[train:]
        return (
            Pool(self.values[first], self._columns(first)),
            Pool(self.values[second], self._columns(second)),
        )

    def _columns(self, rows: Any) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.factors[rows].T, strict=True))


class Simulator:
    """Samples made from factors that are drawn independently and uniformly.

    Args:
        sizes: factor -> its number of values.
        make: factors int64 (n, F) -> what they look like (n, ...).
    """

    def __init__(self, sizes: Mapping[str, int], make: Callable[[np.ndarray], Any]) -> None:
        self.names = tuple(sizes)
        self._sizes = np.array(list(sizes.values()))
        self._make = make

    def draw(self, count: int, rng: np.random.Generator, fixed: Fixed | None = None) -> Sample:
        """`count` independent samples."""
        factors = rng.integers(self._sizes, size=(count, len(self._sizes)))
        if fixed is not None:
            factors[:, fixed[0]] = fixed[1]
        return Sample(factors, np.asarray(self._make(factors)))

    def map(self, function: Callable[[Any], Any]) -> Simulator:
        """A simulator of `function(values)`, computed at every draw."""
        sizes = dict(zip(self.names, map(int, self._sizes), strict=True))
        return Simulator(sizes, lambda factors: function(self._make(factors)))

    def split(self, train: int, test: int, rng: np.random.Generator) -> tuple[Simulator, Simulator]:
        """Itself twice: it makes as many samples as are drawn."""
        return self, self


def _check_factor(name: str, column: np.ndarray, count: int) -> None:
    if column.shape != (count,) or column.dtype.kind not in "iu" or column.min(initial=0) < 0:
        raise InvalidInputError(
            f"The factor {name!r} must hold integers from 0, of shape ({count},); it is "
            f"{column.dtype} of shape {column.shape}."
        )
    if len(np.unique(column)) < 2:
        raise InvalidInputError(
            f"The factor {name!r} has one value in all {count} samples, so that nothing can be "
            "learned about it; leave it out, or take more samples."
        )
