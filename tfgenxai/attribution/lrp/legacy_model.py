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
from tfgenxai.attribution.lrp.network import Network
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
        places: (D,), where each element of the target is in the flattened output of the layers.
        message: the layers as the worker takes them, with a small batch to try them on.
    """

    layers: Sequence[KerasLayer]
    places: np.ndarray
    message: Message

    @classmethod
    def of(cls, graph: Graph, source: tf.Tensor, target: tf.Tensor) -> LegacyModel:
        """What leads from one tensor of a graph to another.

        Raises:
            UsageError: LRP or Keras knows nothing that computes this.
        """
        network, places = _beginning(read(graph, source, target))
        layers = keras_layers(network)
        return cls(layers, places, _message(network, layers))


def _beginning(network: Network) -> tuple[Network, np.ndarray]:
    """The part of a network that iNNvestigate is to see, and where the target's elements are in it.

    A final softmax, sigmoid or tanh is left out, with what rescales it, and so is what then only
    picks or moves elements, as the split of an encoder's last layer into mean and logvar.
    """
    end = network.logits
    moves = []
    while end and network.steps[end - 1].options.get("how") in _MOVES:
        moves.append(network.steps[end - 1])
        end = moves[-1].inputs[0]
    shapes = network.shapes[: end + 1]
    places = tf.reshape(tf.range(np.prod(shapes[end], dtype=int)), (1, *shapes[end]))
    for step in reversed(moves):
        places = ops.forward(step, [places], network.shapes[step.output])
    return replace(network, steps=network.steps[:end], shapes=shapes), places.numpy().ravel()


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
