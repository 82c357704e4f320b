"""Attribution methods: an input and a target in, relevance out.

    method = LatentGradCAM(graph, layer="encoder_conv_3")
    attribution = method(images, Latent.all())

`METHODS` is the registry: name -> (module, class). Importing this package loads no method.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import TYPE_CHECKING, Any

from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.attribution.base import Attribution, Method
    from tfgenxai.attribution.grad_cam import GradCAM
    from tfgenxai.attribution.latent_grad_cam import LatentGradCAM
    from tfgenxai.attribution.saliency import Saliency
    from tfgenxai.graph import Graph

METHODS: dict[str, tuple[str, str]] = {
    "saliency": ("saliency", "Saliency"),
    "grad_cam": ("grad_cam", "GradCAM"),
    "latent_grad_cam": ("latent_grad_cam", "LatentGradCAM"),
}

_HOMES = {
    "Attribution": "result",
    "Method": "base",
    **{name: module for module, name in METHODS.values()},
}

__all__ = [
    "METHODS",
    "Attribution",
    "GradCAM",
    "LatentGradCAM",
    "Method",
    "Saliency",
    "create",
    "method_class",
]


def method_class(name: str) -> type[Method]:
    """The class of the method registered under this name.

    Raises:
        UsageError: no method has this name.
    """
    if name not in METHODS:
        close = difflib.get_close_matches(name, METHODS, n=2) or METHODS
        raise UsageError(f"No attribution method is called {name!r}; try {', '.join(close)}.")
    return getattr(_module(METHODS[name][0]), METHODS[name][1])


def create(name: str, graph: Graph, **options: Any) -> Method:
    """The method registered under this name, on this graph.

    Raises:
        UsageError: no method has this name, or the method does not take these options.
    """
    found = method_class(name)
    known = inspect.signature(found).parameters
    if unknown := [option for option in options if option not in known]:
        raise UsageError(
            f"{name} has no option {', '.join(unknown)}; it has {', '.join([*known][1:])}."
        )
    return found(graph, **options)


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
