"""What is measured when neurons are taken away: accuracy, scores, images, verdicts.

An effect reads scores of every sample twice, with the network whole and with it ablated, and says
what was lost. It knows nothing of layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.targets import ClassLogit, Output, Target

if TYPE_CHECKING:
    from tfgenxai.explained import Explained
    from tfgenxai.graph import Graph


class Effect(ABC):
    """What is lost by an ablation; K numbers a sample.

    Attributes:
        name: what the numbers are, for tables and figures.
        needs_labels: whether `change` reads the samples' classes.
        squared: whether `change` is the mean over scores of their squared difference, so that a
            random projection of the scores estimates it.
    """

    name: ClassVar[str]
    needs_labels: ClassVar[bool] = False
    squared: ClassVar[bool] = False

    @abstractmethod
    def on(self, graph: Graph) -> Explained:
        """The scores that are compared, T of each sample.

        Raises:
            UsageError: the graph lacks what the effect needs.
        """

    @abstractmethod
    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The effect (..., K) of scores (..., T) becoming others; axes before T are broadcast.

        Args:
            labels: (...,) int32 classes; zeros where there are none.
        """

    def smooth(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """What stands for `change` where scores move by infinitely little; `change` by default."""
        return self.change(before, after, labels)

    def names(self, explained: Explained) -> tuple[str, ...]:
        """Names of the K numbers."""
        return (self.name,)


@dataclass(frozen=True, eq=False)
class AccuracyDrop(Effect):
    """Right before and wrong after: 1; the reverse: -1; else 0. Its mean is the loss of accuracy.

    Args:
        output: the classifier's output that holds the logits, where it is not `logits`.
    """

    output: str | None = None
    name: ClassVar[str] = "drop in accuracy"
    needs_labels: ClassVar[bool] = True

    def on(self, graph: Graph) -> Explained:
        """All logits."""
        return ClassLogit(None, output=self.output).on(graph)

    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Hits before less hits after."""

        def hits(scores: tf.Tensor) -> tf.Tensor:
            return tf.cast(tf.argmax(scores, -1, tf.int32) == labels, tf.float32)

        return (hits(before) - hits(after))[..., None]

    def smooth(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Drop in the log-probability of the own class: a small step changes no verdict."""
        own = tf.one_hot(labels, tf.shape(before)[-1])
        lost = tf.nn.log_softmax(before) - tf.nn.log_softmax(after)
        return tf.reduce_sum(own * lost, axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class ScoreDrop(Effect):
    """How far the target's scalars fall, by name: a logit, a latent, the verdict of a judge."""

    target: Target
    name: ClassVar[str] = "drop of the score"

    def on(self, graph: Graph) -> Explained:
        """The target."""
        return self.target.on(graph)

    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Before less after."""
        return before - after

    def names(self, explained: Explained) -> tuple[str, ...]:
        """The target's names."""
        return explained.names


@dataclass(frozen=True, eq=False)
class ScoreShift(ScoreDrop):
    """How far the target's scalars move, up or down, as for the latents of an encoder."""

    name: ClassVar[str] = "shift of the score"

    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The magnitude of the difference."""
        return tf.abs(before - after)


@dataclass(frozen=True, eq=False)
class ImageChange(Effect):
    """Mean squared difference of the image's pixels, for decoders and generators.

    Args:
        output: the output that holds the image.
    """

    output: str = "image"
    name: ClassVar[str] = "change of the image (MSE)"
    squared: ClassVar[bool] = True

    def on(self, graph: Graph) -> Explained:
        """All pixels."""
        return Output(self.output).on(graph)

    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Mean over pixels."""
        return tf.reduce_mean(tf.math.squared_difference(before, after), axis=-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class VerdictDrop(Effect):
    """Loss of probability of the class that a classifier saw before the ablation.

    Args:
        model: a classifier's graph, to judge the image that the ablated graph draws; None where
            the ablated graph classifies itself.
    """

    model: Graph | None = None
    name: ClassVar[str] = "drop in probability of the class seen"

    def on(self, graph: Graph) -> Explained:
        """All logits."""
        return ClassLogit(None, model=self.model).on(graph)

    def change(self, before: tf.Tensor, after: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Probability of the likeliest class before, less that of the same class after."""
        seen = tf.one_hot(tf.argmax(before, axis=-1), tf.shape(before)[-1])
        lost = tf.nn.softmax(before) - tf.nn.softmax(after)
        return tf.reduce_sum(seen * lost, axis=-1, keepdims=True)


def checked_effect(effect: Effect, labelled: bool) -> Effect:
    """The effect, if it is one and the labels that it needs are there.

    Raises:
        UsageError: otherwise.
    """
    if not isinstance(effect, Effect):
        raise UsageError(
            f"The effect says what is measured, such as AccuracyDrop() or ImageChange(); "
            f"{effect!r} is none."
        )
    if effect.needs_labels and not labelled:
        raise UsageError(f"{type(effect).__name__} needs the classes of the samples: pass labels=.")
    return effect
