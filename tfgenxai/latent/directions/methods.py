"""Every way to find directions, by name."""

from __future__ import annotations

from typing import NamedTuple

from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.ganspace import ganspace
from tfgenxai.latent.directions.learn import COUNT, Learned, learn_directions
from tfgenxai.latent.directions.matrices import coordinate_vectors, random_vectors
from tfgenxai.latent.directions.sefa import sefa
from tfgenxai.latent.directions.training import Training
from tfgenxai.latent.generator import Generator

METHODS = ("learned", "orthonormal", "random", "coordinate", "sefa", "ganspace")


class Found(NamedTuple):
    """Directions, and the training that found them, where there was one."""

    directions: Directions
    learned: Learned | None = None


def find_directions(
    generator: Generator,
    method: str,
    count: int = COUNT,
    *,
    training: Training | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Found:
    """`count` directions by a method's name.

    "learned" and "orthonormal" are trained (Voynov and Babenko 2020) as `training` says; "random"
    and "coordinate" are their baselines; "sefa" and "ganspace" need no training.

    Raises:
        UsageError: an unknown method, or more directions than it can find.
    """
    width = generator.width
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r}; choose from {', '.join(METHODS)}.")
    if count < 1:
        raise UsageError(f"At least one direction is looked for, not {count}.")
    if method in ("learned", "orthonormal"):
        kind = "linear" if method == "learned" else method
        learned = learn_directions(
            generator, count, kind=kind, training=training, seed=seed, progress=progress
        )
        return Found(learned.directions, learned)
    if method == "sefa":
        return Found(sefa(generator, count))
    if method == "ganspace":
        return Found(ganspace(generator, count, seed=seed))
    draw = random_vectors if method == "random" else coordinate_vectors
    return Found(Directions(draw(count, width, seed), method, about={"seed": seed}))
