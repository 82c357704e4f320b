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

# A denominator nearer to 0 than this is 0: its inverse times a relevance could overflow.
_SMALLEST = {tf.float32: 1e-30, tf.float64: 1e-200}


class Passed(NamedTuple):
    """Where the relevance of an output went; all of it adds up to what there was.

    Attributes:
        inputs: what each input of the step got, (n, T, ...).
        bias: what biases and other constants got, (n, T); None for nothing.
        stabiliser: what a stabiliser or a denominator of 0 kept back, (n, T); None for nothing.
    """

    inputs: tuple[tf.Tensor, ...]
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


def through_weights(site: Site, rule: Rule, relevance: tf.Tensor) -> Passed:
    """Relevance through a step with weights, by a rule."""
    pulled: dict[str, list[tf.Tensor]] = {}
    kept, biased = [], []
    for group in rule.groups:
        parts, bias, z = _terms(site, group)
        factor = group.coefficient * inverse(z, rule.epsilon)
        if group.sign:
            applies = site.z >= 0 if group.sign > 0 else site.z < 0
            factor = tf.where(applies, factor, tf.zeros_like(factor))
        kept.append(z * factor)
        if bias is not None:
            biased.append(bias * factor)
        s = fold(relevance * factor[:, None])
        for part in parts:
            weights = part.weights(_weights(site))
            found = ops.transposed(site.step, s, weights, site.x.shape[1:])
            pulled.setdefault(part.inputs, []).append(found)
    given = _sum(
        _input(site, name)[:, None] * unfold(_sum(found), relevance.shape[1])
        for name, found in pulled.items()
    )
    return Passed(
        (given,),
        inner(relevance, _sum(biased)) if biased else None,
        inner(relevance, 1 - _sum(kept)),
    )


def through_sum(
    values: Sequence[tf.Tensor], z: tf.Tensor, rule: Rule, relevance: tf.Tensor
) -> Passed:
    """Relevance through z = the sum of values: each takes its share of z."""
    factor = inverse(z, rule.epsilon)
    s = relevance * factor[:, None]
    return Passed(
        tuple(value[:, None] * s for value in values),
        stabiliser=inner(relevance, 1 - z * factor),
    )


def through_linear(
    function: Callable[[tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    z: tf.Tensor,
    rule: Rule,
    relevance: tf.Tensor,
) -> Passed:
    """Relevance through z = function(x), which is linear: each x takes its share of z."""
    factor = inverse(z, rule.epsilon)
    s = fold(relevance * factor[:, None])
    pulled = unfold(ops.pulled_back(function, s, x.shape[1:]), relevance.shape[1])
    return Passed((x[:, None] * pulled,), stabiliser=inner(relevance, 1 - z * factor))


def inverse(z: tf.Tensor, epsilon: float) -> tf.Tensor:
    """1 / (z + epsilon sign(z)) with sign(0) = 1; and 0 where that would be 1 / 0."""
    if epsilon:
        sign = tf.where(z >= 0, tf.constant(epsilon, z.dtype), tf.constant(-epsilon, z.dtype))
        return 1 / (z + sign)
    return tf.where(tf.abs(z) > _SMALLEST[z.dtype], 1 / z, tf.zeros_like(z))


def inner(relevance: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Sum over all elements of relevance (n, T, ...) times share (n or 1, ...): (n, T)."""
    size = int(np.prod(relevance.shape[2:]))
    return tf.linalg.matvec(
        tf.reshape(relevance, (-1, relevance.shape[1], size)), tf.reshape(share, (-1, size))
    )


def fold(relevance: tf.Tensor) -> tf.Tensor:
    """(n, T, ...) as (n * T, ...)."""
    return tf.reshape(relevance, (-1, *relevance.shape[2:]))


def unfold(relevance: tf.Tensor, targets: int) -> tf.Tensor:
    """(n * T, ...) as (n, T, ...)."""
    return tf.reshape(relevance, (-1, targets, *relevance.shape[1:]))


def _terms(site: Site, group: Group) -> tuple[list[Part], tf.Tensor | None, tf.Tensor]:
    """The parts that are not 0, the bias and z of a group."""
    bias = None
    if group.bias is not None and site.step.bias is not None:
        bias = tf.constant(group.bias(site.step.bias), site.z.dtype)
    if group.parts == (Part("all"),) and group.bias is rules.same:
        return list(group.parts), bias, site.z
    parts = [p for p in group.parts if not (p.inputs == "negative" and site.is_nonnegative)]
    z = _sum(_value(site, part) for part in parts)
    return parts, bias, z if bias is None else z + bias


def _value(site: Site, part: Part) -> tf.Tensor:
    """V f(x)."""
    if part == Part("all"):
        bias = site.step.bias
        return site.z if bias is None else site.z - tf.constant(bias, site.z.dtype)
    x, weights = _input(site, part.inputs), part.weights(_weights(site))
    return ops.linear(site.step, x, weights, site.z.shape[1:])


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


def _weights(site: Site) -> np.ndarray:
    assert site.step.weights is not None
    return site.step.weights


def _sum(terms: Iterable[tf.Tensor]) -> tf.Tensor:
    return functools.reduce(operator.add, terms)
