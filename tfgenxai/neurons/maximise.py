"""Activation maximisation: the input that excites a neuron most, by gradient ascent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution.base import first_input
from tfgenxai.attribution.inputs import checked
from tfgenxai.attribution.structure import depends, largest_row
from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, fetch, sample_shape
from tfgenxai.latent.decoding import prior_codes
from tfgenxai.neurons.climb import Climb, Limits
from tfgenxai.neurons.layers import draws, refuse_draws
from tfgenxai.neurons.maximised import Maximised
from tfgenxai.targets import Target

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: How far a coordinate of a code may go. The largest of 100 standard normal draws is 2.5 on
#: average, and 99 % of single draws lie within: further out, decoders were hardly trained.
REACH = 2.5

#: Bytes that the values of one pass may take.
MEMORY = 2**29

_PRIOR_DRAWS = 1000
_CANDIDATES = 16
_ROWS = 256


def maximise(
    graph: Graph,
    target: Target,
    *,
    steps: int = 256,
    rate: float = 0.05,
    restarts: int = 8,
    bound: float | tuple[float, float] | None = None,
    radius: float | None = None,
    decay: float = 0.0,
    jitter: int = 0,
    fixed: Mapping[str, Any] | None = None,
    reference: Any = None,
    prior: Graph | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Maximised:
    """Inputs that make the target large: codes of a decoder, or images of any other network.

    From `restarts` starts the input climbs the target's gradient by Adam (Kingma and Ba 2015) with
    a rate that falls to 0, and is clipped to the bound after each step. Each start is the best of
    16 likely inputs: behind a ReLU that is off there is no slope. All restarts of all targets are
    one batch. A code needs no further prior on images, since the decoder is one
    (Nguyen et al. 2016); for an image see `decay` and `jitter` (Simonyan et al. 2014, section 2;
    Mordvintsev et al. 2015). The idea is Erhan et al.'s, 2009.

    Climbing always finds something. The control is the best of as many random inputs as the climb
    evaluated; by how much it is beaten says what the gradient was worth.

    Args:
        graph: what has the neuron. Its first input of real numbers climbs.
        target: `Unit(layer, channel, y, x)` is a neuron, `Unit(layer, channel)` the mean of a
            channel, `layer_energy(layer)` a whole layer, `Pixels(mask)` a region of the image; any
            other target, or a family, works too.
        steps: of the climb.
        rate: size of the first steps, in units of the input.
        restarts: starts of each target.
        bound: the input stays in [-bound, bound], or within a pair; by default [0, 1] for images,
            2.5 for codes (see `REACH`), and with a `prior` each coordinate's range among draws.
        radius: largest Euclidean norm of an input. The corners of the box are far from any draw:
            draws of d standard normals have a norm of about sqrt(d).
        decay: c of the penalty c ||x||^2 / 2; 1 weighs a code by the log density of its prior.
        jitter: the image is shifted by up to so many pixels each way, anew in each step.
        fixed: values of the graph's other inputs, such as {"label": 3}.
        reference: inputs (N, ...) that stand for likely ones, as real images; by default draws
            from N(0, 1), or of the `prior`, for codes, and uniform noise for images.
        prior: the model's signature `prior`, which makes codes of standard normal draws.
        seed: of starts, shifts and draws.
        progress: show a bar on stderr; by default on a terminal when there is much to do.

    Raises:
        UsageError, LayerNotFoundError: the target does not fit the graph, or an option is wrong.
        InvalidInputError: the reference does not fit.
    """
    if steps < 1 or restarts < 1:
        raise UsageError("steps= and restarts= must be at least 1.")
    name = first_input(graph)
    given = _fixed(graph, name, fixed or {})
    explained = _explained(graph, target, name)
    shape, picture = sample_shape(graph.inputs[name]), graph.inputs[name].shape.rank == 4
    if jitter and not picture:
        raise UsageError(f"jitter= shifts images, and {name!r} has shape {shape}: leave it 0.")
    tried = restarts * (steps + 1 + _CANDIDATES)
    drawn = _draws(shape, picture, _PRIOR_DRAWS + tried + restarts * _CANDIDATES, seed)
    usual: Any = (0.0, 1.0) if picture else REACH
    if prior is not None:
        drawn = prior_codes(prior, drawn)
        usual = (drawn.min(axis=0), drawn.max(axis=0))
    limits = Limits.of(usual if bound is None else bound, radius)

    count = len(explained.names)
    own = np.repeat(np.arange(count, dtype=np.int32), restarts)
    climb = Climb(explained, name, given, limits, decay, jitter, seed)
    if reference is None:
        likely, control, candidates = np.split(drawn, [_PRIOR_DRAWS, _PRIOR_DRAWS + tried])
        typical, random = _scores(climb, likely), _scores(climb, control)
    else:
        likely = checked(name, reference, graph.inputs[name])
        typical = random = _scores(climb, likely)
        rng = np.random.default_rng(seed)
        candidates = likely[rng.integers(len(likely), size=restarts * _CANDIDATES)]
    starts = _starts(climb, limits.clipped(candidates).numpy(), restarts)
    row = largest_row(explained, graph.inputs[name])
    at_once = max(1, MEMORY // (8 * row * count), _ROWS // count)
    if progress is None:
        progress = sys.stderr.isatty() and steps * len(own) > 20_000
    parts = [slice(start, start + at_once) for start in range(0, len(own), at_once)]
    with counter("climbing", (steps + 1) * len(parts), progress) as done:
        found = [climb.run(starts[part], own[part], steps, rate, done) for part in parts]
    codes = np.concatenate([best for best, _ in found])
    history = np.concatenate([scores for _, scores in found], axis=1)

    middle = (limits.low + limits.high) / 2
    return Maximised(
        target_names=explained.names,
        codes=codes.reshape(count, restarts, *shape),
        scores=_scores(climb, codes)[np.arange(len(own)), own].reshape(count, restarts),
        history=history.reshape(steps + 1, count, restarts),
        images=_images(graph, climb, codes, (count, restarts)),
        random_best=random.max(axis=0),
        random_count=len(random),
        typical=typical,
        typical_norms=np.linalg.norm(likely.reshape(len(likely), -1) - middle, axis=1),
        limits=limits,
    )


def _fixed(graph: Graph, name: str, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    others = [other for other in graph.inputs if other != name]
    if set(given) != set(others):
        raise UsageError(
            f"The input {name!r} climbs, and the others ({', '.join(others) or 'none'}) stay: "
            f"give just those by fixed=, such as {{'label': 3}}."
        )
    return {
        other: checked(other, np.asarray(given[other])[None], graph.inputs[other])[0]
        for other in others
    }


def _explained(graph: Graph, target: Target, name: str) -> Explained:
    if not isinstance(target, Target):
        raise UsageError(f"Say what to maximise, such as Unit('conv_0', 3): {target!r} is none.")
    explained = target.on(graph)
    if explained.rows:
        raise UsageError("The target must be the same for all inputs: it has a value for each.")
    if not depends(explained.fetches, graph.inputs[name]):
        raise UsageError(f"{explained.names[0]} does not depend on the input {name!r}.")
    refuse_draws(explained.fetches, explained.names[0])
    return explained


def _draws(shape: tuple[int, ...], picture: bool, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.random((count, *shape)) if picture else rng.standard_normal((count, *shape))
    return drawn.astype(np.float32)


def _starts(climb: Climb, candidates: np.ndarray, restarts: int) -> np.ndarray:
    """The best of every few candidates for each target and restart, (T * R, ...)."""
    scores = _scores(climb, candidates).reshape(restarts, _CANDIDATES, -1)
    best = scores.argmax(axis=1) + np.arange(restarts)[:, None] * _CANDIDATES
    return candidates[best.T.ravel()]


def _scores(climb: Climb, inputs: np.ndarray) -> np.ndarray:
    """(N, T)."""
    parts = range(0, len(inputs), _ROWS)
    return np.concatenate([climb.scores(inputs[at : at + _ROWS]).numpy() for at in parts])


def _images(
    graph: Graph, climb: Climb, codes: np.ndarray, leading: tuple[int, int]
) -> np.ndarray | None:
    """What the graph draws of codes (T * R, ...): (T, R, H, W, C); None where it draws nothing."""
    image = graph.outputs.get("image")
    if image is None or draws([image]):
        return None
    parts = range(0, len(codes), _ROWS)
    found = [fetch(graph, climb.feeds(codes[at : at + _ROWS]), [image])[0].numpy() for at in parts]
    images = np.concatenate(found)
    return images.reshape(*leading, *images.shape[1:])
