"""Score-CAM, by tf-keras-vis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY
from tfgenxai.attribution.keras_vis import RAW, CutModel, KerasVisCAM
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained
from tfgenxai.targets import ClassLogit, Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

# Arrays of the size of all masked inputs that tf-keras-vis holds at once.
_COPIES = 6


class ScoreCAM(KerasVisCAM):
    """ReLU(sum_k f(x * H_k) A_k), H_k the map A_k scaled up to the image and to [0, 1].

    No gradient is taken: a map weighs as much as the target of the image that it masks (Wang et al.
    2020). The maps are those of `tf_keras_vis.scorecam.Scorecam` on the Keras model that the graph
    was exported from, raw: see `keras_vis`. It leaves out two steps of the paper: the target of an
    empty image is not subtracted, and the weights do not go through a softmax over k.

    The weight of `ClassLogit(k)` is the probability of the class, as in tf-keras-vis, which takes
    the softmax of whatever a model gives. That makes no sense of any other target, whose weight is
    its value; `Output("logits", k)` is the bare logit.

    A call costs one pass of the masked inputs, K to a sample, through the whole graph, whatever the
    number of targets.

    Args:
        graph: the graph to explain; its input is an image.
        layer: the layer whose feature maps are weighed; by default the last convolution.
        max_N: use the maps of the largest standard deviation only, each sample its own.
        wrt, seed: see `Method`.
    """

    name = "score_cam"

    def __init__(
        self,
        graph: Graph,
        layer: str | None = None,
        *,
        max_N: int | None = None,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, layer, wrt=wrt, seed=seed)
        source = graph.inputs[self.wrt]
        if source.shape.rank != 4:
            raise UsageError(
                f"ScoreCAM masks images (N, H, W, channels); input {self.wrt!r} has shape "
                f"{source.shape}: use GradCAM or LayerCAM, which need no masks."
            )
        self.max_N = max_N
        if max_N is None:
            return
        channels = self.maps.shape[-1]
        if not isinstance(max_N, int | np.integer) or not 1 <= max_N <= channels:
            raise UsageError(f"max_N= must be from 1 to {channels}, the maps of {self.layer_name}.")
        if source.shape[0] is not None:
            raise UsageError("max_N= chooses maps sample by sample; this graph's batch is fixed.")

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "max_N": self.max_N}

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as their masked inputs leave room for.

        With `max_N`, one: tf-keras-vis would use the maps that any sample of a batch chooses.
        """
        if self.max_N is not None:
            return 1
        size = int(np.prod(self.graph.inputs[self.wrt].shape[1:])) * self.maps.shape[-1]
        return MEMORY // (4 * _COPIES * size)

    def score(self, cut: CutModel, t: int) -> Callable[[Any], Any]:
        """Target t of the next masked copy, which tf-keras-vis gives through a softmax."""
        return lambda softmax: next(cut.left)[:, t]

    def cam(self, model: keras.Model, score: Any, inputs: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w)."""
        from tf_keras_vis.scorecam import Scorecam

        return Scorecam(model, clone=False)(score, inputs, max_N=self.max_N, **RAW)

    def _explained(self, target: Target | None) -> Explained:
        explained = super()._explained(target)
        return _probability(target, explained) if isinstance(target, ClassLogit) else explained


def _probability(target: ClassLogit, logits: Explained) -> Explained:
    """The same classes, after a softmax over all of them."""
    every = replace(target, k=None).on(logits.graph)
    own = bool(logits.rows)

    def read(values: tuple[tf.Tensor, ...], inputs: Any, classes: tf.Tensor) -> tf.Tensor:
        probabilities = tf.nn.softmax(every.read(values, inputs, *every.shared))
        if own:
            return tf.gather(probabilities, classes[:, None], axis=1, batch_dims=1)
        return tf.gather(probabilities, classes, axis=1)

    key = ("probability", logits.key)
    return replace(logits, read=read, key=key, columns=None, linear=False)
