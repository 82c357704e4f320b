"""`Victim`: a classifier's graph as attacks see it: votes, and slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfgenxai.errors import UsageError
from tfgenxai.explained import find_output
from tfgenxai.metrics.batches import batched

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


def image_input(graph: Graph) -> str:
    """The name of the graph's only input, which takes images.

    Raises:
        UsageError: it takes something else, or more.
    """
    takes = list(graph.inputs.items())
    if len(takes) != 1 or takes[0][1].shape.rank != 4:
        raise UsageError(
            f"Attacks change images, and {graph.name!r} takes {', '.join(graph.inputs)}: choose a "
            "graph that takes images alone."
        )
    return takes[0][0]


class Victim:
    """A classifier that is to be misled.

    Args:
        graph: takes images alone, and gives logits (N, K).

    Attributes:
        input: the name of its input.
        classes: K.
        function: from images to logits.

    Raises:
        UsageError: it does not.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.input = image_input(graph)
        logits = find_output(graph, None, ("logits",), "An attack")
        if logits.shape.rank != 2 or (logits.shape[1] or 0) < 2:
            raise UsageError(
                f"Attacks mislead a classifier, and the logits of {graph.name!r} have shape "
                f"{logits.shape}, not one a class."
            )
        self.classes = int(logits.shape[1])
        images = graph.inputs[self.input]
        self.function = graph.function(self.input, logits)
        spec = tf.TensorSpec(images.shape, images.dtype)
        ints = tf.TensorSpec([images.shape[0]], tf.int32)
        self._push = tf.function(self._push_away, input_signature=[spec, ints], autograph=False)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, K)."""
        return batched(self.function, images)

    def votes(self, images: np.ndarray) -> np.ndarray:
        """The class of the largest logit, (N,)."""
        return self.logits(images).argmax(axis=1)

    def margin(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The largest logit of another class less that of the label, (N,): above 0 when misled."""
        logits = self.logits(images)
        rows = np.arange(len(logits))
        own = logits[rows, labels]
        logits[rows, labels] = -np.inf
        return logits.max(axis=1) - own

    def slope(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The direction of the gradient of the cross-entropy of the labels, of the images' shape.

        Cross-entropy is log(1 + exp(u)) with u = log(sum of exp of the other logits) less the own
        logit: its gradient is that of u times a number in (0, 1), so both point the same way. That
        number is lost to rounding where a classifier is sure, and the gradient with it: so the
        gradient of u is given.
        """
        return self._push(images, labels.astype(np.int32)).numpy()

    def _push_away(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            logits = self.function(images)
            own = tf.one_hot(labels, self.classes, on_value=True, off_value=False)
            others = tf.reduce_logsumexp(tf.where(own, logits.dtype.min, logits), axis=1)
            rise = others - tf.gather(logits, labels, batch_dims=1)
        return tape.gradient(rise, images)
