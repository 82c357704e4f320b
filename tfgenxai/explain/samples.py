"""The samples that `tfgenxai explain` explains: images, codes, or arrays from a file."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import data
from tfgenxai.attribution.inputs import batches
from tfgenxai.data import ImageData
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.explain.models import Opened, open_model
from tfgenxai.explain.request import ExplainRequest
from tfgenxai.explained import Feeds, fetch, find_output
from tfgenxai.latent.decoding import code_input
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

PRIOR = "prior"
DEFAULT_SIZE = 8
_FILES = (".npy", ".npz")


@dataclass(frozen=True)
class Samples:
    """N samples, and what is known about them.

    Attributes:
        values: what the method is given: name of an input -> (N, ...).
        labels: (N,), where the data set has some.
        images: (N, H, W, C) in [0, 1] that codes were made of.
        mean, logvar: (N, d), what the encoder gave for these images.
        about: what they are, for the summary; JSON values.
    """

    values: Mapping[str, Any]
    labels: np.ndarray | None = None
    images: np.ndarray | None = None
    mean: np.ndarray | None = None
    logvar: np.ndarray | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def gather(request: ExplainRequest, graph: Graph, wrt: str, model: Opened) -> Samples:
    """The samples that were asked for, or a few that fit.

    Raises:
        UsageError: nothing is asked for and nothing is obvious, or an input is missing.
        DataNotFoundError, InvalidInputError: the data is not there, or cannot be read.
    """
    if request.data is not None and request.data.endswith(_FILES):
        found = _from_file(request, wrt)
    elif request.data == PRIOR or (not _names_images(request) and is_decoder(graph, wrt)):
        found = _from_prior(request, graph, wrt, model)
    else:
        found = _from_images(request, graph, wrt, model)
    if missing := [name for name in graph.inputs if name not in found.values]:
        labelled = "take a data set with labels, or " if missing == ["label"] else ""
        raise UsageError(
            f"{graph.name} takes {', '.join(missing)} too: {labelled}pass one array for each input "
            f"as --data FILE.npz."
        )
    return found


def is_decoder(graph: Graph, wrt: str) -> bool:
    """Whether the input is a code, of which the graph makes an image."""
    return graph.inputs[wrt].shape.rank == 2 and (wrt == "z" or "image" in graph.outputs)


def _names_images(request: ExplainRequest) -> bool:
    return request.data is not None or request.folder is not None


def _count(request: ExplainRequest) -> int:
    """How many samples to make, of which those asked for are taken."""
    return max(request.index) + 1 if request.index else request.size or DEFAULT_SIZE


def _chosen(request: ExplainRequest) -> Any:
    return list(request.index) if request.index else slice(request.size)


def _from_file(request: ExplainRequest, wrt: str) -> Samples:
    """Arrays of a .npy or .npz file; a .npy file stays on disk."""
    path = Path(str(request.data))
    if not path.is_file():
        raise DataNotFoundError(f"There is no file {path}.")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        arrays = {wrt: found} if path.suffix == ".npy" else dict(found)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"{path} cannot be read as arrays: {error}.") from None
    rows = min((len(array) if array.ndim else 0 for array in arrays.values()), default=0)
    if request.index and max(request.index) >= rows:
        raise UsageError(f"There is no sample {max(request.index)}: {path} holds {rows}.")
    values = {name: array[_chosen(request)] for name, array in arrays.items() if array.ndim}
    return Samples(values, labels=values.get("label"), about={"data": str(path)})


def prior_draws(generator: Generator, wrt: str, count: int, seed: Any) -> np.ndarray:
    """Codes (count, d) of the generator's prior.

    Raises:
        UsageError: the input is no code.
    """
    if generator.graph.inputs[wrt].shape.rank != 2 or wrt != code_input(generator.graph):
        raise UsageError(
            f"The input {wrt!r} has shape {generator.graph.inputs[wrt].shape}, and {PRIOR} draws "
            f"codes (N, d): name images."
        )
    return generator.codes(count, np.random.default_rng(seed))


def _from_prior(request: ExplainRequest, graph: Graph, wrt: str, model: Opened) -> Samples:
    """Codes of the prior; for a conditional generator with all labels in turn."""
    generator = Generator.of(model.graphs, graph=graph)
    count = _count(request)
    values = {wrt: prior_draws(generator, wrt, count, request.seed)}
    labels = generator.labels(count)
    if labels is not None:
        values["label"] = labels
    values = {name: array[_chosen(request)] for name, array in values.items()}
    about = {"data": PRIOR, "seed": request.seed}
    return Samples(values, labels=values.get("label"), about=about)


def _from_images(request: ExplainRequest, graph: Graph, wrt: str, model: Opened) -> Samples:
    """Images of a data set, or their codes."""
    coded = graph.inputs[wrt].shape.rank == 2
    encoder = _encoder(request, model) if coded else model
    entry = encoder.graphs["encode"] if coded else graph
    picture = next((t for t in entry.inputs.values() if t.shape.rank == 4), None)
    if picture is None:
        raise UsageError(f"{graph.name} takes no images: pass arrays as --data FILE.npy.")
    images = _load_images(request, picture.shape[1:3].as_list(), encoder)
    labelled = {} if images.labels is None else {"label": images.labels}
    about: dict[str, Any] = {"data": images.name, "source": images.source}
    if encoder.trained_on.get("binarized"):
        images = images.binarized()
        about["binarized"] = True
    values: dict[str, Any] = {
        name: images if tensor is picture else labelled[name]
        for name, tensor in entry.inputs.items()
        if tensor is picture or name in labelled
    }
    if not coded:
        return Samples(values, images.labels, about=about)
    mean, logvar = _codes(entry, values)
    values = {wrt: mean, **{name: labelled[name] for name in labelled if name in graph.inputs}}
    return Samples(values, images.labels, images.images, mean, logvar, about)


def _load_images(request: ExplainRequest, size: list[int | None], model: Opened) -> ImageData:
    name = request.data or ("folder" if request.folder else model.trained_on.get("name"))
    if name is None:
        raise UsageError(
            f"{model.name} has no card that names its data: add --data, a data set (see tfgenxai "
            f"data) or a .npy file, or --folder."
        )
    images = data.load_to_fit(
        name,
        size,
        source=request.source,
        folder=request.folder,
        size=_count(request),
        progress=sys.stderr.isatty(),
    )
    return images[_chosen(request)]


def _encoder(request: ExplainRequest, model: Opened) -> Opened:
    found = model
    if request.encoder:
        found = open_model(request.encoder, trusted=request.trusted)
    if "encode" not in found.graphs:
        raise UsageError(
            f"{found.name} has no signature encode that makes codes of images: name a model that "
            f"has one with --encoder, or draw codes with --data prior."
        )
    return found


def _codes(encode: Graph, values: dict[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean and log-variance (N, d) of images; no log-variance where the encoder gives none."""
    tensors = [find_output(encode, None, ("mean", "mu", "z_mean", "z"), "--data")]
    if "logvar" in encode.outputs:
        tensors.append(encode.outputs["logvar"])
    stream, _ = batches(values, encode, 256)
    found = [
        [tensor.numpy() for tensor in fetch(encode, Feeds(batch), tensors)] for batch in stream
    ]
    mean, *logvar = (np.concatenate(parts).astype(np.float32) for parts in zip(*found))
    return mean, logvar[0] if logvar else None
