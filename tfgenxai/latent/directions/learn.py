"""Directions learnt so that a network can tell them apart by what they do to images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.matrices import Linear, Orthonormal
from tfgenxai.latent.directions.training import Game, History, Training
from tfgenxai.latent.generator import Generator

KINDS: dict[str, type[Linear] | type[Orthonormal]] = {"linear": Linear, "orthonormal": Orthonormal}
COUNT = 20
_LAST = 100  # steps whose mean accuracy is what a training came to


@dataclass(frozen=True)
class Learned:
    """What a training came to.

    Attributes:
        directions: those of the last step.
        reconstructor: R, the Keras model that was trained with them.
        history: `loss`, `accuracy` and `error` of each step's batch, (steps,) each.
        finished: False where Ctrl-C ended it.
    """

    directions: Directions
    reconstructor: Any
    history: History
    finished: bool


def learn_directions(
    generator: Generator,
    count: int = COUNT,
    *,
    kind: str = "linear",
    training: Training | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Learned:
    """`count` directions whose effects a network R, trained beside them, tells apart.

    Voynov and Babenko 2020. The generator stays as it is. Ctrl-C ends the training early, and what
    was learnt until then is given back. Same seed, same directions (on one machine).

    Args:
        kind: "linear", directions of length 1 in any position, or "orthonormal", at right angles.
        progress: show a bar on stderr; by default, on a terminal.

    Raises:
        UsageError: an unknown kind, no direction, or more orthonormal ones than dimensions.
        InvalidInputError: the generator's images are too small for the reconstructor.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no kind {kind!r}; directions are {' or '.join(KINDS)}.")
    if count < 1:
        raise UsageError(f"At least one direction is learnt, not {count}.")
    training = training or Training()
    matrix = KINDS[kind](count, generator.width, seed)
    # Even seeds for learning and odd ones for judging: a judge never starts from the same weights.
    game = Game(generator, matrix, training, 2 * seed)
    history, finished = game.play(f"learning {kind} directions", progress)
    about = {
        "kind": kind,
        "seed": seed,
        **asdict(training),
        "steps": len(history["loss"]),
        "accuracy": float(np.mean(history["accuracy"][-_LAST:])) if len(history["loss"]) else None,
    }
    method = "learned" if kind == "linear" else kind
    found = Directions(matrix.vectors().numpy(), method, about=about)
    return Learned(found, game.reconstructor, history, finished)
