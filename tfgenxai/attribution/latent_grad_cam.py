"""Latent Grad-CAM: where in the image every latent coordinate looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod
from tfgenxai.attribution.feature_maps import FeatureMaps
from tfgenxai.attribution.structure import affine_head, row_size
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds, fetch
from tfgenxai.targets import Latent, Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph


#: (A of a batch, the batch) -> alpha (n, T, K).
Weights = Callable[[tf.Tensor, Feeds], tf.Tensor]


class LatentGradCAM(CompiledMethod):
    """Maps M^i = ReLU(sum_k alpha_k^i A_k) of all latents i together, at the layer's resolution.

    alpha_k^i is the mean over places (p, q) of dz_i/dA_k^{pq} (Liu et al., "Towards Visually
    Explaining Variational Autoencoders", 2020, eqs. 1-3). `Attribution.mean_map()` gives their
    M = (1/D) sum_i M^i, `Attribution.at_input_resolution(i, t)` scales one map up.

    The Jacobian dz/dA of an encoder that ends in dense layers is a constant matrix (the weights)
    times a diagonal one (the slopes of the activation after A). Where the graph has this form, all
    maps cost little more than the forward pass; elsewhere one vectorised backward pass is made.
    Both give the same values.

    The program that the authors published computes something else, `variant="authors"`: one map
    |sum_k alpha_k A_k| of the sum of all latents asked for, with df/dA divided by its root mean
    square (plus 1e-5) before alpha is taken. It divides by that of the whole batch and takes the
    absolute value after scaling up; here each image has its own divisor, so that a map does not
    depend on its batch, and the absolute value is taken at the layer's resolution.

    Args:
        graph: the encoder.
        layer: the layer whose output is A, before its activation if that is a layer of its own;
            by default the last convolution.
        at: explain the posterior "mean" or a "sample"; by default what the target says, which
            is the mean.
        variant: "paper", or "authors" for what their program does.
        wrt, seed: see `Method`.
    """

    name = "latent_grad_cam"
    default_target = Latent.all()

    def __init__(
        self,
        graph: Graph,
        layer: str | None = None,
        *,
        at: Literal["mean", "sample"] | None = None,
        variant: Literal["paper", "authors"] = "paper",
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        if variant not in ("paper", "authors"):
            raise UsageError(f"variant= must be 'paper' or 'authors', not {variant!r}.")
        self.maps = FeatureMaps.of(graph, layer)
        self.at = at
        self.variant = variant

    @property
    def layer_name(self) -> str:
        """The layer of the maps."""
        return self.maps.layer

    def settings(self) -> dict[str, Any]:
        """Settings to record."""
        return {**super().settings(), "at": self.at, "variant": self.variant}

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as the gradients of all targets together leave room for."""
        return MEMORY // (4 * self.maps.largest_row(explained) * len(explained.names))

    def _explained(self, target: Target | None) -> Explained:
        target = self.default_target if target is None else target
        if self.at is not None and isinstance(target, Latent):
            target = replace(target, at=self.at)
        explained = super()._explained(target)
        self.maps.check(explained)
        return explained if self.variant == "paper" else _sum_of(explained)

    def weights(self, explained: Explained) -> Weights:
        """alpha, by the cheapest way that the graph allows."""
        if self.variant == "authors":
            return _normalised_weights(explained, self.maps)
        return _weights_by_head(explained, self.maps) or _weights_by_jacobian(explained, self.maps)

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """Weights, then the weighted sum of maps."""
        weights = self.weights(explained)
        bend = tf.abs if self.variant == "authors" else tf.nn.relu

        def latent_grad_cam(feeds: Feeds) -> tf.Tensor:
            a = self.maps.values(feeds)
            height, width, channels = self.maps.shape
            places = tf.reshape(a, (-1, height * width, channels))
            summed = tf.matmul(weights(a, feeds), places, transpose_b=True)
            return bend(tf.reshape(summed, (-1, len(explained.names), height, width)))

        return latent_grad_cam


def _weights_by_jacobian(explained: Explained, maps: FeatureMaps) -> Weights:
    """alpha (n, T, K) of any graph: the derivative by a shift of whole channels, by mean place."""

    def weights(a: tf.Tensor, feeds: Feeds) -> tf.Tensor:
        height, width, channels = maps.shape
        shift = tf.zeros((tf.shape(a)[0], channels), a.dtype)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(shift)
            scores = explained.scores_from(maps.tensor, a + shift[:, None, None, :], feeds)
        if len(explained.names) == 1:
            sums = tape.gradient(scores, shift)[:, None]
        else:
            sums = tape.batch_jacobian(scores, shift)
        return sums / (height * width)

    return weights


def _weights_by_head(explained: Explained, maps: FeatureMaps) -> Weights | None:
    """The same weights where dz/dA is a constant matrix times a diagonal one; else None."""
    if explained.columns is None:
        return None
    target = explained.fetches[0]
    head = affine_head(maps.tensor, target)
    if head is None or 4 * row_size(head) * row_size(target) > MEMORY:
        return None
    height, width, channels = maps.shape
    slopes = _jacobian_at_zero(explained, head)
    by_channel = slopes.reshape(-1, height * width, channels).transpose(2, 1, 0)
    matrix = tf.constant(by_channel / (height * width))  # (K, places, D)

    def weights(a: tf.Tensor, feeds: Feeds) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(a)
            pointwise = fetch(maps.graph, feeds.with_input(maps.tensor.name, a), [head])[0]
        diagonal = tape.gradient(pointwise, a)
        diagonal = tf.reshape(diagonal, (-1, height * width, channels))
        chosen = tf.gather(matrix, feeds.shared[0], axis=2)
        return tf.transpose(tf.matmul(tf.transpose(diagonal, (2, 0, 1)), chosen), (1, 2, 0))

    return weights


def _jacobian_at_zero(explained: Explained, head: tf.Tensor) -> np.ndarray:
    """The derivative of the fetched tensor by `head`, (D, size of head), the same everywhere."""
    zeros = {
        name: tf.zeros([n or 1 for n in tensor.shape], tensor.dtype)
        for name, tensor in explained.graph.inputs.items()
    }
    batch = head.shape[0] or 1
    at = tf.zeros([batch, *head.shape[1:]], head.dtype)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        feeds = Feeds(zeros).with_input(head.name, at)
        (values,) = fetch(explained.graph, feeds, explained.fetches)
        values = tf.reshape(values, (batch, -1))
    jacobian = tape.batch_jacobian(values, at)[0]
    return jacobian.numpy().reshape(values.shape[1], -1)


def _sum_of(explained: Explained) -> Explained:
    """One scalar, the sum of these."""
    if len(explained.names) == 1:
        return explained.single()

    def read(*values: Any) -> tf.Tensor:
        return tf.reduce_sum(explained.read(*values), axis=1, keepdims=True)

    return replace(
        explained,
        read=read,
        names=(f"sum of {len(explained.names)} targets",),
        key=("sum", explained.key),
        family=False,
        columns=None,
        inner=None,
    )


def _normalised_weights(explained: Explained, maps: FeatureMaps) -> Weights:
    """alpha (n, 1, K) of one scalar, from gradients of root mean square 1."""

    def weights(a: tf.Tensor, feeds: Feeds) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(a)
            scores = explained.scores_from(maps.tensor, a, feeds)
        slopes = tape.gradient(scores, a)
        size = tf.sqrt(tf.reduce_mean(tf.square(slopes), axis=(1, 2, 3))) + 1e-5
        return (tf.reduce_mean(slopes, axis=(1, 2)) / size[:, None])[:, None]

    return weights
