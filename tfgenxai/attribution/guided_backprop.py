"""Guided backpropagation: the gradient through active neurons that raise the target."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgenxai.attribution.rectifiers import RectifiedBackprop

_DERIVATIVES: dict[str, Callable[[tf.Operation, tf.Tensor], tf.Tensor]] = {
    "Relu": lambda op, g: tf.raw_ops.ReluGrad(gradients=g, features=op.outputs[0]),
    "Relu6": lambda op, g: tf.raw_ops.Relu6Grad(gradients=g, features=op.outputs[0]),
    "LeakyRelu": lambda op, g: tf.raw_ops.LeakyReluGrad(
        gradients=g, features=op.inputs[0], alpha=op.get_attr("alpha")
    ),
    "Elu": lambda op, g: tf.raw_ops.EluGrad(gradients=g, outputs=op.outputs[0]),
    "Selu": lambda op, g: tf.raw_ops.SeluGrad(gradients=g, outputs=op.outputs[0]),
}


class GuidedBackprop(RectifiedBackprop):
    """df/dx by a backward pass that drops, at every rectifier y = s(x), what is not positive.

    The gradient g of y becomes g * s'(x) where x > 0 and g > 0, and 0 elsewhere (Springenberg et
    al., "Striving for Simplicity", 2015, section 3.4, for ReLU; for the other rectifiers see
    `rectifiers`).

    Args:
        graph, wrt, seed: see `Method`.

    Raises:
        UsageError, of a call: no rectifier is between input and target.
    """

    name = "guided_backprop"

    @staticmethod
    def rule(op: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
        """The derivative where the neuron is active and the gradient of its output positive."""
        active = tf.cast(op.inputs[0] > 0, gradient.dtype)
        return active * _DERIVATIVES[op.type](op, tf.nn.relu(gradient))
