"""How surely a recogniser reads a character or a word, as targets to explain or to maximise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.explained import (
    Explained,
    element_of_each,
    find_output,
    of_generated_image,
    sample_shape,
)
from tfgenxai.targets import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: (N, T, V + 1); class 0 is blank, class i + 1 character i.
OUTPUT = "log_probabilities"
_BLANK = 0


@dataclass(frozen=True, eq=False)
class CharacterReading(Target):
    """log p(character | image) in nats at a time step, which every sample chooses for itself.

    Args:
        steps: (N,) from 0.
        label: (N,) characters' indices.
    """

    steps: np.ndarray
    label: np.ndarray

    def on(self, graph: Graph) -> Explained:
        """One element of the log-probabilities of each sample."""
        output = find_output(graph, None, (OUTPUT,), "CharacterReading")
        element = np.asarray(self.steps) * sample_shape(output)[1] + np.asarray(self.label) + 1
        return element_of_each(graph, output, element, "step and character")


@dataclass(frozen=True, eq=False)
class Reading(Target):
    """log p(word | image) in nats: the sum over all ways to read the word, by CTC.

    Graves et al., "Connectionist Temporal Classification", 2006, eq. 3.

    Args:
        label: the word's characters as indices; character i is class i + 1, class 0 is blank.
        model: a recogniser's graph, to explain how it reads the image that the graph generates.
    """

    label: Sequence[int]
    model: Graph | None = None

    def on(self, graph: Graph) -> Explained:
        """The log-probability of the word."""
        if self.model is not None:
            return of_generated_image(graph, Reading(self.label).on(self.model))
        output = find_output(graph, None, (OUTPUT,), "Reading")
        steps, _ = sample_shape(output)
        classes = np.asarray(self.label, np.int32) + 1

        def read(values: tuple[tf.Tensor], inputs: Any, classes: tf.Tensor) -> tf.Tensor:
            number = tf.shape(values[0])[0]
            labels = tf.sparse.from_dense(tf.tile(classes[None], [number, 1]))
            loss = tf.nn.ctc_loss(
                labels,
                values[0],
                label_length=None,
                logit_length=tf.fill([number], steps),
                logits_time_major=False,
                blank_index=_BLANK,
            )
            return -loss[:, None]

        key = ("Reading", output.name, len(classes))
        return Explained(graph, (output,), read, ("log p(word)",), key, shared=(classes,))
