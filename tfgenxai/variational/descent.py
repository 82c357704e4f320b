"""What models of single images share: descent in phases, on all images of a batch at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.variational import terms

#: (images (M, H, W, C), context) -> log f_y* (M,), in TensorFlow operations.
LogProbability = Callable[[tf.Tensor, Any], tf.Tensor]


class Phase(NamedTuple):
    """So many steps that change some of the variables.

    Attributes:
        variables: those that change.
        optimizer: what changes them; of its own for every phase.
        repeats: steps of the phase in every round.
    """

    variables: Sequence[keras.Variable]
    optimizer: keras.optimizers.Optimizer
    repeats: int


class Descent(keras.Model):
    """N models side by side, each with weights of its own along their first axis.

    Their objectives are added up to be minimised, so that none sees another's, and Adam scales
    every weight by itself. Draws are the same for all, so that a result does not depend on the
    company that an image is in.

    Args:
        log_probability: of the class that is explained; without it the objective has no such term.
        weight: λ_y, what a nat of it counts.
        notes: terms to take as the notes wrote them, of `NOTES`.
        seed: of the draws, and of first weights where they are drawn.

    Raises:
        UsageError: an unknown term, or a weight below 0.
    """

    #: Terms that the notes have otherwise.
    NOTES: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        log_probability: LogProbability | None,
        *,
        weight: float,
        notes: Collection[str],
        seed: int,
    ) -> None:
        super().__init__()
        notes = (notes,) if isinstance(notes, str) else tuple(notes)
        if unknown := [name for name in notes if name not in self.NOTES]:
            raise UsageError(
                f"notes= names terms that the notes have otherwise: {', '.join(self.NOTES)}, "
                f"not {unknown[0]!r}."
            )
        if not 0 <= weight < np.inf:
            raise UsageError(f"weight= is a number from 0, not {weight}.")
        self.log_probability = log_probability
        self.weight = weight
        self.notes = notes
        self.seed = seed
        self._compiled = tf.function(self._rounds, autograph=False)

    @property
    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """What a round consists of."""

    @property
    @abstractmethod
    def noise_shape(self) -> tuple[int, ...]:
        """Of the standard normal draws that a loss takes."""

    @abstractmethod
    def objective(self, images: tf.Tensor, noise: tf.Tensor, context: Any, phase: int) -> tf.Tensor:
        """What each model minimises in a phase, (N,) in nats."""

    def form(self, term: str) -> terms.Form:
        """Whether a term is taken as it should be or as the notes have it."""
        return "notes" if term in self.notes else "right"

    def confidence(self, images: tf.Tensor, context: Any) -> tf.Tensor:
        """-λ log f_y* of images (M, H, W, C), (M,)."""
        if self.log_probability is None:
            return tf.zeros(tf.shape(images)[:1])
        log = self.log_probability(images, context)
        return terms.confidence(log, self.weight, form=self.form("confidence"))

    def remember(self) -> None:
        """Notes the weights, and the optimizers' state, as where every descent begins."""
        for phase in self.phases:
            phase.optimizer.build(phase.variables)
        state = [*self.weights, *(v for phase in self.phases for v in phase.optimizer.variables)]
        self._start = [(variable, variable.numpy()) for variable in state]
        self.built = True

    def set_start(self, variable: keras.Variable, value: np.ndarray) -> None:
        """Lets every descent begin with this value of a variable."""
        self._start = [(v, value if v is variable else old) for v, old in self._start]

    def descend(self, images: Any, rounds: int, context: Any = ()) -> np.ndarray:
        """Minimises from the start; gives back the objective of every round, (rounds, N).

        Args:
            images: what each model explains, images first or second along its axes.
            rounds: how often to go through all phases.
            context: what `log_probability` takes besides images.
        """
        for variable, value in self._start:
            variable.assign(value)
        return self._compiled(tf.convert_to_tensor(images), tf.constant(rounds), context).numpy()

    def _rounds(self, images: tf.Tensor, rounds: tf.Tensor, context: Any) -> tf.Tensor:
        count = tf.shape(images)[:1]
        per_round = sum(phase.repeats for phase in self.phases)

        def one(number: tf.Tensor, history: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            step = number * per_round
            for place, phase in enumerate(self.phases):
                found = self._steps(images, context, place, step, count)
                step += phase.repeats
            return number + 1, history.write(number, found)

        history = tf.TensorArray(tf.float32, rounds)
        _, history = tf.while_loop(
            lambda number, _: number < rounds, one, (0, history), parallel_iterations=1
        )
        return history.stack()

    def _steps(
        self, images: tf.Tensor, context: Any, place: int, first: tf.Tensor, count: tf.Tensor
    ) -> tf.Tensor:
        """The steps of one phase; the losses (N,) before the last one."""
        phase = self.phases[place]
        values = [variable.value for variable in phase.variables]

        def step(number: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            noise = tf.random.stateless_normal(self.noise_shape, [self.seed, number])
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(values)
                losses = self.objective(images, noise, context, place)
            slopes = tape.gradient(losses, values, unconnected_gradients="zero")
            phase.optimizer.apply(slopes, phase.variables)
            return number + 1, losses

        last = first + phase.repeats
        return tf.while_loop(
            lambda number, _: number < last, step, (first, tf.zeros(count)), parallel_iterations=1
        )[1]
