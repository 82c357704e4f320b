"""Walks through a code space: along dimensions, between two codes, over a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.checks import check_codes
from tfgenxai.latent.decoding import code_width, decoded, prior_codes

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.latent.generator import Generator

# Below this angle between two codes, or above pi less it, the arc between them is not defined.
SMALLEST_ANGLE = 1e-6


@dataclass(frozen=True)
class Traversal:
    """Images along R dimensions, one dimension moved at a time.

    Attributes:
        images: (R, L, H, W, C), what is drawn from `codes`.
        codes: (R, L, D) float32.
        values: (R, L) float32, what each dimension was set to; with a prior, of the draw.
        dimensions: The R dimensions, from 0.
    """

    images: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    dimensions: tuple[int, ...]


def traversal(
    graph: Graph,
    code: np.ndarray,
    dimensions: Sequence[int] | None = None,
    *,
    reach: float = 3.0,
    steps: int = 9,
    within: np.ndarray | None = None,
    extra: Mapping[str, Any] | None = None,
    prior: Graph | None = None,
) -> Traversal:
    """Images of `code` (D,) as each dimension in turn goes through its range.

    Args:
        graph: A decoder or generator.
        dimensions: Which ones; all by default.
        reach: The range is from -reach to +reach prior standard deviations.
        steps: Images a dimension.
        within: Codes (N, D); the range of a dimension is then from its smallest to its largest
            value among them (the range of a node).
        extra: See `decoded`.
        prior: The model's signature `prior`, if it has one: `code` is then a standard normal draw,
            and so is what is walked through, so that every code is one that the prior draws.

    Raises:
        UsageError: There is no such dimension, or fewer than two steps.
        InvalidInputError: Codes of another width, NaN or infinite ones.
    """
    base = check_codes(np.asarray(code)[None], rows=1)[0]
    chosen = _checked(range(len(base)) if dimensions is None else dimensions, len(base))
    _check_steps(steps)
    low, high = np.full(len(base), -reach), np.full(len(base), reach)
    if within is not None:
        seen = check_codes(within, rows=1, width=len(base))
        low, high = seen.min(axis=0), seen.max(axis=0)
    values = np.linspace(low[list(chosen)], high[list(chosen)], steps, axis=1, dtype=np.float32)
    codes = np.tile(base.astype(np.float32), (len(chosen), steps, 1))
    for row, dimension in enumerate(chosen):
        codes[row, :, dimension] = values[row]
    codes = prior_codes(prior, codes)
    return Traversal(decoded(graph, codes, extra=extra), codes, values, chosen)


def linear(start: np.ndarray, end: np.ndarray, steps: int = 9) -> np.ndarray:
    """Codes (steps, D) float32 on the straight line from `start` (D,) to `end` (D,)."""
    start, end = _ends(start, end, steps)
    return np.linspace(start, end, steps).astype(np.float32)


def slerp(start: np.ndarray, end: np.ndarray, steps: int = 9) -> np.ndarray:
    """Codes (steps, D) float32 on the arc from `start` (D,) to `end` (D,).

    Spherical interpolation (White 2016, "Sampling Generative Networks"):
    sin((1 - t) w) / sin(w) * start + sin(t w) / sin(w) * end, with w the angle between the two.
    Codes from N(0, 1) lie near a sphere of radius sqrt(D), from which the straight line strays
    inwards, to codes that the prior hardly ever draws; between ends of one norm, the arc keeps it.
    Codes of the same direction are joined by the straight line, which is the limit.

    Raises:
        InvalidInputError: One end is zero, or they are opposite, so that no arc is the shortest.
    """
    start, end = _ends(start, end, steps)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if min(norms) == 0.0:
        raise InvalidInputError("The code 0 has no direction to turn from; use linear().")
    first, last = start / norms[0], end / norms[1]
    # Exact near 0 and pi, where the arc cosine is not.
    angle = 2.0 * np.arctan2(np.linalg.norm(first - last), np.linalg.norm(first + last))
    if angle < SMALLEST_ANGLE:
        return linear(start, end, steps)
    if angle > np.pi - SMALLEST_ANGLE:
        raise InvalidInputError(
            "The two codes are opposite, and every great circle joins them; use linear(), or go "
            "by way of a third code."
        )
    t = np.linspace(0.0, 1.0, steps)[:, None]
    turned = np.sin((1.0 - t) * angle) * start + np.sin(t * angle) * end
    return (turned / np.sin(angle)).astype(np.float32)


@dataclass(frozen=True)
class Manifold:
    """Images over two dimensions.

    Attributes:
        images: (len(y), len(x), H, W, C); the first row is the largest y.
        x: Values of the first dimension, ascending; with a prior, of the draw.
        y: Values of the second dimension, descending, as rows go down.
        dimensions: The two dimensions, from 0.
    """

    images: np.ndarray
    x: np.ndarray
    y: np.ndarray
    dimensions: tuple[int, int]


def manifold(
    graph: Graph,
    dimensions: tuple[int, int] = (0, 1),
    *,
    code: np.ndarray | None = None,
    count: int = 20,
    quantiles: tuple[float, float] = (0.05, 0.95),
    extra: Mapping[str, Any] | None = None,
    prior: Graph | None = None,
) -> Manifold:
    """Images at the quantiles of the prior over two dimensions, `count` along each.

    The picture of the TensorFlow tutorial on convolutional VAEs: equal steps of probability, from
    `quantiles[0]` to `quantiles[1]`, so that each image stands for an equal share of the prior.

    Args:
        graph: A decoder or generator.
        code: (D,) where the other dimensions stay; 0, the prior's mean, by default.
        extra: See `decoded`.
        prior: See `traversal`; `code` is then a standard normal draw.

    Raises:
        UsageError: The dimensions are not two of the code's, or the quantiles not in (0, 1).
    """
    from scipy.stats import norm

    width = code_width(graph)
    chosen = _checked(dimensions, width)
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        raise UsageError(f"A plane has two different dimensions, not {tuple(dimensions)}.")
    _check_steps(count)
    if not 0.0 < quantiles[0] < quantiles[1] < 1.0:
        raise UsageError(f"quantiles= must rise between 0 and 1, not {quantiles}.")
    base = (
        np.zeros(width)
        if code is None
        else check_codes(np.asarray(code)[None], rows=1, width=width)[0]
    )
    x = norm.ppf(np.linspace(*quantiles, count))
    y = x[::-1]
    codes = np.tile(base.astype(np.float32), (count, count, 1))
    codes[:, :, chosen[0]] = x[None, :]
    codes[:, :, chosen[1]] = y[:, None]
    images = decoded(graph, prior_codes(prior, codes), extra=extra)
    return Manifold(images, x, y, (chosen[0], chosen[1]))


def strongest(
    generator: Generator, eps: np.ndarray, labels: Any = None, *, push: float = 2.0
) -> list[int]:
    """All dimensions, first those that change images most where they are pushed.

    By the mean squared difference of the images of `eps` (n, D) and of those with `push` added to
    one dimension.

    Args:
        eps: Standard normal draws, of which the generator's prior makes codes.
        labels: (n,) of a conditional generator.
    """
    pushed = eps[:, None] + push * np.eye(eps.shape[1], dtype=np.float32)
    before = generator.images(prior_codes(generator.prior, eps), labels)
    codes = prior_codes(generator.prior, pushed)
    each = None if labels is None else np.repeat(labels, eps.shape[1]).reshape(pushed.shape[:2])
    change = (generator.images(codes, each) - before[:, None]) ** 2
    strength = change.mean(axis=(0, *range(2, change.ndim)))
    return [int(i) for i in np.argsort(-strength, kind="stable")]


def _ends(start: np.ndarray, end: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    _check_steps(steps)
    if np.ndim(start) != 1 or np.shape(start) != np.shape(end):
        raise InvalidInputError(
            f"A walk joins two codes of one shape (D,), not {np.shape(start)} and {np.shape(end)}."
        )
    first, last = check_codes(np.stack([start, end]))
    return first, last


def _checked(dimensions: Sequence[int], width: int) -> tuple[int, ...]:
    chosen = tuple(int(d) for d in dimensions)
    if not chosen or not all(0 <= d < width for d in chosen):
        raise UsageError(
            f"The codes have dimensions 0 to {width - 1}; {', '.join(map(str, chosen)) or 'none'} "
            "asked for."
        )
    return chosen


def _check_steps(steps: int) -> None:
    if steps < 2:
        raise UsageError(f"A walk has two steps or more, not {steps}.")
