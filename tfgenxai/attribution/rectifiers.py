"""Another rule for rectifiers: what guided backpropagation and deconvnet share.

Both were defined for ReLU. The other rectifiers are treated as what they resemble: a neuron is
active where its input is positive. All other activations keep their derivative.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfgenxai.attribution.gradients import GradientMethod
from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError
from tfgenxai.explained import Explained, Feeds
from tfgenxai.graph.control_flow import BRANCHES

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

RECTIFIERS = ("Relu", "Relu6", "LeakyRelu", "Elu", "Selu")


class RectifiedBackprop(GradientMethod):
    """df/dx by a changed backward pass, through the target's `model` too where it has one.

    Args:
        graph, wrt, seed: see `Method`.
    """

    def __init__(self, graph: Graph, *, wrt: str | None = None, seed: int = 0) -> None:
        super().__init__(graph, wrt=wrt, seed=seed)
        self._changed: dict[Graph, Graph] = {}
        self.graph = self._change(graph)

    @staticmethod
    @abstractmethod
    def rule(op: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
        """The gradient of a rectifier's input, made of that of its output."""

    def kernel(self, explained: Explained) -> Callable[[Feeds], tf.Tensor]:
        """The derivative."""
        return lambda feeds: self.slopes(explained, feeds)

    def _change(self, graph: Graph) -> Graph:
        if graph not in self._changed:
            self._changed[graph] = graph.with_gradients(dict.fromkeys(RECTIFIERS, self.rule))
        return self._changed[graph]

    def _explained(self, target: Any) -> Explained:
        model = getattr(target, "model", None)
        if model is not None:
            target = replace(target, model=self._change(model))
        explained = super()._explained(target)
        self._check(explained, model)
        return explained

    def _check(self, explained: Explained, model: Graph | None) -> None:
        """Raises UsageError where no rectifier is between input and target, or half of one."""
        between = dependants(self.graph.inputs[self.wrt], explained.fetches).values()
        operations = [tensor.op for tensor in between]
        if model is not None:
            operations += model.graph.get_operations()
        kinds = {op.type for op in operations}
        if not kinds.isdisjoint(BRANCHES):
            for graph in filter(None, (self.graph, model)):
                for function in graph.graph_def.library.function:
                    kinds.update(node.op for node in function.node_def)
        if kinds.isdisjoint(RECTIFIERS):
            raise UsageError(
                f"There is no ReLU, nor a relative of it, between {self.wrt!r} and "
                f"{explained.names[0]}, so that {self.name} would be the gradient: use saliency."
            )
        for op in filter(_is_negative_half, operations):
            raise UsageError(
                f"{op.name!r} is the negative half of an activation that is made of two ReLUs, as "
                f"PReLU is, for which {self.name} is not defined: use saliency."
            )


def _is_negative_half(op: tf.Operation) -> bool:
    """Whether this is relu(-x) beside a relu(x)."""
    if op.type != "Relu" or op.inputs[0].op.type != "Neg":
        return False
    readers = op.inputs[0].op.inputs[0].consumers()
    return any(reader.type in RECTIFIERS for reader in readers)
