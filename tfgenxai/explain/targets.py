"""A target in words, as a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.explain.models import Opened
from tfgenxai.explain.samples import Samples
from tfgenxai.explain.wording import Wording
from tfgenxai.explained import find_output
from tfgenxai.graph import Graph
from tfgenxai.targets import (
    ClassLogit,
    Discriminator,
    Latent,
    NegativeElbo,
    Output,
    Pixels,
    ReconstructionError,
    Target,
    Unit,
)


def build(
    wording: Wording, graph: Graph, model: Opened, other: Opened | None, samples: Samples | None
) -> Target:
    """The target that is meant.

    Args:
        graph: what is explained, a signature of `model`.
        other: the model that was named to judge, or go on with, what the graph gives.
        samples: where the target needs what is known about them; without them, it is one that
            tells whether the target fits the graph.

    Raises:
        UsageError: the samples have no labels or images that it needs, or no other model has.
        InvalidInputError, DataNotFoundError: a mask cannot be read.
    """
    match wording.word:
        case "latent":
            return Latent(_one_or_more(wording.index), wording.at or "mean")  # type: ignore[arg-type]
        case "class":
            judge = None if other is None else _judge(other, ClassLogit.all())
            return ClassLogit(_classes(wording, samples), judge)
        case "output":
            return Output(str(wording.name), _one_or_more(wording.index))
        case "unit":
            y, x = wording.place or (None, None)
            return Unit(str(wording.name), _one_or_more(wording.index), y, x)
        case "pixels":
            return Pixels(_mask(wording, graph), wording.name)
        case "discriminator":
            takes_code = all(tensor.shape.rank == 2 for tensor in graph.inputs.values())
            judged = other or (model if takes_code else None)
            return Discriminator(None if judged is None else _judge(judged, Discriminator()))
        case "reconstruction":
            if _encodes(graph):
                return ReconstructionError(model=_decoder(other or model))
            return ReconstructionError(_originals(graph, samples))
        case _:
            return _elbo(graph, other or model, samples)


def _one_or_more(index: Any) -> Any:
    """An int, a tuple, or None for all."""
    if isinstance(index, str):
        return None
    return index[0] if index is not None and len(index) == 1 else index


def _classes(wording: Wording, samples: Samples | None) -> Any:
    if wording.index != "own":
        return _one_or_more(wording.index)
    if samples is None:
        return np.zeros(0, np.int64)
    if samples.labels is None:
        raise UsageError(
            "--target class:own needs samples with labels: take a data set that has some, or "
            "name a class, such as class:0."
        )
    return samples.labels


def _judge(model: Opened, target: Target) -> Graph:
    """The first graph of a model that has the target."""

    def fits(name: str, graph: Graph) -> Graph:
        target.on(graph)
        return graph

    return model.first_fit(model.ordered(), fits, "a target on images")[1]


def _encodes(graph: Graph) -> bool:
    return "image" not in graph.outputs and "mean" in graph.outputs


def _decoder(model: Opened) -> Graph:
    if "decode" not in model.graphs:
        raise UsageError(f"{model.name} has no signature decode: name a model with --model.")
    return model.graphs["decode"]


def _originals(graph: Graph, samples: Samples | None) -> np.ndarray | None:
    """The images behind codes; None where the graph takes images itself."""
    image = graph.outputs.get("image")
    if any(tensor.shape.rank == 4 for tensor in graph.inputs.values()) or image is None:
        return None
    if samples is None:
        return np.zeros((0, *(n or 1 for n in image.shape[1:])), np.float32)
    if samples.images is None:
        raise UsageError(
            "This target compares with the images that codes were made of: name a data set with "
            "--data, and --encoder if the model has none."
        )
    return samples.images


def _elbo(graph: Graph, model: Opened, samples: Samples | None) -> Target:
    if _encodes(graph):
        return NegativeElbo(model=_decoder(model))
    images = _originals(graph, samples)
    if samples is None:
        code = next(iter(graph.inputs.values()))
        nothing = np.zeros((0, *(n or 1 for n in code.shape[1:])), np.float32)
        return NegativeElbo(images, nothing, nothing)
    if samples.logvar is None and images is not None:
        raise UsageError("The encoder gives no logvar, without which there is no ELBO.")
    return NegativeElbo(images, samples.mean, samples.logvar)


def _mask(wording: Wording, graph: Graph) -> np.ndarray:
    """(H, W) or (H, W, C), from a file or the bounds of a region."""
    if wording.file is not None:
        return _read_mask(Path(wording.file))
    image = find_output(graph, wording.name, ("image",), "--target pixels")
    height, width = image.shape[1:3] if image.shape.rank == 4 else (None, None)
    if height is None or width is None:
        raise UsageError(f"--target {wording} needs an image, not {image.shape}.")
    if wording.index == "all":
        return np.ones((height, width), np.float32)
    top, bottom, left, right = map(int, wording.index or ())
    if not (top < bottom <= height and left < right <= width):
        raise UsageError(
            f"--target {wording} is no region of an image of {height} x {width}: write "
            f"pixels:TOP:BOTTOM:LEFT:RIGHT, the ends not included."
        )
    mask = np.zeros((height, width), np.float32)
    mask[top:bottom, left:right] = 1.0
    return mask


def _read_mask(path: Path) -> np.ndarray:
    from PIL import Image

    if not path.is_file():
        raise DataNotFoundError(f"There is no mask {path}.")
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with Image.open(path) as image:
            return np.asarray(image.convert("L")) > 127
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidInputError(f"The mask {path} cannot be read: {error}.") from None
