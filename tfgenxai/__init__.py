"""Explain generative image models in TensorFlow.

    import tfgenxai
    encode = tfgenxai.load("cvae")["encode"]
    method = tfgenxai.LatentGradCAM(encode, layer="encoder_conv_1")
    maps = method(images, tfgenxai.Latent.all())

Names are imported when they are first used, so that `import tfgenxai` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "tfgenxai.saved.read": ("SavedModel", "load"),
    "tfgenxai.saved.write": ("export",),
    "tfgenxai.graph": ("Graph",),
    "tfgenxai.attribution": (
        "Attribution",
        "Deconvnet",
        "GradCAM",
        "GradCAMPlusPlus",
        "GradientInput",
        "GuidedBackprop",
        "GuidedGradCAM",
        "INNvestigate",
        "IntegratedGradients",
        "LIME",
        "LRP",
        "LatentAnomalyCAM",
        "LatentGradCAM",
        "LayerCAM",
        "Occlusion",
        "RISE",
        "SHAP",
        "Saliency",
        "ScoreCAM",
        "SmoothGrad",
        "VarGrad",
    ),
    "tfgenxai.latent": ("PCA", "TSNE", "UMAP"),
    "tfgenxai.targets": (
        "ClassLogit",
        "Discriminator",
        "Latent",
        "NegativeElbo",
        "Output",
        "Pixels",
        "ReconstructionError",
        "Scalar",
        "Unit",
    ),
    "tfgenxai.writing": ("write",),
    "tfgenxai.errors": ("TfgenxaiError",),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}
_SUBPACKAGES = (
    "attacks",
    "attribution",
    "compare",
    "data",
    "graph",
    "latent",
    "metrics",
    "models",
    "neurons",
    "plots",
    "report",
    "saved",
    "targets",
    "tensorboard",
    "training",
    "writing",
)

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"tfgenxai.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'tfgenxai' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_SUBPACKAGES])
