"""From a request to scores of disentanglement on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import data, plots
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.explained import find_output
from tfgenxai.files import write_text
from tfgenxai.latent.disentanglement.controls import pixel_components, random_weights
from tfgenxai.latent.disentanglement.measure import (
    METRICS,
    Disentanglement,
    check_metrics,
    disentanglement,
)
from tfgenxai.latent.disentanglement.source import Pool
from tfgenxai.saved.read import SavedModel, load

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Sets of which every image is made from factors that are independent of one another.
FACTOR_SETS = ("faces", "dsprites", "shapes3d")
_COMPONENTS_OF = 2_000  # training images
# What the matrix of a metric holds.
_LABELS = {
    "factor_vae": "share of the factor's votes (FactorVAE)",
    "mig": "share of the factor's entropy known (MIG)",
    "sap": "accuracy from this latent alone (SAP)",
    "dci": "importance for the factor (DCI)",
}


@dataclass(frozen=True)
class DisentangleRequest:
    """What was asked for.

    Attributes:
        path: a SavedModel with `encode`.
        out: folder for the results.
        data: one of `FACTOR_SETS`; None for the one that the model was trained on.
        source: where the data set comes from.
        samples: images to learn from; half as many more to test on.
        metrics: some of `METRICS`.
        repeats: seeds.
        controls: measure random weights and the components of the pixels too.
        seed: the first seed.
        trusted: as `tfgenxai.load`.
    """

    path: str
    out: Path
    data: str | None = None
    source: str | None = None
    samples: int = 10_000
    metrics: tuple[str, ...] = METRICS
    repeats: int = 1
    controls: bool = False
    seed: int = 0
    trusted: bool = False


def disentangle(request: DisentangleRequest) -> dict[str, Any]:
    """Measures as requested and writes `out`; gives the summary, JSON values.

    Files: results.json, scores.csv and, for each metric that looks at single latents, a picture.

    Raises:
        TfgenxaiError: the model encodes no images, or the data set has no factors, is not here,
            or has images of another shape.
    """
    check_metrics(request.metrics)
    if request.samples < 200 or request.repeats < 1 or request.seed < 0:
        raise UsageError("--samples is at least 200, --repeats is at least 1, --seed at least 0.")
    model = load(request.path, trusted=request.trusted)
    graph, image, output = _encoder(model)
    name = _data_name(request, model)
    _check_shape(graph, image, name, model)
    images = _images(request, model, name, "test", request.samples + request.samples // 2)
    encoders: dict[str, Callable[[Any], Any]] = {
        model.path.name: graph.function(image, output),
    }
    if request.controls:
        some = _images(request, model, name, "train", _COMPONENTS_OF)
        width = graph.outputs[output].shape[-1]
        encoders["random weights"] = random_weights(graph, image, output, request.seed)
        encoders["components of pixels"] = pixel_components(some, width, request.seed)
    found = {who: _measure(request, who, encode, images) for who, encode in encoders.items()}
    return _write(request, images, found)


def _encoder(model: SavedModel) -> tuple[Graph, str, str]:
    """The graph that encodes images, the name of its input and that of its output of codes."""
    graph = model.get("encode")
    if graph is None:
        raise UsageError(
            f"{model.path.name} has no signature 'encode', which makes codes of images; it has "
            f"{', '.join(model)}."
        )
    takes = list(graph.inputs.items())
    if len(takes) != 1 or takes[0][1].shape.rank != 4:
        raise UsageError(
            f"'encode' of {model.path.name} takes {', '.join(graph.inputs)}; disentanglement is "
            "measured on encoders that take images alone."
        )
    tensor = find_output(graph, None, ("mean", "z"), "Disentanglement")
    output = next(key for key, value in graph.outputs.items() if value is tensor)
    return graph, takes[0][0], output


def _data_name(request: DisentangleRequest, model: SavedModel) -> str:
    name = request.data or model.trained_on.get("name")
    if name in FACTOR_SETS:
        return str(name)
    sets = ", ".join(FACTOR_SETS)
    if name is None:
        raise UsageError(f"{model.path.name} has no card that names its data: add --data, {sets}.")
    why = {
        "celeb_a": "the attributes of photographs depend on one another",
        "folder": "nothing is known of the images in a folder",
    }.get(name, "it has no more than a class label")
    chosen = "" if request.data else f", which {model.path.name} was trained on"
    raise UsageError(
        f"Disentanglement needs several independent factors of every image. {name}{chosen}, will "
        f"not do: {why}. Data sets with factors: {sets}."
    )


def _check_shape(graph: Graph, image: str, name: str, model: SavedModel) -> None:
    shape = next(row.shape for row in data.sources() if row.name == name)
    assert shape is not None  # of a set with factors
    if not graph.inputs[image].shape.is_compatible_with([None, *shape]):
        wanted = " × ".join(map(str, graph.inputs[image].shape[1:]))
        raise InvalidInputError(
            f"{model.path.name} takes images of {wanted}; those of {name} are "
            f"{' × '.join(map(str, shape))}. Choose another data set or model."
        )


def _images(
    request: DisentangleRequest, model: SavedModel, name: str, split: str, size: int
) -> data.ImageData:
    """The first images of a split, binary for models that were trained on binary ones."""
    return model.as_trained(data.load(name, split, source=request.source, size=size))


def _measure(
    request: DisentangleRequest, who: str, encode: Callable[[Any], Any], images: data.ImageData
) -> Disentanglement:
    with counter(f"Encoding: {who}", len(images)) as advance:

        def counted(batch: np.ndarray) -> Any:
            codes = encode(batch)
            advance(len(batch))
            return codes

        codes = Pool.of(images).map(counted)
    return disentanglement(
        lambda codes: codes,
        codes,
        metrics=request.metrics,
        train=request.samples,
        test=request.samples // 2,
        repeats=request.repeats,
        seed=request.seed,
    )


def _write(
    request: DisentangleRequest, images: data.ImageData, found: dict[str, Disentanglement]
) -> dict[str, Any]:
    """Writes the results; gives the summary."""
    who, first = next(iter(found.items()))
    table = first.frame().rename(columns={"score": who})
    for control, scores in list(found.items())[1:]:
        table.insert(table.columns.get_loc("chance"), control, list(scores.row().values()))
    files = [write_text(request.out / "scores.csv", table.to_csv(index=False))]
    for name, matrix in first.matrices.items():
        figure = plots.factor_latents(
            matrix, first.factors, title=f"{who} on {images.name}", label=_LABELS[name]
        )
        files.append(plots.save(figure, request.out / f"{name}.png"))
    summary = {
        "model": who,
        "data": images.name,
        "source": images.source_detail,
        "train": first.train,
        "test": first.test,
        "seeds": list(first.seeds),
        "latents": next((m.shape[1] for m in first.matrices.values()), None),
        "factors": list(first.factors),
        "scores": table.astype(object).where(table.notna(), None).to_dict("records"),
    }
    matrices = {name: matrix.tolist() for name, matrix in first.matrices.items()}
    results = request.out / "results.json"
    files.append(write_text(results, json.dumps(summary | {"matrices": matrices}, indent=2)))
    return summary | {"files": [str(file) for file in files]}
