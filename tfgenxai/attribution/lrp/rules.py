"""The rules of LRP: how a step with weights hands relevance from its output to its input.

Every rule is a sum of groups of the same form. With parts f of the input and V of the weights, a
group has z_g = sum_f V f(x) + b_g at the output, and gives the input

    R = sum_f f(x) * V^T s_g,     s_g = c_g R_out / (z_g + epsilon sign(z_g)),     sign(0) = 1.

Which parts those are is all that tells one rule from another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tfgenxai.errors import UsageError

Change = Callable[[np.ndarray], np.ndarray]


def same(weights: np.ndarray) -> np.ndarray:
    """The weights as they are."""
    return weights


def positive(weights: np.ndarray) -> np.ndarray:
    """The positive weights, and 0 for others."""
    return np.maximum(weights, 0)


def negative(weights: np.ndarray) -> np.ndarray:
    """The negative weights, and 0 for others."""
    return np.minimum(weights, 0)


@dataclass(frozen=True)
class Part:
    """A part f of the input, times a part V of the weights.

    Attributes:
        inputs: f(x): "all" of x; its "positive" or "negative" elements, and 0 for others; "ones";
            or "minus_low" and "minus_high", the bounds of x with their sign reversed.
        weights: V, from all weights.
    """

    inputs: Literal["all", "positive", "negative", "ones", "minus_low", "minus_high"]
    weights: Change = same


@dataclass(frozen=True)
class Group:
    """One term of a rule; see the head of this module.

    Attributes:
        coefficient: c_g, where it applies.
        parts: the pairs of f and V.
        bias: b_g from the bias; None for none.
        sign: +1 if the group applies only where the step's value is at least 0, -1 if only where
            it is negative, 0 everywhere.
    """

    parts: tuple[Part, ...]
    bias: Change | None = None
    coefficient: float = 1.0
    sign: int = 0


@dataclass(frozen=True)
class Rule:
    """How relevance goes through a step with weights.

    Attributes:
        name: as users write it, with its parameters.
        groups: none for "pass", which leaves relevance where it is.
        epsilon: the stabiliser. With 0, an output whose z_g is 0 hands on nothing.
    """

    name: str
    groups: tuple[Group, ...]
    epsilon: float = 0.0

    def __str__(self) -> str:
        return self.name


_EVERYTHING = (Group((Part("all"),), same),)

#: Relevance stays where it is: for steps that compute element by element.
PASS = Rule("pass", ())
#: LRP-0 (Bach et al. 2015, eq. 56): R = x * W^T (R / z).
ZERO = Rule("zero", _EVERYTHING)
#: w^2 (Montavon et al. 2017, section 4.1): by squared weights, whatever the input.
W_SQUARE = Rule("w_square", (Group((Part("ones", np.square),)),))
#: Flat (Lapuschkin et al. 2019): evenly over the receptive field, whatever input and weights.
FLAT = Rule("flat", (Group((Part("ones", np.ones_like),)),))
#: z^B (Montavon et al. 2017, section 4.2): for inputs that lie in [low, high].
BOX = Rule(
    "box",
    (Group((Part("all"), Part("minus_low", positive), Part("minus_high", negative))),),
)


def epsilon(epsilon: float = 1e-6) -> Rule:
    """LRP-epsilon (Bach et al. 2015, eq. 58): LRP-0 with z moved away from 0.

    Raises:
        UsageError: epsilon is negative.
    """
    return Rule(f"epsilon({_number('epsilon', epsilon)})", _EVERYTHING, epsilon)


def gamma(gamma: float = 0.25) -> Rule:
    """LRP-gamma (Montavon et al. 2019; Andéol et al. 2021 for values of both signs).

    What agrees in sign with the step's value counts 1 + gamma times. With gamma = 0 this is
    LRP-0; with a large one, it tends to z+ where values are positive.

    Raises:
        UsageError: gamma is negative.
    """

    def favour(part: Change) -> Change:
        return lambda weights: weights + gamma * part(weights)

    more, less = favour(positive), favour(negative)
    agreeing = Group((Part("positive", more), Part("negative", less)), more, sign=1)
    opposing = Group((Part("positive", less), Part("negative", more)), less, sign=-1)
    return Rule(f"gamma({_number('gamma', gamma)})", (agreeing, opposing))


def alpha_beta(alpha: float, beta: float) -> Rule:
    """LRP-alpha-beta (Bach et al. 2015, eq. 60): positive and negative contributions apart.

    The positive contributions, positive biases among them, share alpha R; the negative ones
    share -beta R.

    Raises:
        UsageError: alpha - beta is not 1, or beta is negative.
    """
    if abs(alpha - beta - 1) > 1e-9 or beta < 0:
        raise UsageError(f"alpha - beta must be 1, and beta not negative; not {alpha} and {beta}.")
    for_it = (Part("positive", positive), Part("negative", negative))
    against = (Part("positive", negative), Part("negative", positive))
    groups = [Group(for_it, positive, float(alpha))]
    if beta:
        groups.append(Group(against, negative, -float(beta)))
    return Rule(f"alpha{alpha:g}_beta{beta:g}", tuple(groups))


#: z+ (Montavon et al. 2017, section 4.1), for inputs of both signs: alpha 1, beta 0.
Z_PLUS = alpha_beta(1, 0)

#: What users may write for a rule; "epsilon" and "gamma" take the method's parameters.
NAMES = (
    "zero",
    "epsilon",
    "gamma",
    "z_plus",
    "alpha1_beta0",
    "alpha2_beta1",
    "w_square",
    "flat",
    "box",
    "pass",
)


def named(name: str, stabiliser: float, boost: float) -> Rule:
    """The rule of one of `NAMES`.

    Args:
        stabiliser: epsilon of "epsilon".
        boost: gamma of "gamma".
    """
    fixed = {
        "zero": ZERO,
        "z_plus": Z_PLUS,
        "alpha1_beta0": Z_PLUS,
        "w_square": W_SQUARE,
        "flat": FLAT,
        "box": BOX,
        "pass": PASS,
    }
    if name == "epsilon":
        return epsilon(stabiliser)
    if name == "gamma":
        return gamma(boost)
    return alpha_beta(2, 1) if name == "alpha2_beta1" else fixed[name]


def _number(name: str, value: float) -> str:
    if not np.isfinite(value) or value < 0:
        raise UsageError(f"{name}= must be a number that is not negative, not {value}.")
    return f"{value:g}"
