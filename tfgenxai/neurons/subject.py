"""What `tfgenxai neurons` looks at: a graph, its samples, their classes, a layer, an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution.base import first_input
from tfgenxai.data import ImageData
from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.explain.models import Opened, open_model
from tfgenxai.explain.request import ExplainRequest
from tfgenxai.explain.samples import gather
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.generator import Generator
from tfgenxai.metrics.evaluate import batched
from tfgenxai.neurons import effects
from tfgenxai.neurons.layers import computed_layers
from tfgenxai.neurons.request import NeuronsRequest
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Output

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

_CONVOLUTIONS = ("Conv2D", "Conv2DTranspose", "DepthwiseConv2D")
#: What a recogniser of words gives.
READING = "log_probabilities"


@dataclass(frozen=True)
class Subject:
    """A graph with N samples.

    Attributes:
        request: what was asked for.
        signature, graph: the network.
        wrt: the input that samples are given to.
        values: name of an input -> N samples.
        labels: (N,) classes, from the data set or from the judge; None where neither tells any.
        prior: what makes codes of standard normal draws; None where they are codes, or images.
        judge: a classifier of what the graph draws.
        layer: whose units are looked at.
        about: what the samples are; JSON values.
    """

    request: NeuronsRequest
    signature: str
    graph: Graph
    wrt: str
    values: Mapping[str, Any]
    labels: np.ndarray | None
    prior: Graph | None
    judge: Graph | None
    layer: str
    about: Mapping[str, Any]

    @property
    def takes_images(self) -> bool:
        """Whether the samples are images rather than codes."""
        return self.graph.inputs[self.wrt].shape.rank == 4

    def images(self, count: int | None = None) -> np.ndarray | None:
        """The first images: the samples themselves, or what is drawn of them; None without."""
        samples = self.values[self.wrt][:count]
        if self.takes_images:
            return samples.images if isinstance(samples, ImageData) else np.asarray(samples)
        if "image" not in self.graph.outputs or set(self.graph.inputs) - {self.wrt, "label"}:
            return None
        labels = self.values.get("label")
        extra = {} if labels is None else {"label": labels[:count]}
        return decoded(self.graph, samples, extra=extra)

    def first(self, name: str) -> Any:
        """What the first sample gives another input than the samples' own, such as a label."""
        return np.asarray(self.values[name])[0]

    def effect(self, name: str | None) -> effects.Effect:
        """The effect of this name, or what the graph is for.

        Raises:
            UsageError: it needs labels, and there are none.
        """
        name = name or self._usual_effect()
        if name in ("logit", "accuracy") and self.labels is None:
            raise UsageError(f"--effect {name} needs labels, and these samples have none.")
        if name == "logit":
            return effects.ScoreDrop(ClassLogit(self.labels))
        made: dict[str, Any] = {
            "accuracy": effects.AccuracyDrop,
            "verdict": lambda: effects.VerdictDrop(self.judge),
            "image": effects.ImageChange,
            "latents": lambda: effects.ScoreShift(Latent.all()),
            "discriminator": lambda: effects.ScoreShift(Discriminator()),
            "reading": lambda: effects.ScoreShift(Output(READING)),
        }
        return made[name]()

    def _usual_effect(self) -> str:
        outputs = self.graph.outputs
        if "image" in outputs:
            return "image"
        if "mean" in outputs:
            return "latents"
        if READING in outputs:
            return "reading"
        if "logits" in outputs and outputs["logits"].shape[-1] == 1:
            return "discriminator"
        # What `infer` reads back are codes, whose classes have no labels.
        return "verdict" if self.labels is None or self.signature == "infer" else "logit"


def subject(request: NeuronsRequest) -> Subject:
    """Opens the model and gathers the samples.

    Raises:
        TfgenxaiError: the model, the signature, the layer, a channel or the data is not there.
    """
    for name in ("size", "steps", "restarts"):
        if getattr(request, name) < 1:
            raise UsageError(f"--{name} must be at least 1, not {getattr(request, name)}.")
    if request.seed < 0:
        raise UsageError(f"--seed must be at least 0, not {request.seed}.")
    model = open_model(request.path, trusted=request.trusted)
    names = [request.signature] if request.signature else model.ordered()
    if request.layer:
        model.check_layer(names, request.layer)
        names = [name for name in names if request.layer in model.graphs[name]]
    if not names:
        raise UsageError(f"{model.name} has no signature that takes images or codes.")
    graph = model.graphs[names[0]]
    wrt = first_input(graph)
    layer = request.layer or _usual_layer(graph)
    _check_channels(graph, layer, request.channels)
    asked = ExplainRequest(
        method="neurons",
        path=request.path,
        out=request.out,
        data=request.data,
        source=request.source,
        folder=request.folder,
        size=request.size,
        encoder=request.encoder,
        seed=request.seed,
        trusted=request.trusted,
    )
    samples = gather(asked, graph, wrt, model)
    judge = _judge(request, graph)
    found = Subject(
        request=request,
        signature=names[0],
        graph=graph,
        wrt=wrt,
        values=samples.values,
        labels=samples.labels,
        prior=Generator.of(model.graphs, graph=graph).prior if wrt == "z" else None,
        judge=judge,
        layer=layer,
        about=samples.about,
    )
    return found if samples.labels is not None or judge is None else _judged(found, judge)


def _usual_layer(graph: Graph) -> str:
    """The last convolution with several channels; without one, the last such layer."""
    kinds = {layer.name: layer.kind for layer in graph.layers}
    several = {n: t for n, t in computed_layers(graph).items() if t.shape[-1] > 1}
    outputs = {tensor.name for tensor in graph.outputs.values()}
    hidden = [name for name, tensor in several.items() if tensor.name not in outputs]
    convolutions = [name for name in hidden if kinds[name] in _CONVOLUTIONS]
    if not (hidden or several):
        raise UsageError(f"{graph.name} has no layer with several units: name one with --layer.")
    return (convolutions or hidden or list(several))[-1]


def _check_channels(graph: Graph, layer: str, channels: tuple[int, ...]) -> None:
    (tensor,) = computed_layers(graph, [layer]).values()
    if wrong := [c for c in channels if c >= tensor.shape[-1]]:
        raise UsageError(
            f"There is no channel {wrong[0]} of {layer}: they run from 0 to {tensor.shape[-1] - 1}."
        )


def _judge(request: NeuronsRequest, graph: Graph) -> Graph | None:
    """The classifier named, or the one that ships if it takes what the graph draws."""
    if "image" not in graph.outputs:
        return None
    if request.classifier:
        return _classify(open_model(request.classifier, trusted=request.trusted))
    try:
        found = _classify(open_model("classifier"))
    except ModelNotFoundError:
        return None
    return found if found.inputs["image"].shape == graph.outputs["image"].shape else None


def _classify(model: Opened) -> Graph:
    if "classify" not in model.graphs:
        raise UsageError(f"{model.name} has no signature classify: name a classifier.")
    return model.graphs["classify"]


def _judged(found: Subject, judge: Graph) -> Subject:
    """The same with the classes that the judge sees in what is drawn, where it sees several."""
    from dataclasses import replace

    images = found.images()
    if images is None:
        return found
    seen = batched(judge.function("image", "logits"), images).argmax(axis=1)
    if len(np.unique(seen)) < 2:
        return found
    return replace(found, labels=seen, about={**found.about, "labels": "of the classifier"})
