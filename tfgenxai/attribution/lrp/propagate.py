"""Takes relevance backwards through a network, and keeps account of all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfgenxai.attribution.lrp import engine, ops
from tfgenxai.attribution.lrp.engine import Passed, Site
from tfgenxai.attribution.lrp.facts import Facts
from tfgenxai.attribution.lrp.network import Network, Step
from tfgenxai.attribution.lrp.rules import Rule


class Relevance(NamedTuple):
    """What arrived, and what did not.

    Attributes:
        source: (n, T, ...), relevance of the source's elements.
        shares: what went elsewhere, (n, T) each: to "bias", which is all constants, to the
            "stabiliser", and to side inputs by the name of what they depend on. The sum of the
            source's relevance and all shares is the sum of the relevance at the start.
    """

    source: tf.Tensor
    shares: dict[str, tf.Tensor]


def propagate(
    network: Network,
    rules: Mapping[int, Rule],
    facts: Facts,
    values: Sequence[tf.Tensor],
    relevance: tf.Tensor,
    start: int,
) -> Relevance:
    """Relevance of the source from the relevance at a place.

    Args:
        rules: by place, of each step with weights and each sum before `start`.
        facts: of the network.
        values: at every place, (n, *shape).
        relevance: (n, T, *shape), at `start`.
        start: a place.
    """
    zero = tf.zeros(tf.shape(relevance)[:2], relevance.dtype)
    shares = {"bias": zero, "stabiliser": zero}
    at = {start: relevance}
    for step in reversed(network.steps[:start]):
        if step.output not in at:
            continue
        arrived = at.pop(step.output)
        if not step.inputs:
            where = step.options.get("depends", "bias")
            shares[where] = shares.get(where, zero) + _total(arrived)
            continue
        passed = _pass(network, rules, facts, values, step, arrived)
        for place, part in zip(step.inputs, passed.inputs, strict=True):
            at[place] = at[place] + part if place in at else part
        for name, share in (("bias", passed.bias), ("stabiliser", passed.stabiliser)):
            if share is not None:
                shares[name] += share
    return Relevance(at[0], shares)


def _pass(
    network: Network,
    rules: Mapping[int, Rule],
    facts: Facts,
    values: Sequence[tf.Tensor],
    step: Step,
    relevance: tf.Tensor,
) -> Passed:
    place = step.inputs[0]
    x, z = values[place], values[step.output]
    if step.weights is not None:
        rule = rules[step.output]
        if not rule.groups:
            return Passed((relevance,))
        site = Site(step, x, z, facts.nonnegative[place], facts.bounds.get(place))
        return engine.through_weights(site, rule, relevance)
    if step.kind == "add":
        inputs = [values[place] for place in step.inputs]
        return engine.through_sum(inputs, z, rules[step.output], relevance)
    if step.kind == "activation":
        return Passed((relevance,))
    if step.kind == "max_pool":
        return Passed((_to_winners(step, x, z, relevance),))
    if step.kind == "concat":
        axis = step.options["axis"]
        lengths = [network.shapes[place][axis] for place in step.inputs]
        return Passed(tuple(tf.split(relevance, lengths, axis + 2)))
    shape = network.shapes[step.output]
    if step.kind == "route":
        return _back(step, network.shapes[place], shape, relevance)

    def function(x: tf.Tensor) -> tf.Tensor:
        return ops.forward(step, [x], shape)

    return engine.through_linear(function, x, z, rules[step.output], relevance)


def _to_winners(step: Step, x: tf.Tensor, y: tf.Tensor, relevance: tf.Tensor) -> tf.Tensor:
    """To the greatest element of each window alone."""
    targets = relevance.shape[1]
    if targets > 1:
        x, y = tf.repeat(x, targets, 0), tf.repeat(y, targets, 0)
    return engine.unfold(ops.winners(step, x, y, engine.fold(relevance)), targets)


def _back(
    step: Step, before: tuple[int, ...], after: tuple[int, ...], relevance: tf.Tensor
) -> Passed:
    """To where the elements came from; what padding brought in keeps its relevance."""
    targets = relevance.shape[1]
    if step.options["how"] == "reshape":
        return Passed((tf.reshape(relevance, (-1, targets, *before)),))

    def function(x: tf.Tensor) -> tf.Tensor:
        return ops.forward(step, [x], after)

    given = engine.unfold(ops.pulled_back(function, engine.fold(relevance), before), targets)
    if step.options["how"] != "pad" or step.options["mode"] != "CONSTANT":
        return Passed((given,))
    ones = tf.ones((1, *before), relevance.dtype)
    added = 1 - tf.pad(ones, [(0, 0), *step.options["paddings"]])
    return Passed((given,), bias=engine.inner(relevance, added))


def _total(relevance: tf.Tensor) -> tf.Tensor:
    """Sum over the elements, (n, T)."""
    return tf.reduce_sum(relevance, axis=range(2, relevance.shape.rank))
