"""Deconvnet: the backward pass of a network whose neurons hand on what raises the target."""

from __future__ import annotations

import tensorflow as tf

from tfgenxai.attribution.rectifiers import RectifiedBackprop


class Deconvnet(RectifiedBackprop):
    """df/dx by a backward pass that rectifies the gradient in place of the activation.

    The gradient g of every rectifier's output becomes max(g, 0), whether the neuron was active or
    not (Zeiler and Fergus 2014, section 2.1; as a gradient, Simonyan et al. 2014, section 4). Max
    pooling goes back to the places of the maxima, as in the original.

    Args:
        graph, wrt, seed: see `Method`.

    Raises:
        UsageError, of a call: no rectifier is between input and target.
    """

    name = "deconvnet"

    @staticmethod
    def rule(op: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
        """The gradient of the output where it is positive, whatever the input was."""
        return tf.nn.relu(gradient)
