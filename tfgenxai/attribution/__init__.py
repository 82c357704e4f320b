"""Attribution methods: an input and a target in, relevance out.

    method = LatentGradCAM(graph, layer="encoder_conv_3")
    attribution = method(images, Latent.all())

`METHODS` is the registry. Importing this package loads no method.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.attribution.base import Attribution, Method
    from tfgenxai.attribution.cluster_vi import ClusterVI
    from tfgenxai.attribution.deconvnet import Deconvnet
    from tfgenxai.attribution.grad_cam import GradCAM
    from tfgenxai.attribution.grad_cam_plus_plus import GradCAMPlusPlus
    from tfgenxai.attribution.gradient_input import GradientInput
    from tfgenxai.attribution.guided_backprop import GuidedBackprop
    from tfgenxai.attribution.guided_grad_cam import GuidedGradCAM
    from tfgenxai.attribution.integrated_gradients import IntegratedGradients
    from tfgenxai.attribution.latent_anomaly_cam import LatentAnomalyCAM
    from tfgenxai.attribution.latent_grad_cam import LatentGradCAM
    from tfgenxai.attribution.layer_cam import LayerCAM
    from tfgenxai.attribution.lime import LIME
    from tfgenxai.attribution.lrp.innvestigate import INNvestigate
    from tfgenxai.attribution.lrp.method import LRP
    from tfgenxai.attribution.occlusion import Occlusion
    from tfgenxai.attribution.rise import RISE
    from tfgenxai.attribution.saliency import Saliency
    from tfgenxai.attribution.score_cam import ScoreCAM
    from tfgenxai.attribution.shap import SHAP
    from tfgenxai.attribution.smooth_grad import SmoothGrad
    from tfgenxai.attribution.var_grad import VarGrad
    from tfgenxai.graph import Graph


class Entry(NamedTuple):
    """A registered method: where it is, and what `tfgenxai methods` says of it.

    Attributes:
        module, cls: the class, and the module below this package that holds it.
        summary: what it gives, in a line.
        source: who proposed it, and what computes it where that is another package.
    """

    module: str
    cls: str
    summary: str
    source: str


METHODS: dict[str, Entry] = {
    "saliency": Entry(
        "saliency", "Saliency", "absolute gradient |df/dx|", "Simonyan, Vedaldi and Zisserman 2014"
    ),
    "gradient_input": Entry(
        "gradient_input", "GradientInput", "gradient times input", "Shrikumar et al. 2016"
    ),
    "integrated_gradients": Entry(
        "integrated_gradients",
        "IntegratedGradients",
        "gradients along the way from a baseline, which add up to the change of the target",
        "Sundararajan, Taly and Yan 2017",
    ),
    "smooth_grad": Entry(
        "smooth_grad", "SmoothGrad", "mean gradient over noisy inputs", "Smilkov et al. 2017"
    ),
    "var_grad": Entry(
        "var_grad", "VarGrad", "variance of the gradient over noisy inputs", "Adebayo et al. 2018"
    ),
    "guided_backprop": Entry(
        "guided_backprop",
        "GuidedBackprop",
        "gradient that passes active neurons only, and only where it is positive",
        "Springenberg et al. 2015",
    ),
    "deconvnet": Entry(
        "deconvnet",
        "Deconvnet",
        "gradient that passes where it is positive",
        "Zeiler and Fergus 2014",
    ),
    "guided_grad_cam": Entry(
        "guided_grad_cam",
        "GuidedGradCAM",
        "guided backpropagation times the Grad-CAM map",
        "Selvaraju et al. 2017; tf-keras-vis",
    ),
    "grad_cam": Entry(
        "grad_cam",
        "GradCAM",
        "feature maps of a layer, weighed by their mean gradient",
        "Selvaraju et al. 2017; tf-keras-vis",
    ),
    "grad_cam_plus_plus": Entry(
        "grad_cam_plus_plus",
        "GradCAMPlusPlus",
        "feature maps, weighed by a mean of their positive gradients",
        "Chattopadhyay et al. 2018; tf-keras-vis",
    ),
    "score_cam": Entry(
        "score_cam",
        "ScoreCAM",
        "feature maps, weighed by the target of the input that each masks",
        "Wang et al. 2020; tf-keras-vis",
    ),
    "layer_cam": Entry(
        "layer_cam",
        "LayerCAM",
        "feature maps, weighed place by place by their positive gradient",
        "Jiang et al. 2021; tf-keras-vis",
    ),
    "latent_grad_cam": Entry(
        "latent_grad_cam",
        "LatentGradCAM",
        "Grad-CAM of all latent coordinates together",
        "Liu et al. 2020",
    ),
    "latent_anomaly_cam": Entry(
        "latent_anomaly_cam",
        "LatentAnomalyCAM",
        "where an image differs from the images that a VAE was trained on",
        "Liu et al. 2020",
    ),
    "lrp": Entry(
        "lrp.method",
        "LRP",
        "relevance that every layer hands on by a rule, and that adds up to the target",
        "Bach et al. 2015; Montavon et al. 2019",
    ),
    "innvestigate": Entry(
        "lrp.innvestigate",
        "INNvestigate",
        "LRP and its relatives by iNNvestigate, on the layers of the frozen graph",
        "Alber et al. 2019; iNNvestigate",
    ),
    "occlusion": Entry(
        "occlusion",
        "Occlusion",
        "fall of the target when a patch is hidden",
        "Zeiler and Fergus 2014",
    ),
    "rise": Entry(
        "rise", "RISE", "mean target over random masks that leave a pixel", "Petsiuk et al. 2018"
    ),
    "shap": Entry(
        "shap",
        "SHAP",
        "Shapley values of pixels, superpixels or latent coordinates",
        "Lundberg and Lee 2017; shap",
    ),
    "lime": Entry(
        "lime",
        "LIME",
        "a sparse linear model of the target near the input",
        "Ribeiro, Singh and Guestrin 2016; lime",
    ),
    "cluster_vi": Entry(
        "cluster_vi",
        "ClusterVI",
        "what a mixture fitted to one image and its class is unsure of, and its clusters",
        "Blei, Kucukelbir and McAuliffe 2017, made to explain an image",
    ),
}

_HOMES = {
    "Attribution": "result",
    "Method": "base",
    **{entry.cls: entry.module for entry in METHODS.values()},
}

__all__ = [
    "METHODS",
    "Attribution",
    "ClusterVI",
    "Deconvnet",
    "Entry",
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
    "Method",
    "Occlusion",
    "RISE",
    "SHAP",
    "Saliency",
    "ScoreCAM",
    "SmoothGrad",
    "VarGrad",
    "create",
    "method_class",
    "method_entry",
]


def method_class(name: str) -> type[Method]:
    """The class of the method registered under this name.

    Raises:
        UsageError: no method has this name.
    """
    entry = method_entry(name)
    return getattr(_module(entry.module), entry.cls)


def method_entry(name: str) -> Entry:
    """What the registry says of a method; loads nothing.

    Raises:
        UsageError: no method has this name.
    """
    if name not in METHODS:
        close = difflib.get_close_matches(name, METHODS, n=2) or METHODS
        raise UsageError(f"No attribution method is called {name!r}; try {', '.join(close)}.")
    return METHODS[name]


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
