"""LRP: relevance that every layer hands on, and that adds up to the target."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.base import MEMORY, CompiledMethod, Explanation
from tfgenxai.attribution.lrp import composites, facts
from tfgenxai.attribution.lrp.composites import Composite
from tfgenxai.attribution.lrp.network import Network
from tfgenxai.attribution.lrp.propagate import propagate, total
from tfgenxai.attribution.lrp.read import read
from tfgenxai.attribution.lrp.rules import Rule
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import Explained, Feeds, fetch

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target


class Stage(NamedTuple):
    """A network that relevance goes through, with all that is decided before it does.

    Attributes:
        rules: by place.
        facts: of the network.
    """

    network: Network
    rules: dict[int, Rule]
    facts: facts.Facts


class LRP(CompiledMethod):
    """Layer-wise relevance propagation (Bach et al. 2015; Montavon et al. 2019).

    The target's value is the relevance of the output. Every layer hands the relevance of its
    output on to its input by a rule, so that in the end every input element has its share:

        sum of the values + share of the biases + share of the stabiliser = target.

    `convergence_delta` is the sum of the values minus the target, and `delta_parts` names the
    shares: delta = -(bias + stabiliser). Nothing is rescaled to make them vanish.

    The target must be a fixed weighted sum of one tensor's elements: `Latent`, `Output`,
    `ClassLogit`, `Unit`, `Pixels`, `Discriminator`, also of a generated image by `model=`. Where
    that tensor is a softmax, sigmoid or tanh of logits, rescaled perhaps, relevance starts at
    the logits: a mask of pixels weighs the logits of the pixels.

    Args:
        graph, wrt, seed: see `Method`.
        composite: which rule goes where: the name of a composite (`composites.NAMES`) or of a
            rule for all layers alike (`rules.NAMES`), a `Rule`, or a `Composite`.
        epsilon: stabiliser of the epsilon rules; by default 1e-6, and 0.1 in the presets.
        gamma: of the gamma rule.
        low, high: range of the input, for the box rule.
        layers: rules for single layers, by name.
        dtype: what to compute in; values are float32 in any case.
    """

    name = "lrp"

    def __init__(
        self,
        graph: Graph,
        composite: str | Rule | Composite = "epsilon_plus",
        *,
        epsilon: float | None = None,
        gamma: float = 0.25,
        low: float = 0.0,
        high: float = 1.0,
        layers: Mapping[str, str | Rule] | None = None,
        dtype: Literal["float32", "float64"] = "float32",
        wrt: str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        if dtype not in ("float32", "float64"):
            raise UsageError(f"dtype= is 'float32' or 'float64', not {dtype!r}.")
        if not low < high:
            raise UsageError(f"low= must be less than high=, not {low} and {high}.")
        self.composite = composites.composite(composite, epsilon, gamma)
        self.epsilon, self.gamma, self.low, self.high = epsilon, gamma, low, high
        self.layers = dict(layers or {})
        self.dtype = dtype
        self._stages: dict[Hashable, list[Stage]] = {}

    def settings(self) -> dict[str, Any]:
        """Settings to record; relevance starts before a final softmax, sigmoid or tanh."""
        return {
            **super().settings(),
            "composite": self.composite.name,
            "epsilon": self.epsilon,
            "gamma": self.gamma,
            "low": self.low,
            "high": self.high,
            "layers": {layer: str(rule) for layer, rule in self.layers.items()},
            "dtype": self.dtype,
            "start": "logits",
        }

    def rules(self, target: Target) -> list[tuple[str, str]]:
        """Each layer that has a rule on the way from the input to a target, and its rule."""
        stages = self.stages(self._explained(target))
        return [
            (step.layer, str(stage.rules[step.output]))
            for stage in reversed(stages)
            for step in stage.network.steps
            if step.output in stage.rules
        ]

    def stages(self, explained: Explained) -> list[Stage]:
        """The networks that relevance goes through, the one that it starts in first.

        Raises:
            UsageError: LRP cannot start from this target, or meets an operation without a rule.
        """
        if explained.key not in self._stages:
            networks = self._networks(explained)
            given = composites.layer_rules(self.layers, networks, self.epsilon or 1e-6, self.gamma)
            self._stages[explained.key] = [
                self._stage(network, given, is_generated=network is not networks[-1])
                for network in networks
            ]
        return self._stages[explained.key]

    def rows_at_once(self, explained: Explained) -> int:
        """As many samples as all values of one pass, and the relevance of one, leave room for."""
        networks = [stage.network for stage in self.stages(explained)]
        sizes = [[int(np.prod(shape)) for shape in network.shapes] for network in networks]
        numbers = sum(3 * sum(row) for row in sizes)
        largest = max(row[place] for n, row in zip(networks, sizes) for place in n.reached)
        numbers += 4 * len(explained.names) * largest
        return MEMORY // (np.dtype(self.dtype).itemsize * numbers)

    def explain_batch(self, feeds: Feeds, explained: Explained, start: int) -> Explanation:
        """Runs the compiled kernel on inputs in the range that the rules count on."""
        *_, last = self.stages(explained)
        values = np.asarray(feeds.inputs[self.wrt])
        outside = values.min() < self.low or values.max() > self.high
        if outside and any(_is_bounded(rule) for rule in last.rules.values()):
            raise InvalidInputError(
                f"The box rule takes inputs in [{self.low:g}, {self.high:g}]; these run from "
                f"{values.min():g} to {values.max():g}: say low= and high=."
            )
        return super().explain_batch(feeds, explained, start)

    def kernel(self, explained: Explained) -> Callable[[Feeds], Explanation]:
        """Forward through all networks, then backward."""
        stages = self.stages(explained)
        scored = explained.inner or explained
        symbolic = self.graph.graph

        def lrp(feeds: Feeds) -> Explanation:
            value = tf.cast(feeds.inputs[self.wrt], self.dtype)
            names = stages[-1].network.sides
            tensors = [symbolic.get_tensor_by_name(name) for name in names]
            sides = dict(zip(names, fetch(self.graph, feeds, tensors) if names else ()))
            values: list[list[tf.Tensor]] = []
            for stage in reversed(stages):
                values.insert(0, stage.network.values(value, sides))
                value = values[0][-1]
            network = stages[0].network
            weights = tf.cast(_weights(scored, value, feeds), self.dtype)
            relevance = _at_logits(network, weights) * values[0][network.logits][:, None]
            target = total(relevance)
            shares: dict[str, tf.Tensor] = {}
            for stage, held in zip(stages, values):
                network, place = stage.network, stage.network.logits
                shape = (-1, len(explained.names), *network.shapes[place])
                found = propagate(
                    network, stage.rules, stage.facts, held, tf.reshape(relevance, shape), place
                )
                relevance = found.source
                for name, share in found.shares.items():
                    shares[name] = shares[name] + share if name in shares else share
            delta = total(relevance) - target
            return Explanation(relevance, delta, shares)

        return lrp

    def _explained(self, target: Target | None) -> Explained:
        explained = super()._explained(target)
        scored = explained.inner or explained
        if not scored.linear or scored.inner is not None:
            raise UsageError(
                f"LRP starts from a weighted sum of a layer's elements, which "
                f"{type(target).__name__} is not: explain Latent, Output, ClassLogit, Unit, "
                f"Pixels or Discriminator."
            )
        return explained

    def _networks(self, explained: Explained) -> list[Network]:
        source, (target,) = self.graph.inputs[self.wrt], explained.fetches
        networks = [read(self.graph, source, target)]
        if explained.inner is not None:
            graph, (target,) = explained.inner.graph, explained.inner.fetches
            (source,) = graph.inputs.values()
            networks.insert(0, read(graph, source, target))
            if networks[0].sides:
                raise UsageError(
                    f"The model of the target draws random numbers ({networks[0].sides[0]}): "
                    f"explain one that gives the same score whenever it sees an image."
                )
        return networks

    def _stage(self, network: Network, layers: Mapping[str, Rule], *, is_generated: bool) -> Stage:
        is_image = is_generated or self.wrt == "image"
        low, high = (0.0, 1.0) if is_generated else (self.low, self.high)
        known = facts.learn(network, low, high, is_nonnegative=is_image)
        return Stage(network, composites.assign(network, known, self.composite, layers), known)


def _weights(explained: Explained, value: tf.Tensor, feeds: Feeds) -> tf.Tensor:
    """How much each element of the fetched tensor counts for each target, (n or 1, T, ...)."""
    shape = value.shape[1:]
    if explained.columns is not None:
        chosen = tf.one_hot(feeds.shared[0], int(np.prod(shape)))
        return tf.reshape(chosen, (1, -1, *shape))
    at = tf.zeros(tf.shape(value))
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
        tape.watch(at)
        scores = explained.read((at,), feeds.inputs, *feeds.shared, *feeds.rows)
        columns = tf.unstack(scores, len(explained.names), axis=1)
    return tf.stack([tape.gradient(column, at) for column in columns], axis=1)


def _at_logits(network: Network, weights: tf.Tensor) -> tf.Tensor:
    """Weights of a network's output (n or 1, T, ...) as weights of its logits.

    Elements correspond one to one. Where the output falls as the logit rises, as in 1 -
    sigmoid(x), the weight changes its sign.
    """
    for step in reversed(network.steps[network.logits :]):
        if step.weights is not None:
            weights *= tf.constant(np.sign(step.weights), weights.dtype)
        weights = tf.reshape(weights, (-1, weights.shape[1], *network.shapes[step.inputs[0]]))
    return weights


def _is_bounded(rule: Rule) -> bool:
    return any(part.inputs == "minus_low" for group in rule.groups for part in group.parts)
