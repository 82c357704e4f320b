"""Which codes of a model TensorBoard's projector shows, and what is known about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import LayerNotFoundError
from tfgenxai.explained import find_output
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.spaces import first_hidden, reduced
from tfgenxai.tensorboard.subject import Subject, computed

if TYPE_CHECKING:
    from tfgenxai.data import ImageData
    from tfgenxai.graph import Graph


@dataclass(frozen=True)
class Embedding:
    """Codes (N, D), an image and columns of N values for each, and where the codes come from."""

    codes: np.ndarray
    images: np.ndarray
    columns: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


def embeddings(subject: Subject, data: ImageData | None) -> dict[str, Callable[[], Embedding]]:
    """Name -> what makes that embedding: of the encoder, the generator and the classifier.

    Args:
        data: what the subject's images are; names their labels and factors.
    """
    found: dict[str, Callable[[], Embedding]] = {}
    if data is not None and "encode" in subject.graphs:
        spread = "logvar" in subject.graphs["encode"].outputs
        name = "posterior-means" if spread else "codes"
        found[name] = lambda: _encoded(subject, data)
    if "generate" in subject.graphs:
        about = f"z, drawn from {subject.generator.source}"
        found["z"] = lambda: _drawn(subject, subject.codes, about)
        found["first-hidden"] = lambda: _first_hidden(subject)
    if data is not None and "classify" in subject.graphs:
        found["last-hidden"] = lambda: _last_hidden(subject, data)
    return found


def last_hidden(classify: Graph) -> str:
    """The flat layer before the last layer that has weights.

    Raises:
        LayerNotFoundError: there is none.
    """
    layers = list(classify.layers)
    last = max((i for i, layer in enumerate(layers) if layer.parameters), default=0)
    flat = [x.name for x in layers[:last] if x.output_shape and len(x.output_shape) == 2]
    if not flat:
        raise LayerNotFoundError(
            f"The graph {classify.name!r} has no hidden layer of shape (N, d)."
        )
    return flat[-1]


def _encoded(subject: Subject, data: ImageData) -> Embedding:
    means, logvars = subject.posterior
    columns = _columns(data)
    if "reconstruct" in subject.graphs:
        graph = subject.graphs["reconstruct"]
        output = find_output(graph, None, ("image",), "TensorBoard")
        (restored,) = computed(graph, subject.given(graph), [output])
        columns["squared_error"] = _mean_square(restored - subject.images)
    what = "posterior means" if logvars is not None else "codes"
    about = f"{what} of {len(means)} {data.split} images of {data.name}"
    return Embedding(means, subject.images, columns, about)


def _drawn(subject: Subject, codes: np.ndarray, about: str) -> Embedding:
    """The images have no labels but those asked for; they get the classifier's, and a verdict."""
    columns: dict[str, Any] = {}
    if subject.asked is not None:
        columns["label" if subject.votes is None else "asked"] = subject.asked
    if subject.votes is not None:
        columns["label"] = subject.votes.argmax(axis=1)
        columns["confidence"] = _short(subject.votes.max(axis=1))
    if "discriminate" in subject.graphs:
        graph = subject.graphs["discriminate"]
        output = find_output(graph, None, ("logits",), "TensorBoard")
        (logits,) = computed(graph, subject.judged(slice(0), len(codes)), [output])
        columns["realness_logit"] = _short(logits.reshape(len(codes)))
    return Embedding(codes, subject.drawn, columns, about)


def _first_hidden(subject: Subject) -> Embedding:
    generator = subject.generator
    layer = first_hidden(generator.graph)
    values = decoded(
        generator.graph, subject.codes, extra=generator.extra(subject.asked), fetch=layer
    )
    codes = reduced(values, subject.seed)
    about = f"{codes.shape[1]} principal components of {layer} ({values[0].size} values)"
    return _drawn(subject, codes, about)


def _last_hidden(subject: Subject, data: ImageData) -> Embedding:
    graph = subject.graphs["classify"]
    layer = last_hidden(graph)
    probabilities = find_output(graph, None, ("probabilities",), "TensorBoard")
    codes, votes = computed(graph, subject.given(graph), [graph[layer], probabilities])
    columns = _columns(data) | {
        "predicted": _named(votes.argmax(axis=1), data),
        "confidence": _short(votes.max(axis=1)),
    }
    about = f"{layer} of {len(codes)} {data.split} images of {data.name}"
    return Embedding(codes, subject.images, columns, about)


def _columns(data: ImageData) -> dict[str, Any]:
    """Labels by name, and every factor."""
    labels = {} if data.labels is None else {"label": _named(data.labels, data)}
    return labels | (data.factors or {})


def _named(labels: np.ndarray, data: ImageData) -> np.ndarray:
    return labels if data.class_names is None else np.asarray(data.class_names)[labels]


def _mean_square(difference: np.ndarray) -> np.ndarray:
    return _short(np.square(difference).mean(axis=tuple(range(1, difference.ndim))))


def _short(values: np.ndarray) -> np.ndarray:
    """Numbers as they are read beside a picture, with four digits."""
    return np.array([f"{value:.4g}" for value in values])
