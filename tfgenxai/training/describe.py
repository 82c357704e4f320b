"""What the model card says of a training run."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.training.fit import Trained

PACKAGES = ("tensorflow", "keras", "numpy", "tfgenxai")


def describe(trained: Trained, name: str, images: ImageData, command: str) -> dict[str, Any]:
    """The card of a trained model, before any test metrics: plain JSON values only."""
    model, settings = trained.model, asdict(trained.settings)
    settings.pop("data")
    rate = model.optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):
        rate = rate["config"]["initial_learning_rate"]
    return {
        "name": name,
        "architecture": model.architecture(),
        "layers": layer_rows(model),
        "data": {
            "name": images.name,
            "source": images.source,
            "images": len(images),
            "binarized": model.binarizes,
            **{k: v for k, v in trained.settings.data.items() if k in ("seed", "only")},
        },
        "training": settings
        | {
            "command": command,
            "optimizer": type(model.optimizer).__name__,
            "initial_learning_rate": float(rate),
            "seconds": round(sum(row["seconds"] for row in trained.history), 1),
            "history": trained.history,
        },
        "metrics": {},
        "versions": {package: version(package) for package in PACKAGES}
        | {"python": platform.python_version()},
    }


def layer_rows(model: keras.Model) -> list[dict[str, Any]]:
    """Name, kind, output shape and parameters of every layer, networks in their order.

    Of what is exported: a generator of which a running average draws is not, nor is what spectral
    normalisation keeps beside a kernel.
    """
    averaged = getattr(model, "averaged", None) is not None
    networks = [
        network
        for network in model.layers
        if isinstance(network, keras.Model)
        and not _is_view(network, model)
        and not (averaged and network is model.generator)
    ]
    return [
        {
            "network": network.name,
            "name": layer.name,
            "kind": type(_plain(layer)).__name__,
            "output_shape": _shape(layer),
            "parameters": _plain(layer).count_params(),
        }
        for network in networks
        for layer in network.layers
    ]


def _plain(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer that one of Keras' wrappers holds, or the layer itself."""
    return layer.layer if isinstance(layer, keras.layers.Wrapper) else layer


def _is_view(network: keras.Model, model: keras.Model) -> bool:
    """Whether every layer of `network` is also another network's (the decoder up to its logits)."""
    others = [other for other in model.layers if other is not network and hasattr(other, "layers")]
    return any(
        len(other.layers) > len(network.layers) and set(network.layers) <= set(other.layers)
        for other in others
    )


def _shape(layer: keras.layers.Layer) -> list[int | None] | None:
    output = layer.output
    return None if isinstance(output, list | tuple) else list(output.shape)
