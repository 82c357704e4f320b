"""The pictures of a model in TensorBoard: heatmaps, traversals, samples, reconstructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attribution import GradCAM, LatentGradCAM, Saliency
from tfgenxai.errors import LayerNotFoundError
from tfgenxai.explained import find_output
from tfgenxai.latent.walks import manifold, strongest, traversal
from tfgenxai.targets import ClassLogit, Discriminator, Latent, ReconstructionError
from tfgenxai.tensorboard.subject import Subject, computed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Tag -> what draws it: a figure, or images (N, H, W, C) to be tiled.
Pictures = dict[str, "Callable[[], Figure | np.ndarray]"]

_IMAGES = 5
_LATENTS = 4
_SAMPLES = 64
_RESTORED = 8
# Codes that tell which of a generator's coordinates change its images most.
_PROBES = 4


def heatmaps(subject: Subject) -> Pictures:
    """Where encoder, discriminator and classifier look."""
    makers = {
        "encode": {"latent_grad_cam": _latent_grad_cam, "latent_saliency": _latent_saliency},
        "reconstruct": {"reconstruction_saliency": _reconstruction_saliency},
        "discriminate": {"discriminator_grad_cam": _discriminator_grad_cam},
        "classify": {"class_grad_cam": _class_grad_cam, "class_saliency": _class_saliency},
    }
    return {
        f"heatmaps/{name}": _bound(draw, subject)
        for signature, named in makers.items()
        if signature in subject.graphs
        for name, draw in named.items()
    }


def traversals(subject: Subject) -> Pictures:
    """What the images become along single latents."""
    if not subject.draws:
        return {}
    if "encode" not in subject.graphs:
        return {"traversals/coordinates": _bound(_generator_traversal, subject)}
    found = {
        f"traversals/image_{row}": _bound(_latent_traversal, subject, row)
        for row in _shown(subject)[:2]
    }
    if len(subject.information) == 2 and not subject.generator.conditional:
        found["traversals/manifold"] = _bound(_manifold, subject)
    return found


def samples(subject: Subject) -> Pictures:
    """What the model draws of codes of its prior, and what it restores."""
    found: Pictures = {}
    if subject.draws and subject.has_prior:
        found["samples"] = lambda: subject.drawn[:_SAMPLES]
    if "reconstruct" in subject.graphs:
        found["reconstructions"] = _bound(_reconstructions, subject)
    return found


def _bound(draw: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: draw(*arguments)


def _shown(subject: Subject) -> list[int]:
    """Rows of a few images, each of another label where there are labels."""
    if subject.labels is None:
        return list(range(min(_IMAGES, len(subject.images))))
    first = np.unique(subject.labels, return_index=True)[1]
    return [int(row) for row in first[:_IMAGES]]


def _latent_grad_cam(subject: Subject) -> Figure:
    rows, latents = _shown(subject), subject.most_active[:_LATENTS]
    encode = subject.graphs["encode"]
    maps = LatentGradCAM(encode)(subject.given(encode, rows), Latent.all(), progress=False)
    title = f"Latent Grad-CAM at {maps.layer}"
    return plots.latent_heatmaps(subject.images[rows], maps, latents, title=title)


def _latent_saliency(subject: Subject) -> Figure:
    rows, latents = _shown(subject), subject.most_active[:_LATENTS]
    encode = subject.graphs["encode"]
    given = subject.given(encode, rows)
    maps = Saliency(encode)(given, Latent(tuple(latents)), progress=False)
    return plots.overlay(maps, subject.images[rows], over=False, title="Saliency of latents")


def _reconstruction_saliency(subject: Subject) -> Figure:
    rows, graph = _shown(subject), subject.graphs["reconstruct"]
    maps = Saliency(graph)(subject.given(graph, rows), ReconstructionError(), progress=False)
    title = "Saliency of the error"
    return plots.overlay(maps, subject.images[rows], over=False, target_names=[""], title=title)


def _discriminator_grad_cam(subject: Subject) -> Figure:
    rows = _shown(subject)
    images = np.concatenate([subject.images[rows], subject.drawn[:_IMAGES]])
    given = subject.judged(rows, _IMAGES)
    maps = GradCAM(subject.graphs["discriminate"])(given, Discriminator(), progress=False)
    names = ["real"] * len(rows) + ["drawn"] * (len(images) - len(rows))
    return plots.overlay(maps, images, row_names=names, title="Evidence for real")


def _class_grad_cam(subject: Subject) -> Figure:
    return _of_predicted(subject, GradCAM, "Grad-CAM", over=True)


def _class_saliency(subject: Subject) -> Figure:
    return _of_predicted(subject, Saliency, "Saliency", over=False)


def _of_predicted(subject: Subject, method: Any, title: str, over: bool) -> Figure:
    graph = subject.graphs["classify"]
    images = subject.images[_shown(subject)]
    predicted = subject.probabilities(graph, images).argmax(axis=1)
    maps = method(graph)(images, ClassLogit(predicted), progress=False)
    names = [f"class {k}" for k in predicted]
    return plots.overlay(
        maps, images, row_names=names, target_names=["predicted class"], over=over, title=title
    )


def _latent_traversal(subject: Subject, row: int) -> Figure:
    means, latents = subject.posterior[0], subject.most_active[:_LATENTS]
    label = None if subject.labels is None else subject.labels[row]
    generator = subject.generator
    walk = traversal(
        generator.graph, means[row], latents, within=means, extra=generator.extra(label)
    )
    encode = subject.graphs["encode"]
    given = subject.given(encode, [row])
    try:
        method = LatentGradCAM(encode)
    except LayerNotFoundError:  # an encoder without feature maps has no heatmaps
        return plots.latent_traversal(walk.images, walk.values, latents)
    maps = method(given, Latent(tuple(latents)), progress=False)
    return plots.latent_traversal(
        walk.images, walk.values, latents, heatmaps=maps.values[0], image=subject.images[row]
    )


def _generator_traversal(subject: Subject) -> Figure:
    generator, labels = subject.generator, subject.asked
    first = None if labels is None else labels[0]
    probes = None if labels is None else labels[:_PROBES]
    latents = strongest(generator, subject.eps[:_PROBES], probes)[:_LATENTS]
    walk = traversal(
        generator.graph,
        subject.eps[0],
        latents,
        extra=generator.extra(first),
        prior=generator.prior,
    )
    title = "Coordinates that change the images most"
    return plots.latent_traversal(walk.images, walk.values, latents, title=title)


def _manifold(subject: Subject) -> Figure:
    plane = manifold(subject.generator.graph)
    return plots.manifold_2d(plane.images, plane.x.tolist(), plane.y.tolist())


def _reconstructions(subject: Subject) -> Figure:
    graph = subject.graphs["reconstruct"]
    output = find_output(graph, None, ("image",), "TensorBoard")
    rows = list(range(min(_RESTORED, len(subject.images))))
    (restored,) = computed(graph, subject.given(graph, rows), [output])
    return plots.reconstructions(subject.images[rows], np.clip(restored, 0.0, 1.0))
