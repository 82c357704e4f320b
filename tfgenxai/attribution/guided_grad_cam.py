"""Guided Grad-CAM: guided backpropagation where Grad-CAM looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from tfgenxai.attribution.base import Explanation, Method
from tfgenxai.attribution.grad_cam import GradCAM
from tfgenxai.attribution.guided_backprop import GuidedBackprop
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds
from tfgenxai.targets import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


@dataclass(frozen=True, eq=False, kw_only=True)
class _Both(Explained):
    """A target in the graph, and in the graph with guided gradients."""

    guided: Explained


class GuidedGradCAM(Method):
    """The product of guided backpropagation and the Grad-CAM map, of the shape of the image.

    The map, of tf-keras-vis, is scaled up bilinearly, as `Attribution.at_input_resolution` does
    (Selvaraju et al. 2017, section 3.3).

    Args:
        graph: the graph to explain.
        layer: the layer of the map; by default the last convolution.
        wrt, seed: see `Method`.

    Raises:
        UsageError: the input is no image; or, of a call, no rectifier or not the layer is between
            input and target.
    """

    name = "guided_grad_cam"

    def __init__(
        self, graph: Graph, layer: str | None = None, *, wrt: str | None = None, seed: int = 0
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        shape = graph.inputs[self.wrt].shape
        if shape.rank != 4:
            raise UsageError(
                f"GuidedGradCAM explains images (N, H, W, channels), and {self.wrt!r} has shape "
                f"{shape}: use GuidedBackprop or GradCAM."
            )
        self.guided = GuidedBackprop(graph, wrt=wrt, seed=seed)
        self.cam = GradCAM(graph, layer, wrt=wrt, seed=seed)

    @property
    def layer_name(self) -> str:
        """The layer of the map."""
        return self.cam.layer_name

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as guided backpropagation leaves room for."""
        return self.guided.rows_at_once(_guided(explained))

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Both, and their product."""
        slopes = self.guided.explain_batch(feeds, _guided(explained), start).values
        maps = self.cam.explain_batch(feeds, explained, start).values
        # Targets stand in for channels: one map each, scaled alike.
        scaled = tf.image.resize(tf.transpose(maps, (0, 2, 3, 1)), slopes.shape[2:4])
        return Explanation(slopes * tf.transpose(scaled, (0, 3, 1, 2)).numpy()[..., None])

    def _explained(self, target: Target | None) -> Explained:
        explained = super()._explained(target)
        self.cam.maps.check(explained)
        return _Both(**vars(explained), guided=self.guided._explained(target))


def _guided(explained: Explained) -> Explained:
    assert isinstance(explained, _Both)
    return explained.guided
