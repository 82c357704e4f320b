"""Targets that activation maximisation climbs besides those of `tfgenxai.targets`."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from tfgenxai.targets import Scalar


def layer_energy(layer: str) -> Scalar:
    """The mean square of all activations of a layer (Mordvintsev et al. 2015, "DeepDream")."""

    def energy(values: Mapping[str, tf.Tensor]) -> tf.Tensor:
        found = values[layer]
        return tf.reduce_mean(tf.square(found), axis=tuple(range(1, found.shape.rank)))

    return Scalar(energy, (layer,), f"{layer} energy")
