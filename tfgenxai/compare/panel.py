"""The methods that comparisons run side by side, with options that end in reasonable time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfgenxai.attribution import Method
    from tfgenxai.graph import Graph

OPTIONS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 20},
    "smooth_grad": {"samples": 20},
    "var_grad": {"samples": 20},
    "rise": {"masks": 500},
    "shap": {"background": 0.0, "segments": 20},
    "lime": {"segments": 20, "samples": 200},
    "cluster_vi": {"variant": "pixels"},
}
#: Their values depend on a seed.
RANDOM = ("smooth_grad", "var_grad", "rise", "shap", "lime")
ON_IMAGES = (
    "saliency",
    "gradient_input",
    "integrated_gradients",
    "smooth_grad",
    "var_grad",
    "guided_backprop",
    "deconvnet",
    "guided_grad_cam",
    "grad_cam",
    "grad_cam_plus_plus",
    "score_cam",
    "layer_cam",
    "lrp",
    "occlusion",
    "rise",
    "shap",
    "lime",
)
#: Besides those on images: they ask what makes a class.
ON_CLASSIFIERS = ("cluster_vi",)
ON_CODES = ("saliency", "gradient_input", "integrated_gradients", "lrp", "occlusion", "shap")


def built(name: str, graph: Graph, seed: int = 0) -> Method:
    """The method `name` on a graph, with the options of the panel."""
    from tfgenxai.attribution import create

    return create(name, graph, **OPTIONS.get(name, {}), seed=seed)
