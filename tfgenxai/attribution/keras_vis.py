"""tf-keras-vis on frozen graphs: class activation maps without the model's source.

tf-keras-vis wants a Keras functional model with a named layer. One is built around the cut graph:

    input -> graph.function(input -> A) -> Identity "tap" -> graph.function(A -> scalars)

Maps are asked for raw (`normalize_cam=False`, `expand_cam=False`). Left to itself, tf-keras-vis
divides each map by its range, so that a target of no effect looks like one of great effect, and
scales it to the image with another alignment (corners) than `Attribution.at_input_resolution`
(pixel centres). Normalising is for plots.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import Explanation, Method
from tfgenxai.attribution.feature_maps import FeatureMaps
from tfgenxai.attribution.perturbation import ROWS
from tfgenxai.explained import Explained, Feeds

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

TAP = "tap"
#: How tf-keras-vis is asked for the raw maps of that layer.
RAW: dict[str, Any] = {
    "penultimate_layer": TAP,
    "seek_penultimate_conv_layer": False,
    "normalize_cam": False,
    "expand_cam": False,
}


class KerasVisCAM(Method):
    """A class activation map of tf-keras-vis, (N, h, w) for one target, (N, T, h, w) for a family.

    Args:
        graph: the graph to explain.
        layer: the layer whose feature maps are weighed; by default the last convolution.
        wrt, seed: see `Method`.
    """

    def __init__(
        self,
        graph: Graph,
        layer: str | None = None,
        *,
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self.maps = FeatureMaps.of(graph, layer)
        self._models: dict[Hashable, CutModel] = {}

    @property
    def layer_name(self) -> str:
        """The layer of the maps."""
        return self.maps.layer

    @abstractmethod
    def cam(self, model: keras.Model, score: Any, inputs: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w) of one scalar, by tf-keras-vis.

        Args:
            model: the functional model around the cut graph; its layer `TAP` gives A.
            score: what tf-keras-vis is to explain of the model's output.
            inputs: (n, ...) values of the explained input.
        """

    def score(self, cut: CutModel, t: int) -> Callable[[Any], Any]:
        """What tf-keras-vis is to explain of the model's output (n, T): target t, (n,)."""
        return lambda scores: scores[:, t]

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """One call of tf-keras-vis for each target."""
        self.maps.check(explained)
        if explained.key not in self._models:
            self._models[explained.key] = CutModel(self.maps, explained, self.wrt)
        cut = self._models[explained.key]
        cut.take(feeds)
        cams = [
            self.cam(cut.model, self.score(cut, t), feeds.inputs[self.wrt])
            for t in range(len(explained.names))
        ]
        return Explanation(np.stack([np.asarray(cam, np.float32) for cam in cams], axis=1))


class CutModel:
    """The functional model around a cut graph; what does not flow through it waits in `feeds`.

    Attributes:
        model: from the explained input (n, ...) to the scalars (n, T); its layer `TAP` gives A.
        left: after a prediction, the scores (n, T) of masked copies of the batch, in their order.
    """

    def __init__(self, maps: FeatureMaps, explained: Explained, wrt: str) -> None:
        self.feeds = Feeds({})
        self.left: Iterator[np.ndarray] = iter(())
        self._explained, self._wrt = explained, wrt
        self._predicted: np.ndarray | None = None

        source = maps.graph.inputs[wrt]

        # tf-keras-vis watches x, though it never asks for a derivative before A: with one of zero,
        # the part of the graph before A runs without keeping what a backward pass would need.
        @tf.custom_gradient
        def to_maps(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
            feeds = self.feeds.with_input(wrt, tf.cast(x, source.dtype))
            return maps.values(feeds), lambda upstream: tf.zeros_like(x)

        def to_scores(pair: list[tf.Tensor]) -> tf.Tensor:
            x, a = pair
            feeds = self.feeds.with_input(wrt, tf.cast(tf.stop_gradient(x), source.dtype))
            return explained.scores_from(maps.tensor, tf.cast(a, maps.tensor.dtype), feeds)

        x = keras.Input(tuple(source.shape[1:]), dtype=source.dtype.name)
        a = keras.layers.Lambda(to_maps, output_shape=maps.shape)(x)
        tap = keras.layers.Identity(name=TAP)(a)
        scores = keras.layers.Lambda(to_scores, output_shape=(len(explained.names),))([x, tap])
        self.model = keras.Model(x, scores)
        # Keras' own would trace the two functions, with the first batch's feeds inside.
        self.model.predict = self.predict

    def take(self, feeds: Feeds) -> None:
        """Makes this the batch that the model is called with."""
        self.feeds = feeds
        self._predicted = None

    def predict(self, inputs: list[np.ndarray], batch_size: int) -> np.ndarray:
        """Scores (k n, T) of k copies of the batch, one after the other, masked in k ways.

        They are computed for the first of several targets.
        """
        (masked,) = inputs
        if self._predicted is None:
            self._predicted = self._scores(masked)
        self.left = iter(self._predicted)
        return self._predicted.reshape(len(masked), -1)

    def _scores(self, masked: np.ndarray) -> np.ndarray:
        """(k, n, T), computed for a few copies at a time."""
        graph = self._explained.graph
        source = graph.inputs[self._wrt]
        n = len(self.feeds.inputs[self._wrt])
        size = n if source.shape[0] is not None else max(1, ROWS // n) * n
        found = []
        for first in range(0, len(masked), size):
            part = masked[first : first + size]
            copies = self.feeds.repeated(graph, len(part) // n)
            copies = copies.with_input(self._wrt, tf.cast(part, source.dtype))
            found.append(self._explained.scores(copies).numpy())
        return np.concatenate(found).reshape(len(masked) // n, n, -1)
