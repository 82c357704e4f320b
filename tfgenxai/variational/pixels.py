"""Variational clusters of pixels: every pixel of every image has a mixture of its own."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgenxai.variational import terms
from tfgenxai.variational.descent import Descent, LogProbability, Phase
from tfgenxai.variational.maps import PixelPosterior


class PixelClusters(Descent):
    """Free m, log s² and φ for each pixel and cluster of N images, found by gradient descent.

    A pixel x is drawn from N(μ_k, 1), for one of K clusters k, and every cluster's mean from
    N(prior_k, 1) at every pixel. With λ = 0 the least value is where coordinate ascent ends (Blei,
    Kucukelbir and McAuliffe 2017, eqs. 26 and 34): m = (prior + φ x) / (1 + φ),
    s² = 1 / (1 + φ), φ ∝ exp(x m - (m² + s²) / 2). The class is asked for of x̂ = Σ φ (m + s ε).

    Args:
        count: N.
        shape: of an image, (H, W, C).
        log_probability, weight, notes, seed: see `Descent`.
        clusters: K. The first one's prior is the class mean μ_y, the last one's black, and those
            between are shades of it: were all the same, a pixel could not tell them apart.
        rate: Adam's.
    """

    NOTES = ("square", "gaussian_kl", "categorical_kl", "confidence", "draw")

    def __init__(
        self,
        count: int,
        shape: tuple[int, int, int],
        log_probability: LogProbability | None = None,
        *,
        clusters: int = 2,
        weight: float = 1.0,
        notes: Collection[str] = (),
        rate: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__(log_probability, weight=weight, notes=notes, seed=seed)
        whole = (count, *shape, clusters)
        self.mean, self.log_var, self.logits = (
            self.add_weight(name=name, shape=whole, initializer="zeros")
            for name in ("mean", "log_var", "logits")
        )
        self.prior = self.add_weight(
            name="prior", shape=whole, initializer="zeros", trainable=False
        )
        self.rate = rate
        self.remember()

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """One: all variables together."""
        return (Phase(self.trainable_variables, keras.optimizers.Adam(self.rate), 1),)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """(H, W, C, K)."""
        return tuple(self.mean.shape[1:])

    @property
    def phi(self) -> tf.Tensor:
        """Probabilities of the clusters, (N, H, W, C, K)."""
        return tf.nn.softmax(self.logits.value)

    def objective(self, images: tf.Tensor, noise: tf.Tensor, context: Any, phase: int) -> tf.Tensor:
        """The objective, without constants of the normal densities."""
        mean, log_var, phi = self.mean.value, self.log_var.value, self.phi
        drawn = terms.draw(mean, log_var, noise, form=self.form("draw"))
        return (
            terms.expected_square(images, mean, log_var, phi, form=self.form("square"))
            + terms.gaussian_kl(mean, log_var, self.prior.value, form=self.form("gaussian_kl"))
            + terms.categorical_kl(phi, form=self.form("categorical_kl"))
            + self.confidence(tf.reduce_sum(phi * drawn, axis=-1), context)
        )

    def explain(
        self, images: Any, prior_mean: Any, *, steps: int = 200, context: Any = ()
    ) -> PixelPosterior:
        """The posterior of N images.

        Its variance is s² of the first cluster's mean, whose prior is the class mean; that and the
        probabilities are means over channels.

        Args:
            images: (N, H, W, C) in [0, 1].
            prior_mean: μ_y, (N, H, W, C) or what broadcasts to it.
            steps: of Adam.
            context: what `log_probability` takes besides images.
        """
        shades = np.linspace(1.0, 0.0, self.prior.shape[-1], dtype=np.float32)
        prior = np.asarray(prior_mean, np.float32)[..., None] * shades
        prior = np.broadcast_to(prior, self.prior.shape)
        self.set_start(self.prior, prior)
        self.set_start(self.mean, prior)
        objective = self.descend(images, steps, context)
        return PixelPosterior(
            np.exp(self.log_var.numpy()[..., 0]).mean(axis=-1),
            self.phi.numpy().mean(axis=-2),
            objective,
        )
