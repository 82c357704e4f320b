"""What the comparison of attacks and explanations looks at: adversarial images, and maps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attacks import Adversarial, Universal, create
from tfgenxai.attacks.victim import Victim
from tfgenxai.compare.panel import OPTIONS
from tfgenxai.metrics.relevance import relevance_maps
from tfgenxai.targets import ClassLogit

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

#: The largest change of a pixel (the usual one for MNIST), and the length of a whole change.
EPS, LENGTH = 0.3, 2.0
#: The attack as the page calls it -> its registered name, its options.
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "fgsm": ("fgsm", {"eps": EPS}),
    "pgd": ("pgd", {"eps": EPS}),
    "pgd-l2": ("pgd", {"eps": LENGTH, "norm": "l2"}),
    "deepfool": ("deepfool", {}),
    "universal": ("universal", {"eps": EPS, "passes": 3}),
}
METHODS = ("saliency", "integrated_gradients", "grad_cam", "lrp", "shap", "cluster_vi")
#: Methods that fit a model to every image explain fewer of them.
FEWER = {"cluster_vi": 40}
_SAMPLES = {"shap": {"samples": 128}}
#: Training images that the universal perturbation is learned from, at most; else as many as are
#: attacked.
TRAINING = 100


@dataclass(frozen=True)
class Material:
    """Arrays of one classifier.

    Attributes:
        victim: the classifier.
        images, labels: test images (N, H, W, C) and their digits.
        seen: the class that the classifier sees, (N,), which is attacked and explained.
        found: attack -> what it made.
        sizes: attack -> (N, H, W), how much it wants of each pixel: |delta|, and for FGSM, whose
            |delta| is the same wherever it moves, the gradient of which it takes the sign.
        maps: method -> (n, H, W), sizes of relevance for the class seen; n is N, or of `FEWER`.
    """

    victim: Victim
    images: np.ndarray
    labels: np.ndarray
    seen: np.ndarray
    found: dict[str, Adversarial]
    sizes: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    universal: np.ndarray


def gather(
    subjects: Subjects,
    *,
    size: int,
    seed: int,
    methods: Sequence[str],
    done: Callable[[int], object],
) -> Material:
    """All attacks, and all maps, on the first `size` test images."""
    graph = subjects.classifier["classify"]
    images, labels = subjects.grey(size), subjects.labels(size)
    victim = Victim(graph)
    found, universal = {}, None
    for name, (registered, options) in ATTACKS.items():
        extra: dict[str, Any] = {}
        if registered == "universal":
            extra["training"] = subjects.train(min(TRAINING, size)).images
        attack: Any = create(registered, graph, **options, **extra, seed=seed)
        found[name] = attack(images, progress=False)
        if isinstance(attack, Universal):
            universal = attack.perturbation
        done(1)
    assert universal is not None  # it is among `ATTACKS`
    seen = found["fgsm"].seen
    sizes = {name: each.sizes for name, each in found.items()}
    sizes["fgsm"] = np.abs(victim.slope(images, seen)).sum(axis=-1)
    maps = {}
    for name in methods:
        maps[name] = explained(name, graph, images, seen, seed)
        done(1)
    return Material(victim, images, labels, seen, found, sizes, maps, universal)


def explained(
    name: str, graph: Graph, images: np.ndarray, seen: np.ndarray, seed: int
) -> np.ndarray:
    """Sizes of relevance for the class seen, (n, H, W), as large as the images."""
    from tfgenxai.attribution import create as method_of

    count = min(FEWER.get(name, len(images)), len(images))
    method = method_of(name, graph, **OPTIONS.get(name, {}) | _SAMPLES.get(name, {}), seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf-keras-vis' and scikit-image's, on black images
        found = method(images[:count], ClassLogit(seen[:count]), progress=False)
    return np.abs(relevance_maps(found))
