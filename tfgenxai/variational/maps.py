"""Maps of an image made of its posterior: where it is uncertain, and which cluster has a pixel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: A pixel is in the mask where the probability that it is of the background is below this.
THRESHOLD = 0.1


class PixelPosterior(NamedTuple):
    """What was found of N images.

    Attributes:
        variance: (N, H, W), of what is behind a pixel.
        probabilities: (N, H, W, K), of the clusters at every pixel, of sum 1.
        objective: (steps, N) what was minimised, in nats, as it went.
    """

    variance: np.ndarray
    probabilities: np.ndarray
    objective: np.ndarray


def foreground(probabilities: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Which cluster is the foreground of each image, (N,): the one whose pixels are brightest.

    Clusters have no names: the same posterior with two of them exchanged is as good. So they are
    told apart by the mean brightness of an image under each one's probabilities.

    Args:
        probabilities: (N, H, W, K).
        images: (N, H, W, C).
    """
    grey = images.mean(axis=-1)
    weight = probabilities.sum(axis=(1, 2))
    brightness = np.einsum("nhw,nhwk->nk", grey, probabilities) / np.maximum(weight, 1e-12)
    return brightness.argmax(axis=1)


def cluster_map(probabilities: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Probability of the foreground at every pixel, (N, H, W) in [0, 1]; see `foreground`."""
    chosen = foreground(probabilities, images)
    return np.take_along_axis(probabilities, chosen[:, None, None, None], axis=-1)[..., 0]


def mask_map(probabilities: np.ndarray, images: np.ndarray) -> np.ndarray:
    """1 where the background's probability C is below `THRESHOLD`, else 0, (N, H, W) float32."""
    return (1.0 - cluster_map(probabilities, images) < THRESHOLD).astype(np.float32)
