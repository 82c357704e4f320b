"""The part of a graph that iNNvestigate explains, ready to be sent to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfgenxai.attribution.lrp import ops
from tfgenxai.attribution.lrp.keras_layers import KerasLayer, keras_layers
from tfgenxai.attribution.lrp.messages import Message
from tfgenxai.attribution.lrp.network import Network, Step
from tfgenxai.attribution.lrp.read import read

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

# Routes whose output consists of elements of the input.
_MOVES = frozenset({"reshape", "transpose", "slice", "gather", "tile", "broadcast"})


@dataclass(frozen=True, eq=False)
class LegacyModel:
    """Keras 2 layers.

    Attributes:
        layers: in the order of execution.
        rescaling: affine steps that come before the layers; see `of`.
        places: (D,), where each element of the target is in the flattened output of the layers.
        signs: (D,), 1, or -1 where the target falls when that output rises.
        message: the layers as the worker takes them, with a small batch to try them on.
    """

    layers: Sequence[KerasLayer]
    rescaling: Sequence[Step]
    places: np.ndarray
    signs: np.ndarray
    message: Message

    @classmethod
    def of(
        cls, graph: Graph, source: tf.Tensor, target: tf.Tensor, *, is_rescaled: bool
    ) -> LegacyModel:
        """What leads from one tensor of a graph to another.

        Args:
            is_rescaled: whether the layers start after what rescales the source, element by
                element, as [0, 1] to [-1, 1]: the units of an image are no layer that relevance
                goes through. Otherwise they start at the source.

        Raises:
            UsageError: LRP or Keras knows nothing that computes this.
        """
        network, places, signs = _start(read(graph, source, target))
        rescaling = []
        while is_rescaled and _rescales(network):
            rescaling.append(network.steps[0])
            network = _without_first(network)
        layers = keras_layers(network)
        return cls(layers, rescaling, places, signs, _message(network, layers))

    def rescaled(self, inputs: np.ndarray) -> np.ndarray:
        """What the layers take, from values of the source (n, ...)."""
        value = tf.constant(inputs, tf.float32)
        for step in self.rescaling:
            value = ops.forward(step, [value], inputs.shape[1:])
        return value.numpy()


def _start(network: Network) -> tuple[Network, np.ndarray, np.ndarray]:
    """Where relevance starts: the network up to there, and `places` and `signs` of `LegacyModel`.

    A final softmax, sigmoid or tanh is left out, with what rescales it, and so is what then only
    picks or moves elements, as the split of an encoder's last layer into mean and logvar.
    """
    end = network.logits
    signs = np.ones(network.shapes[end])
    for step in network.steps[end:]:
        scale = 1.0 if step.weights is None else np.sign(step.weights)
        signs = signs.reshape(network.shapes[step.output]) * scale
    moves = []
    while end and network.steps[end - 1].options.get("how") in _MOVES:
        moves.append(network.steps[end - 1])
        end = moves[-1].inputs[0]
    shapes = network.shapes[: end + 1]
    places = tf.reshape(tf.range(np.prod(shapes[end], dtype=int)), (1, *shapes[end]))
    for step in reversed(moves):
        places = ops.forward(step, [places], network.shapes[step.output])
    start = replace(network, steps=network.steps[:end], shapes=shapes)
    return start, places.numpy().ravel(), signs.ravel()


def _rescales(network: Network) -> bool:
    """Whether the first step multiplies or shifts the source, and nothing else reads that."""
    kinds = [step.kind for step in network.steps if 0 in step.inputs]
    return kinds == ["affine"] and network.steps[0].kind == "affine" and len(network.steps) > 1


def _without_first(network: Network) -> Network:
    steps = [
        replace(step, inputs=tuple(place - 1 for place in step.inputs), output=step.output - 1)
        for step in network.steps[1:]
    ]
    return replace(network, steps=tuple(steps), shapes=network.shapes[1:])


def _message(network: Network, layers: Sequence[KerasLayer]) -> Message:
    described = [
        {
            "kind": layer.kind,
            "config": layer.config,
            "inputs": layer.inputs,
            "weights": len(layer.weights),
        }
        for layer in layers
    ]
    header = {"task": "network", "shape": network.shapes[0], "layers": described}
    sample = np.random.default_rng(0).standard_normal((3, *network.shapes[0])).astype(np.float32)
    expected = network.forward(tf.constant(sample)).numpy()
    arrays = {
        f"{i}.{j}": np.asarray(weight, np.float32)
        for i, layer in enumerate(layers)
        for j, weight in enumerate(layer.weights)
    } | {"sample": sample, "expected": expected.reshape(len(sample), -1)}
    key = hashlib.sha256(json.dumps(header).encode())
    for array in arrays.values():
        key.update(array.tobytes())
    return Message({**header, "network": key.hexdigest()}, arrays)
