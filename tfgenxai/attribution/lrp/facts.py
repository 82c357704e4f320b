"""What is known of a network's values before it computes any: order, signs and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import ops
from tfgenxai.attribution.lrp.network import KERNELS, Network, Step

Bounds = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Facts:
    """What is known of each place.

    Attributes:
        first: places of the kernels that no other kernel precedes.
        rescaling: places of the affine steps before the first or after the last kernel: the units
            of the input, or of the output, and no layer of the network.
        nonnegative: whether no value there is ever negative.
        bounds: the least and the greatest value (1, *shape), where only affine steps and routes
            lie between the source and the place.
    """

    first: frozenset[int]
    rescaling: frozenset[int]
    nonnegative: tuple[bool, ...]
    bounds: dict[int, Bounds]


def learn(network: Network, low: float, high: float, *, is_nonnegative: bool) -> Facts:
    """The facts of a network.

    Args:
        low, high: bounds of the source.
        is_nonnegative: whether the source is known to have no negative values.
    """
    after = _after_kernels(network)
    before = _before_kernels(network)
    first = {s.output for s in network.steps if s.kind in KERNELS and not after[s.inputs[0]]}
    rescaling = {
        step.output
        for step in network.steps
        if step.kind == "affine" and not (after[step.inputs[0]] and before[step.output])
    }
    signs = [is_nonnegative]
    for step in network.steps:
        signs.append(_is_nonnegative(step, [signs[place] for place in step.inputs]))
    bounds = _bounds(network, low, high)
    return Facts(frozenset(first), frozenset(rescaling), tuple(signs), bounds)


def _after_kernels(network: Network) -> list[bool]:
    """Whether a kernel leads to each place."""
    found = [False]
    for step in network.steps:
        found.append(step.kind in KERNELS or any(found[place] for place in step.inputs))
    return found


def _before_kernels(network: Network) -> list[bool]:
    """Whether each place leads to a kernel."""
    found = [False] * len(network.shapes)
    for step in reversed(network.steps):
        for place in step.inputs:
            found[place] |= found[step.output] or step.kind in KERNELS
    return found


def _is_nonnegative(step: Step, inputs: list[bool]) -> bool:
    if step.kind == "constant":
        return bool((np.asarray(step.weights) >= 0).all())
    if step.kind == "activation":
        name, alpha = step.options["name"], step.options.get("alpha", 0.0)
        if name in ("minimum", "log_softmax"):
            return name == "minimum" and all(inputs) and alpha >= 0
        return name in ops.NONNEGATIVE or all(inputs) or (name == "maximum" and alpha >= 0)
    if step.weights is not None or step.kind == "side":
        return False
    return all(inputs) and step.options.get("value", 0.0) >= 0


def _bounds(network: Network, low: float, high: float) -> dict[int, Bounds]:
    shape = (1, *network.shapes[0])
    found = {0: (np.full(shape, low), np.full(shape, high))}
    for step in network.steps:
        if step.kind in ("affine", "route") and step.inputs[0] in found:
            ends = [
                ops.forward(step, [tf.constant(end)], network.shapes[step.output]).numpy()
                for end in found[step.inputs[0]]
            ]
            found[step.output] = (np.minimum(*ends), np.maximum(*ends))
    return found
