"""Relevance through one step: that of the output in, that of the inputs out.

Relevance is (n, T, ...), of T targets for each of n samples. What does not depend on the targets,
all denominators above all, is computed once a sample.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import ops, rules
from tfgenxai.attribution.lrp.facts import Bounds
from tfgenxai.attribution.lrp.network import Step
from tfgenxai.attribution.lrp.rules import Group, Part, Rule

# Inverses are no greater, so that their product with a relevance does not overflow.
_GREATEST = {tf.float32: 1e30, tf.float64: 1e200}


class Flow(NamedTuple):
    """Relevance (n, T, ...) as a product, which spares a multiplication for each target.

    Attributes:
        share: (n, T, ...).
        scale: (n or 1, ...), what to multiply it by; None for 1.
    """

    share: tf.Tensor
    scale: tf.Tensor | None = None

    @property
    def targets(self) -> int:
        """T."""
        return self.share.shape[1]

    def product(self) -> tf.Tensor:
        """The relevance."""
        return self.share if self.scale is None else self.share * self.scale[:, None]

    def times(self, factor: tf.Tensor) -> tf.Tensor:
        """The relevance times a factor (n or 1, ...)."""
        return self.share * (factor if self.scale is None else self.scale * factor)[:, None]

    def inner(self, factor: tf.Tensor) -> tf.Tensor:
        """Sum over all elements of the relevance times a factor (n or 1, ...): (n, T)."""
        return inner(self.share, factor if self.scale is None else self.scale * factor)


class Passed(NamedTuple):
    """Where the relevance of an output went; all of it adds up to what there was.

    Attributes:
        inputs: what each input of the step got.
        bias: what biases and other constants got, (n, T); None for nothing.
        stabiliser: what a stabiliser, or a denominator of 0, kept back, (n, T); None for nothing.
    """

    inputs: tuple[Flow, ...]
    bias: tf.Tensor | None = None
    stabiliser: tf.Tensor | None = None


class Site(NamedTuple):
    """A step with weights among its values.

    Attributes:
        step: a kernel or an affine step.
        x: (n, ...), what it reads.
        z: (n, ...), what it gives.
        is_nonnegative: whether x is known to have no negative elements.
        bounds: of x, where they are known.
    """

    step: Step
    x: tf.Tensor
    z: tf.Tensor
    is_nonnegative: bool = False
    bounds: Bounds | None = None


def through_weights(site: Site, rule: Rule, relevance: Flow) -> Passed:
    """Relevance through a step with weights, by a rule."""
    pulled: dict[str, list[tf.Tensor]] = {}
    explained, stabilisers, biases = [], [], []
    for group in rule.groups:
        parts, bias, z = _terms(site, group)
        factor, added = inverse(z, rule.epsilon)
        factor = _applied(site, group, factor)
        s = relevance.times(factor)
        if added is None:
            explained.append(z * factor)
        else:
            stabilisers.append(inner(s, added))
        if bias is not None:
            biases.append(_inner_bias(s, bias, site.z.shape[1:]))
        for part in parts:
            weights = part.weights(_weights(site))
            found = ops.transposed(site.step, fold(s), weights, site.x.shape[1:])
            pulled.setdefault(part.inputs, []).append(found)
    flows = [
        Flow(unfold(_sum(found), relevance.targets), _input(site, name))
        for name, found in pulled.items()
    ]
    given = flows[0] if len(flows) == 1 else Flow(_sum(flow.product() for flow in flows))
    kept = _sum(stabilisers) if stabilisers else relevance.inner(1 - _sum(explained))
    return Passed((given,), _sum(biases) if biases else None, kept)


def through_sum(values: Sequence[tf.Tensor], z: tf.Tensor, rule: Rule, relevance: Flow) -> Passed:
    """Relevance through z = the sum of values: each takes its share of z."""
    factor, added = inverse(z, rule.epsilon)
    s = relevance.times(factor)
    kept = relevance.inner(1 - z * factor) if added is None else inner(s, added)
    return Passed(tuple(Flow(s, value) for value in values), stabiliser=kept)


def through_linear(
    pull: Callable[[tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    z: tf.Tensor,
    rule: Rule,
    relevance: Flow,
) -> Passed:
    """Relevance through z = A x: each x takes its share of z.

    Args:
        pull: A^T, from (n, T, ...) like z to (n, T, ...) like x.
    """
    (through,), _, kept = through_sum([z], z, rule, relevance)
    return Passed((Flow(pull(through.share), x),), stabiliser=kept)


def inverse(z: tf.Tensor, epsilon: float) -> tuple[tf.Tensor, tf.Tensor | None]:
    """1 / (z + epsilon sign(z)) with sign(0) = 1, and what is added to z.

    Without an epsilon, the inverse of 0 is 0.
    """
    if not epsilon:
        greatest = _GREATEST[z.dtype]
        return tf.clip_by_value(tf.math.reciprocal_no_nan(z), -greatest, greatest), None
    added = tf.where(z >= 0, tf.constant(epsilon, z.dtype), tf.constant(-epsilon, z.dtype))
    return 1 / (z + added), added


def inner(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Sum over all elements of left (n, T, ...) times right (n or 1, ...): (n, T)."""
    size = int(np.prod(left.shape[2:]))
    return tf.linalg.matvec(
        tf.reshape(left, (-1, left.shape[1], size)), tf.reshape(right, (-1, size))
    )


