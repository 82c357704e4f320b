"""A Keras callback that measures what a GAN draws while it trains, and warns of a collapse."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.metrics.coverage import mode_coverage
from tfgenxai.metrics.features import Readings, read
from tfgenxai.metrics.frechet import frechet
from tfgenxai.tensorboard.summaries import Summaries

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph

_MEASURED = 1000  # images of each kind behind an epoch's numbers
_GLANCED = 200  # images behind a warning within an epoch
_EVERY = 500  # updates between two glances
_BATCH = 200
#: Drawn features that vary less than this share of what real ones do are a collapse.
LEAST_DIVERSITY = 0.5
#: So is a class that is drawn so many times more often than it occurs.
MOST_OF_ONE = 3.0


@dataclass(frozen=True)
class Health:
    """How varied N drawn images are beside real ones.

    Attributes:
        covered, covered_real: classes with at least 1 % of the images.
        diversity: the variance of the drawn images' features over that of real ones.
        excess: the largest class' share of the drawn images over its share of real ones.
    """

    covered: int
    covered_real: int
    diversity: float
    excess: float

    @classmethod
    def of(cls, drawn: Readings, real: Readings) -> Health:
        """By what a classifier makes of drawn and of real images."""
        of_drawn, of_real = mode_coverage(drawn.probabilities), mode_coverage(real.probabilities)
        spread, whole = (x.features.var(axis=0).sum() for x in (drawn, real))
        largest = of_drawn.shares.argmax()
        usual = max(of_real.shares[largest], 1 / len(real))
        return cls(
            of_drawn.covered,
            of_real.covered,
            float(spread / whole) if whole else 1.0,
            float(of_drawn.shares[largest] / usual),
        )

    def complaints(self) -> list[str]:
        """What speaks for a collapse, in words; nothing where all is well."""
        found = []
        if self.covered < self.covered_real:
            found.append(f"{self.covered} of {self.covered_real} classes are drawn")
        if self.diversity < LEAST_DIVERSITY:
            found.append(f"features vary {self.diversity:.0%} as much as those of real images")
        if self.excess > MOST_OF_ONE:
            found.append(f"one class is drawn {self.excess:.1f} times too often")
        return found


class Drawn(keras.callbacks.Callback):
    """Numbers about what the generator draws after every epoch, and a warning between.

    After every epoch `drawn/frechet` beside its floor `drawn/frechet_real`, `drawn/covered`,
    `drawn/diversity`, `drawn/excess` (see `Health`), `drawn/confidence` of the classifier, and
    `class_shares/3`, on up to 1,000 images of the same noise every time. Every 500 updates 200
    images are glanced at; what speaks for mode collapse is said on stderr. Random states are not
    touched. A model that generates nothing, as a VAE, is left alone.

    Args:
        logdir: folder of the log.
        data: held-out images; one half is what drawn ones are compared with, the other the floor.
        classifier: graph from `image` to `probabilities`, with a hidden layer.
        every: updates between two glances.
    """

    def __init__(
        self, logdir: Path, data: ImageData, classifier: Graph, *, every: int = _EVERY
    ) -> None:
        super().__init__()
        self.logdir = logdir
        self.data = data
        self.classifier = classifier
        self.every = every
        self.updates = 0
        self.log: Summaries | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Reads the real images, if the model generates."""
        if "generate" not in self.model.export_signatures():
            return
        self.log = Summaries(self.logdir)
        half = min(_MEASURED, len(self.data) // 2)
        both = read(self.classifier, self.data[: 2 * half].images)
        self.real, self.floor = both[:half], both[half:]
        shape = (half, self.model.latent_dim)
        self.eps = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Glances at what is drawn, every so many updates."""
        self.updates += 1
        if self.log is None or self.updates % self.every:
            return
        drawn = self._drawn(_GLANCED)
        self._warn(Health.of(drawn, self.real), f"after {self.updates:,} updates")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures what is drawn (Keras counts epochs from 0)."""
        if self.log is None:
            return
        drawn = self._drawn(len(self.eps))
        distance = frechet(drawn.features, self.real.features, self.floor.features)
        coverage, health = mode_coverage(drawn.probabilities), Health.of(drawn, self.real)
        numbers = {
            "frechet": distance.distance,
            "frechet_real": distance.floor,
            "covered": health.covered,
            "diversity": health.diversity,
            "excess": health.excess,
            "confidence": coverage.confidence,
        }
        self.log.scalars({f"drawn/{name}": value for name, value in numbers.items()}, epoch)
        shares = {f"class_shares/{k}": share for k, share in enumerate(coverage.shares)}
        self.log.scalars(shares, epoch)
        self.log.flush()
        print(
            f"drawn after epoch {epoch + 1}: Fréchet distance {distance}, "
            f"{health.covered} of {health.covered_real} classes, "
            f"features vary {health.diversity:.0%} as much as real ones",
            file=sys.stderr,
        )
        self._warn(health, f"after epoch {epoch + 1}")

    def _drawn(self, count: int) -> Readings:
        """What the classifier makes of the first `count` images of the fixed noise."""
        assert self.model is not None
        parts = [
            self.model.sample(tf.constant(self.eps[start : min(start + _BATCH, count)])).numpy()
            for start in range(0, min(count, len(self.eps)), _BATCH)
        ]
        return read(self.classifier, np.concatenate(parts))

    @staticmethod
    def _warn(health: Health, when: str) -> None:
        if complaints := health.complaints():
            print(
                f"warning: {when} the generator may be losing modes: {'; '.join(complaints)}.",
                file=sys.stderr,
            )
