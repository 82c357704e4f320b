"""Composites: which rule goes where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tfgenxai.attribution.lrp import rules
from tfgenxai.attribution.lrp.facts import Facts
from tfgenxai.attribution.lrp.network import KERNELS, Network, Step
from tfgenxai.attribution.lrp.rules import Rule
from tfgenxai.errors import UsageError

#: Steps that are linear without weights, and take the rule for sums.
SUMS = frozenset({"add", "mean", "sum", "average_pool", "resize", "product"})


@dataclass(frozen=True)
class Composite:
    """Rules by what a step is.

    Attributes:
        name: as users write it.
        dense: for dense layers.
        conv: for convolutions, transposed and depthwise ones included.
        sums: for sums of branches, means and average pooling, what attention mixes or a gain
            multiplies, and for normalisations that stand alone between layers.
        first: for the layers that read an image; None for none of its own. Where the source is a
            latent code, they are layers as any other.
        rescaling: where a graph changes the units of its input or output.
    """

    name: str
    dense: Rule
    conv: Rule
    sums: Rule
    first: Rule | None = None
    rescaling: Rule = rules.PASS


def _presets(epsilon: float, gamma: float) -> dict[str, Composite]:
    by_epsilon = rules.epsilon(epsilon)

    def over(name: str, conv: Rule, first: Rule | None = None) -> Composite:
        return Composite(name, by_epsilon, conv, by_epsilon, first)

    double = rules.alpha_beta(2, 1)
    found = [
        over("epsilon", by_epsilon),
        over("epsilon_plus", rules.Z_PLUS),
        over("epsilon_plus_flat", rules.Z_PLUS, rules.FLAT),
        over("epsilon_gamma_box", rules.gamma(gamma), rules.BOX),
        over("epsilon_alpha2_beta1", double),
        over("epsilon_alpha2_beta1_flat", double, rules.FLAT),
        over("preset_a", rules.Z_PLUS),
        over("preset_a_flat", rules.Z_PLUS, rules.FLAT),
        over("preset_b", double),
        over("preset_b_flat", double, rules.FLAT),
    ]
    return {composite.name: composite for composite in found}


#: Names of composites; each rule but "box" and "pass" is one too, for all layers alike.
NAMES = tuple(_presets(0.0, 0.0))
_KNOWN = (*NAMES, *(name for name in rules.NAMES if name not in ("box", "pass", *NAMES)))


def composite(given: str | Rule | Composite, epsilon: float | None, gamma: float) -> Composite:
    """The composite that a user asks for.

    Args:
        given: one of `NAMES`, a rule for all layers or its name, or a composite of the user's own.
        epsilon: stabiliser of the epsilon rules; None for 1e-6, and 0.1 in the presets, which
            are those that iNNvestigate uses.
        gamma: of the gamma rule.

    Raises:
        UsageError: no composite has this name, or epsilon or gamma is negative.
    """
    if isinstance(given, Composite):
        return given
    if isinstance(given, str):
        if given not in _KNOWN:
            raise UsageError(f"There is no composite {given!r}; {_closest(given, _KNOWN)}.")
        if epsilon is None:
            epsilon = 0.1 if given.startswith("preset") else 1e-6
        if given in NAMES:
            return _presets(epsilon, gamma)[given]
        given = rules.named(given, epsilon, gamma)
    if not isinstance(given, Rule) or not given.groups:
        raise UsageError(f"A composite is a name, a Rule or a Composite, not {given}.")
    # LRP-0 everywhere is gradient times input, in whatever units the input comes.
    if given == rules.ZERO:
        return Composite("zero", given, given, given, rescaling=given)
    sums = rules.epsilon(1e-6 if epsilon is None else epsilon)
    return Composite(given.name, given, given, sums)


def assign(
    network: Network, facts: Facts, by: Composite, layers: Mapping[str, Rule]
) -> dict[int, Rule]:
    """The rule of every step that has one and that relevance gets to, by its place.

    Args:
        facts: of the network.
        by: the composite.
        layers: rules by name of a layer, instead of the composite's; others may be there.

    Raises:
        UsageError: a rule does not suit the step that it is for.
    """
    is_image = len(network.shapes[0]) > 1 or network.source.startswith("image")
    found, reached = {}, network.reached
    for step in network.steps:
        if step.output not in reached:
            continue
        if step.kind in KERNELS or step.kind == "affine":
            rule = layers.get(step.layer) or _usual(step, facts, by, is_image)
            _check(step, rule, facts)
            found[step.output] = rule
        elif step.kind in SUMS:
            found[step.output] = by.sums
    return found


def _usual(step: Step, facts: Facts, by: Composite, is_image: bool) -> Rule:
    if step.kind == "affine":
        return by.rescaling if step.output in facts.rescaling else by.sums
    if by.first is not None and is_image and step.output in facts.first:
        return by.first
    return by.dense if step.kind == "dense" else by.conv


def _check(step: Step, rule: Rule, facts: Facts) -> None:
    if not rule.groups and step.kind in KERNELS:
        raise UsageError(f"Relevance cannot pass layer {step.layer!r}: it has other elements.")
    bounded = any(part.inputs.startswith("minus") for g in rule.groups for part in g.parts)
    if bounded and step.inputs[0] not in facts.bounds:
        raise UsageError(
            f"The rule {rule} wants the range of what layer {step.layer!r} reads, which is known "
            f"for the first layer only."
        )


def layer_rules(
    given: Mapping[str, str | Rule], networks: Iterable[Network], epsilon: float, gamma: float
) -> dict[str, Rule]:
    """Rules by name of a layer, as a user gives them.

    Raises:
        UsageError: a network has no layer of that name with weights, or a rule is unknown.
    """
    known = {
        step.layer: None
        for network in networks
        for step in network.steps
        if step.output in network.reached and (step.kind in KERNELS or step.kind == "affine")
    }
    found = {}
    for layer, rule in given.items():
        if layer not in known:
            raise UsageError(
                f"LRP meets no layer {layer!r} with weights of its own; {_closest(layer, known)}."
            )
        if isinstance(rule, str):
            if rule not in rules.NAMES:
                raise UsageError(f"There is no rule {rule!r}; {_closest(rule, rules.NAMES)}.")
            rule = rules.named(rule, epsilon, gamma)
        if not isinstance(rule, Rule):
            raise UsageError(f"The rule of layer {layer!r} must be a name or a Rule, not {rule!r}.")
        found[layer] = rule
    return found


def _closest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    return "try " + ", ".join(difflib.get_close_matches(name, known, n=3) or known)
