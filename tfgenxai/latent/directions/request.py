"""What `tfgenxai directions` was asked for, and the models that it names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.learn import COUNT
from tfgenxai.latent.directions.methods import METHODS
from tfgenxai.latent.directions.training import Training
from tfgenxai.latent.generator import Generator

#: --classifier, or --recogniser, that stands for none
NO_CLASSIFIER = "none"
#: Words have fewer directions, and images too wide for LeNet.
WORD_COUNT, WORD_RECONSTRUCTOR = 10, "resdown"


@dataclass(frozen=True)
class DirectionsRequest:
    """The parsed command.

    Attributes:
        path: a SavedModel's folder or shipped name.
        out: folder of the results.
        methods: names in `METHODS`.
        apply: files of directions, of this model or of another.
        count: directions a method finds; by default 20, or `WORD_COUNT` of words.
        reconstructor: a name in `RECONSTRUCTORS`, for `training`; by default "lenet", or
            `WORD_RECONSTRUCTOR` for words.
        training: how directions are learnt, and reconstructors judge.
        judge: measure the reconstructor accuracy.
        samples: codes that effects are measured on.
        classifier: SavedModel that sees classes; None for the digit classifier that ships, where
            the model was trained on digits, and `NO_CLASSIFIER` for none.
        recogniser: SavedModel that reads words; None for the one that ships, where the model was
            trained on the same words, and `NO_CLASSIFIER` for none.
        labels: of the figures, for a conditional model; empty for all classes in turn.
        seed: of all that is drawn.
        trusted: allow any operation in the models.

    Raises:
        UsageError: an unknown method, nothing to do, or a number out of its range.
    """

    path: str
    out: Path
    methods: tuple[str, ...] = ("learned",)
    apply: tuple[Path, ...] = ()
    count: int | None = None
    reconstructor: str | None = None
    training: Training = field(default_factory=Training)
    judge: bool = False
    samples: int = 100
    classifier: str | None = None
    recogniser: str | None = None
    labels: tuple[int, ...] = ()
    seed: int = 0
    trusted: bool = False

    def __post_init__(self) -> None:
        for name in self.methods:
            if name not in METHODS:
                raise UsageError(f"Unknown method {name!r}; --method are {', '.join(METHODS)}.")
        if not self.methods and not self.apply:
            raise UsageError("Nothing to do: name a --method, or files to --apply.")
        if len({path.stem for path in self.apply}) < len(self.apply):
            raise UsageError("Two files of one name are applied; results go by their names.")
        too_few = self.count is not None and self.count < 1
        if too_few or self.samples < 2 or self.seed < 0:
            raise UsageError("--count is at least 1, --samples at least 2, --seed at least 0.")

    def settled(self, *, words: bool) -> DirectionsRequest:
        """The request with what it leaves open chosen, for a model of words or of other images."""
        reconstructor = WORD_RECONSTRUCTOR if words else self.training.reconstructor
        return replace(
            self,
            count=self.count or (WORD_COUNT if words else COUNT),
            training=replace(self.training, reconstructor=self.reconstructor or reconstructor),
        )

    def shown_labels(self, generator: Generator, count: int) -> np.ndarray | None:
        """Labels (count,) of the figures' rows; None of a generator that takes none.

        Raises:
            UsageError: labels for a generator that takes none, or that it does not know.
        """
        if not self.labels:
            return generator.labels(count)
        if not generator.conditional:
            raise UsageError(f"{self.path} takes no labels: leave --labels out.")
        if min(self.labels) < 0 or max(self.labels) >= generator.classes:
            raise UsageError(f"--labels of {self.path} run from 0 to {generator.classes - 1}.")
        return np.resize(self.labels, count)
