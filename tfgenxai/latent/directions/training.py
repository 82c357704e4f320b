"""The game that A and R play: pairs of images, one moved along a direction, and R that tells which.

Voynov and Babenko, "Unsupervised Discovery of Interpretable Directions in the GAN Latent Space",
2020, eq. 1: min over A and R of E[cross-entropy(k, R_k) + weight |epsilon - R_eps|] on the pairs
(G(z), G(z + epsilon a_k)). G is frozen. With A fixed, the same game trains R alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.decoding import code_input
from tfgenxai.latent.directions.matrices import Matrix
from tfgenxai.latent.directions.reconstructor import RECONSTRUCTORS, make_reconstructor
from tfgenxai.latent.generator import Generator

History = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Training:
    """How the game is played; the defaults are the paper's, but for steps and rate.

    Attributes:
        steps: updates.
        rate: Adam's learning rate; the paper's 1e-4 takes tens of thousands of steps, where this
            one gets far in two thousand.
        batch_size: pairs an update.
        reach: epsilon is drawn from U(-reach, reach), in units of the code space.
        smallest: epsilons nearer to 0 are moved out to this size, for nobody could tell them.
        weight: of the error of epsilon in the loss.
        reconstructor: a name in `RECONSTRUCTORS`.

    Raises:
        UsageError: a setting out of its range.
    """

    steps: int = 2_000
    rate: float = 1e-3
    batch_size: int = 32
    reach: float = 6.0
    smallest: float = 0.5
    weight: float = 0.25
    reconstructor: str = "lenet"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2 or not self.rate > 0:
            raise UsageError(
                "A training takes 1 step, 2 pairs a batch and a rate above 0, or more."
            )
        if not 0 <= self.smallest < self.reach or self.weight < 0:
            raise UsageError(
                "Shifts reach further than their smallest size, which is 0 or more, as is weight."
            )
        if self.reconstructor not in RECONSTRUCTORS:
            raise UsageError(
                f"There is no reconstructor {self.reconstructor!r}; choose from "
                f"{', '.join(RECONSTRUCTORS)}."
            )


class Pairs(NamedTuple):
    """What n pairs of images are drawn from.

    Attributes:
        fed: codes (n, d) and, of a conditional generator, labels (n,), the same for both images.
        directions: (n,) int32 in [0, K).
        sizes: epsilon (n,) float32.
    """

    fed: tuple[np.ndarray, ...]
    directions: np.ndarray
    sizes: np.ndarray


class Game:
    """A frozen generator, directions and a reconstructor.

    Args:
        matrix: the directions; learnt where it has variables.
        seed: of the reconstructor's weights, and of all pairs.

    Raises:
        InvalidInputError: the generator's images are too small, or have no fixed size.
    """

    def __init__(
        self, generator: Generator, matrix: Matrix, training: Training, seed: int = 0
    ) -> None:
        self.generator, self.matrix, self.training = generator, matrix, training
        graph = generator.graph
        shape = graph.outputs["image"].shape[1:]
        if not shape.is_fully_defined():
            raise InvalidInputError(f"Images of {graph.name!r} have no fixed size: {shape}.")
        self.count = int(matrix.vectors().shape[0])
        self.reconstructor = make_reconstructor(
            training.reconstructor, self.count, tuple(shape), seed
        )
        names = [code_input(graph), *(["label"] if generator.conditional else [])]
        self._image = graph.function(names, "image")
        self._random = np.random.default_rng([seed, self.count])
        self.judge = tf.function(self._judge, autograph=False)

    def pairs(self, size: int) -> Pairs:
        """Codes from the prior, labels, directions and sizes, drawn at random."""
        random, training = self._random, self.training
        fed = [self.generator.codes(size, random)]
        if self.generator.conditional:
            fed.append(random.integers(self.generator.classes, size=size))
        directions = random.integers(self.count, size=size, dtype=np.int32)
        sizes = random.uniform(-training.reach, training.reach, size).astype(np.float32)
        sizes = np.copysign(np.maximum(np.abs(sizes), training.smallest), sizes)
        return Pairs(tuple(fed), directions, sizes.astype(np.float32))

    def play(self, what: str, progress: bool | None = None) -> tuple[History, bool]:
        """Trains R, and A if it can learn; gives the history, and whether it was not interrupted.

        Ctrl-C ends the training after the step that is under way; what is learnt stays.

        Returns:
            loss, accuracy (share of directions told) and error (mean |epsilon - R_eps|) of the
            batch of each step, (steps,) each; and True unless it was interrupted.
        """
        steps, size = self.training.steps, self.training.batch_size
        rows: list[Any] = []
        finished = True
        update = self.update()
        if progress is None:
            progress = sys.stderr.isatty()
        with counter(what, steps, progress) as advance:
            try:
                for _ in range(steps):
                    rows.append(update(self.pairs(size)))
                    advance(1)
            except KeyboardInterrupt:
                finished = False
        table = np.array([row.numpy() for row in rows], np.float32).reshape(-1, 3)
        return dict(zip(("loss", "accuracy", "error"), table.T, strict=True)), finished

    def update(self) -> Callable[[Pairs], tf.Tensor]:
        """A function that takes a step of Adam on pairs: their loss, accuracy and error, (3,).

        Each call of `update` starts Adam anew.
        """
        variables = [*self.matrix.trainable_variables, *self.reconstructor.trainable_variables]
        optimizer = keras.optimizers.Adam(self.training.rate)
        optimizer.build(variables)

        @tf.function(autograph=False)
        def update(pairs: Pairs) -> tf.Tensor:
            with tf.GradientTape() as tape:
                logits, guessed = self._answers(pairs, training=True)
                told = tf.nn.sparse_softmax_cross_entropy_with_logits(pairs.directions, logits)
                error = tf.reduce_mean(tf.abs(pairs.sizes - guessed))
                loss = tf.reduce_mean(told) + self.training.weight * error
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))
            return tf.stack([loss, tf.reduce_mean(_hits(pairs, logits)), error])

        return lambda pairs: update(batch_of(pairs, 0, len(pairs.sizes)))

    def _judge(self, pairs: Pairs) -> tuple[tf.Tensor, tf.Tensor]:
        """Whether R tells each direction (n,) 0 or 1, and |epsilon - R_eps| (n,); R stays."""
        logits, guessed = self._answers(pairs, training=False)
        return _hits(pairs, logits), tf.abs(pairs.sizes - guessed)

    def _answers(self, pairs: Pairs, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        codes, *labels = pairs.fed
        moved = codes + self.matrix.shifts(pairs.directions, pairs.sizes)
        images = self._image(codes, *labels), self._image(moved, *labels)
        return self.reconstructor(images, training=training)


def batch_of(pairs: Pairs, start: int, stop: int) -> Pairs:
    """Some of the pairs."""
    return Pairs(
        tuple(tf.constant(part[start:stop]) for part in pairs.fed),
        tf.constant(pairs.directions[start:stop]),
        tf.constant(pairs.sizes[start:stop]),
    )


def _hits(pairs: Pairs, logits: tf.Tensor) -> tf.Tensor:
    told = tf.argmax(logits, axis=1, output_type=tf.int32)
    return tf.cast(tf.equal(told, pairs.directions), tf.float32)
