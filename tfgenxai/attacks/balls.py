"""Balls around an image: steps in them, draws from them, and the way back into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from tfgenxai.errors import UsageError

Norm = Literal["linf", "l2"]
#: The slope of a loss at images (n, H, W, C), of their shape.
Slope = Callable[[np.ndarray], np.ndarray]


def check_ball(eps: float, norm: str) -> None:
    """Refuses what is no ball.

    Raises:
        UsageError: another norm, or a radius that is not above 0.
    """
    if norm not in get_args(Norm):
        raise UsageError(f"norm= is one of {', '.join(get_args(Norm))}, not {norm!r}.")
    if not 0.0 < eps < np.inf:
        raise UsageError(f"eps= is the size of a perturbation, above 0, not {eps}.")


def lengths(rows: np.ndarray) -> np.ndarray:
    """Euclidean length of each sample of (n, ...), as (n, 1, ..., 1)."""
    return np.sqrt(np.sum(rows**2, axis=tuple(range(1, rows.ndim)), keepdims=True))


def steepest(slopes: np.ndarray, norm: Norm) -> np.ndarray:
    """The step of size 1 in which a loss of these slopes (n, ...) rises most; 0 where they are 0.

    The sign for "linf" (Goodfellow et al. 2015), the unit vector for "l2".
    """
    if norm == "linf":
        return np.sign(slopes)
    sizes = lengths(slopes)
    return slopes / np.where(sizes > 0, sizes, 1.0)


def drawn_back(deltas: np.ndarray, eps: float, norm: Norm) -> np.ndarray:
    """The nearest points (n, ...) of the ball of radius `eps`."""
    if norm == "linf":
        return np.clip(deltas, -eps, eps)
    return deltas * np.minimum(1.0, eps / np.maximum(lengths(deltas), np.finfo(np.float32).tiny))


def inside(images: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """The perturbations as far as pixels stay in [0, 1]; never larger than they were."""
    return np.clip(images + deltas, 0.0, 1.0) - images


def random_point(
    allowed: np.ndarray, eps: float, norm: Norm, rng: np.random.Generator
) -> np.ndarray:
    """A point of the ball over the allowed pixels, uniform; 0 elsewhere.

    Args:
        allowed: bool, of one image's shape.
    """
    point = np.zeros(allowed.shape, np.float32)
    count = int(allowed.sum())
    if norm == "linf":
        point[allowed] = rng.uniform(-eps, eps, count)
    elif count:
        direction = rng.standard_normal(count)
        radius = eps * rng.random() ** (1.0 / count)
        point[allowed] = radius * direction / np.linalg.norm(direction)
    return point


def ascend(
    slope: Slope,
    images: np.ndarray,
    deltas: np.ndarray,
    *,
    allowed: np.ndarray,
    eps: float,
    norm: Norm,
    step: float,
    steps: int,
) -> np.ndarray:
    """Perturbations after projected gradient ascent (Madry et al. 2018, section 2.1).

    Args:
        slope: of the loss that is to rise.
        images: (n, H, W, C) in [0, 1].
        deltas: where the ascent starts, in the ball.
        allowed: bool, of the images' shape: the values that may change.
        step: length of a step, in the norm.
    """
    for _ in range(steps):
        slopes = np.where(allowed, slope(images + deltas), 0.0)
        # First into [0, 1]: drawing back does not leave it, and the ball is used to its edge.
        deltas = inside(images, deltas + step * steepest(slopes, norm))
        deltas = drawn_back(deltas, eps, norm).astype(np.float32)
    return deltas
