"""Takes relevance backwards through a network, and keeps account of all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from tfgenxai.attribution.lrp import engine, ops
from tfgenxai.attribution.lrp.engine import Flow, Passed, Site
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
    at = {start: Flow(relevance)}
    for step in reversed(network.steps[:start]):
        if step.output not in at:
            continue
        arrived = at.pop(step.output)
        if not step.inputs:
            where = step.options.get("depends", "bias")
            shares[where] = shares.get(where, zero) + total(arrived.product())
            continue
        passed = _pass(network, rules, facts, values, step, arrived)
        for place, part in zip(step.carriers, passed.inputs, strict=True):
            at[place] = Flow(at[place].product() + part.product()) if place in at else part
        for name, share in (("bias", passed.bias), ("stabiliser", passed.stabiliser)):
            if share is not None:
                shares[name] += share
    return Relevance(at[0].product(), shares)


def total(relevance: tf.Tensor) -> tf.Tensor:
    """Sum over the elements of relevance (n, T, ...): (n, T)."""
    return tf.reduce_sum(relevance, axis=range(2, relevance.shape.rank))


def _pass(
    network: Network,
    rules: Mapping[int, Rule],
    facts: Facts,
    values: Sequence[tf.Tensor],
    step: Step,
    relevance: Flow,
) -> Passed:
    """Relevance through one step of any kind with inputs."""
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
        axis = step.options["axis"] + 2
        lengths = [network.shapes[place][axis - 2] for place in step.inputs]
        return Passed(tuple(map(Flow, tf.split(relevance.product(), lengths, axis))))
    before, after = network.shapes[place], network.shapes[step.output]
    if step.kind == "route":
        return _back(step, before, after, relevance)

    if step.kind == "product":
        return _through_product(step, values, rules[step.output], relevance)

    def pull(s: tf.Tensor) -> tf.Tensor:
        pulled = ops.pulled_back(lambda x: ops.forward(step, [x], after), engine.fold(s), before)
        return engine.unfold(pulled, relevance.targets)

    return engine.through_linear(pull, x, z, rules[step.output], relevance)


def _through_product(
    step: Step, values: Sequence[tf.Tensor], rule: Rule, relevance: Flow
) -> Passed:
    """To one factor, as if the other were constant: attention weights, or a gain.

    A share for both would count relevance twice, since both make the product: see Ali et al., "XAI
    for Transformers: Better Explanations through Conservative Propagation", 2022, of attention;
    Arras et al., "Explaining and Interpreting LSTMs", 2019, section 11.3.2 (the signal takes all),
    of gates.
    """
    (mixed,) = step.carriers
    weights = values[step.inputs[step.options["held"]]]
    return engine.through_linear(
        lambda s: ops.shared_out(step, s, weights),
        values[mixed],
        values[step.output],
        rule,
        relevance,
    )


def _to_winners(step: Step, x: tf.Tensor, y: tf.Tensor, relevance: Flow) -> Flow:
    """To the greatest element of each window alone."""
    if relevance.targets > 1:
        x, y = tf.repeat(x, relevance.targets, 0), tf.repeat(y, relevance.targets, 0)
    found = ops.winners(step, x, y, engine.fold(relevance.product()))
    return Flow(engine.unfold(found, relevance.targets))


def _back(step: Step, before: tuple[int, ...], after: tuple[int, ...], relevance: Flow) -> Passed:
    """To where the elements came from; constants that padding added keep what they got."""
    share, scale = relevance
    if step.options["how"] == "reshape":
        share = tf.reshape(share, (-1, relevance.targets, *before))
        return Passed((Flow(share, None if scale is None else tf.reshape(scale, (-1, *before))),))

    def function(x: tf.Tensor) -> tf.Tensor:
        return ops.forward(step, [x], after)

    arrived = relevance.product()
    given = ops.pulled_back(function, engine.fold(arrived), before)
    flow = Flow(engine.unfold(given, relevance.targets))
    if step.options.get("mode") != "CONSTANT":
        return Passed((flow,))
    ones = tf.ones((1, *before), arrived.dtype)
    added = 1 - tf.pad(ones, [(0, 0), *step.options["paddings"]])
    return Passed((flow,), bias=engine.inner(arrived, added))