def fold(relevance: tf.Tensor) -> tf.Tensor:
    """(n, T, ...) as (n * T, ...)."""
    return tf.reshape(relevance, (-1, *relevance.shape[2:]))


def unfold(relevance: tf.Tensor, targets: int) -> tf.Tensor:
    """(n * T, ...) as (n, T, ...)."""
    return tf.reshape(relevance, (-1, targets, *relevance.shape[1:]))


def _terms(site: Site, group: Group) -> tuple[Sequence[Part], np.ndarray | None, tf.Tensor]:
    """The parts that are not 0, the bias, and z of a group."""
    step, parts, bias = site.step, group.parts, None
    if group.bias is not None and step.bias is not None:
        bias = group.bias(step.bias)
    if parts == (Part("all"),) and group.bias is rules.same:
        return parts, bias, site.z
    if site.is_nonnegative:
        parts = tuple(part for part in parts if part.inputs != "negative")
    z = _sum(_value(site, part) for part in parts)
    return parts, bias, z if bias is None else ops.add_bias(step, z, bias)


def _value(site: Site, part: Part) -> tf.Tensor:
    """V f(x)."""
    if part == Part("all"):
        bias = site.step.bias
        return site.z if bias is None else ops.add_bias(site.step, site.z, -bias)
    x, weights = _input(site, part.inputs), part.weights(_weights(site))
    return ops.linear(site.step, x, weights, site.z.shape[1:])


def _applied(site: Site, group: Group, factor: tf.Tensor) -> tf.Tensor:
    """The factor times the group's coefficient, and 0 where the group does not apply."""
    if group.coefficient != 1:
        factor *= group.coefficient
    if not group.sign:
        return factor
    applies = site.z >= 0 if group.sign > 0 else site.z < 0
    return tf.where(applies, factor, tf.zeros_like(factor))


def _input(site: Site, name: str) -> tf.Tensor:
    """f(x), with n = 1 where it does not depend on x."""
    x = site.x
    if name == "all" or (name == "positive" and site.is_nonnegative):
        return x
    if name == "positive":
        return tf.nn.relu(x)
    if name == "negative":
        return tf.minimum(x, 0)
    if name == "ones":
        return tf.ones((1, *x.shape[1:]), x.dtype)
    assert site.bounds is not None
    return -tf.constant(site.bounds[name == "minus_high"], x.dtype)


def _inner_bias(s: tf.Tensor, bias: np.ndarray, shape: Sequence[int]) -> tf.Tensor:
    """Sum over all elements of s (n, T, *shape) times the bias: (n, T)."""
    if bias.shape != (shape[-1],):
        return inner(s, tf.constant(np.broadcast_to(bias, shape)[None], s.dtype))
    places = tf.reshape(s, (-1, s.shape[1], int(np.prod(shape[:-1])), shape[-1]))
    return tf.reduce_sum(tf.linalg.matvec(places, tf.constant(bias, s.dtype)), axis=-1)


def _weights(site: Site) -> np.ndarray:
    assert site.step.weights is not None
    return site.step.weights


def _sum(terms: Iterable[tf.Tensor]) -> tf.Tensor:
    return functools.reduce(operator.add, terms)
