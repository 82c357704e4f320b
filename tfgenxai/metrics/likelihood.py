"""Bounds on log p(x) of a VAE with Gaussian posterior and Bernoulli pixels, on frozen graphs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_LOG_2PI = math.log(2.0 * math.pi)


def importance_bound(
    encode: Graph,
    decode: Graph,
    images: np.ndarray,
    *,
    samples: int = 1,
    seed: int = 0,
    chunk: int = 2000,
    means: np.ndarray | None = None,
) -> np.ndarray:
    """IWAE bound on log p(x) of every image, float64 (N,), in nats.

    With k = `samples` draws z_j ~ q(z|x): log (1/k) sum_j p(x|z_j) p(z_j) / q(z_j|x), Burda,
    Grosse and Salakhutdinov 2016, eq. 8. One sample gives an unbiased estimate of the ELBO.

    Args:
        encode: graph with outputs `mean` and `logvar`, (N, d).
        decode: graph from `z` to `logits`.
        images: (N, H, W, C) float32, binary for the bound to be one on a probability.
        chunk: codes decoded at a time, which bounds memory.
        means: (K, d) of a prior that is a mixture of K equally likely N(mean, 1); by default the
            prior is N(0, 1).
    """
    posterior = encode.function("image", ["mean", "logvar"])
    logits_of = decode.function("z", "logits")
    bounds = np.empty(len(images))
    per_batch = max(1, chunk // samples)
    draws = min(samples, chunk)
    centres = tf.constant(np.zeros((1, 1)) if means is None else means, tf.float32)
    for start in range(0, len(images), per_batch):
        batch = tf.constant(images[start : start + per_batch], tf.float32)
        mean, logvar = posterior(batch)
        parts = []
        for first in range(0, samples, draws):
            count = min(draws, samples - first)
            noise = tf.random.stateless_normal(
                (count, *mean.shape), seed=[seed, start * samples + first]
            )
            parts.append(_log_weights(logits_of, batch, mean, logvar, noise, centres))
        weights = tf.concat(parts, axis=0)
        bound = tf.reduce_logsumexp(weights, axis=0) - math.log(samples)
        bounds[start : start + per_batch] = bound.numpy()
    return bounds


def _log_weights(
    logits_of: Callable[[tf.Tensor], tf.Tensor],
    images: tf.Tensor,
    mean: tf.Tensor,
    logvar: tf.Tensor,
    noise: tf.Tensor,
    centres: tf.Tensor,
) -> tf.Tensor:
    """log p(x, z) - log q(z|x) of draws z = mean + sd * noise, (k, N); the prior's are (K, d)."""
    z = mean + tf.exp(0.5 * logvar) * noise
    logits = logits_of(tf.reshape(z, (-1, mean.shape[1])))
    targets = tf.tile(images, [len(noise), 1, 1, 1])
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=targets)
    log_likelihood = -tf.reshape(tf.reduce_sum(cross_entropy, axis=[1, 2, 3]), noise.shape[:2])
    offsets = z[..., tf.newaxis, :] - centres
    each = -0.5 * tf.reduce_sum(tf.square(offsets) + _LOG_2PI, axis=-1)
    log_prior = tf.reduce_logsumexp(each, axis=-1) - math.log(len(centres))
    log_posterior = -0.5 * tf.reduce_sum(tf.square(noise) + logvar + _LOG_2PI, axis=-1)
    return log_likelihood + log_prior - log_posterior


def active_units(means: np.ndarray, threshold: float = 0.01) -> int:
    """How many latent dimensions vary with the image: Var_x(E[z_i|x]) > threshold.

    means: (N, d) posterior means. Burda, Grosse and Salakhutdinov 2016, section 5.
    """
    return int(np.sum(np.var(means, axis=0) > threshold))
