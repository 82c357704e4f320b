"""Which latent tells what about which factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.plots.charts import matrix

SHOWN = 14


def factor_latents(
    scores: np.ndarray,
    factors: Sequence[str],
    *,
    title: str,
    label: str,
    count: int = SHOWN,
) -> Figure:
    """A matrix of factors by the latents that tell most, the best latent of each factor first.

    The columns are the best latent of the first factor, of the second, and so on, then those of
    the highest scores of the rest: one latent a factor shows as a diagonal.

    Args:
        scores: (F, D), how much each latent tells about each factor, from 0; a matrix of
            `Disentanglement.matrices`.
        factors: F names.
        label: what the numbers are.
        count: number of latents shown, or the number of factors if that is more.
    """
    numbers = np.asarray(scores, np.float64)
    if numbers.ndim != 2 or len(numbers) != len(factors):
        raise InvalidInputError(
            f"Scores of factors by latents have shape ({len(factors)}, D) for {len(factors)} "
            f"factors; these have {numbers.shape}."
        )
    best = dict.fromkeys(map(int, numbers.argmax(axis=1)))
    rest = [int(d) for d in numbers.max(axis=0).argsort()[::-1] if int(d) not in best]
    shown = [*best, *rest][: max(count, len(best))]
    width = numbers.shape[1]
    heading = title if len(shown) == width else f"{title}: {len(shown)} of {width} latents"
    return matrix(
        numbers[:, shown],
        list(factors),
        [f"z{latent}" for latent in shown],
        title=heading,
        label=label,
        limits=(0.0, max(float(numbers.max()), 1e-12)),
    )
