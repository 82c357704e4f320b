"""From a model's name to its codes seen and measured, on disk."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import data, plots
from tfgenxai.data.progress import counter
from tfgenxai.errors import ModelNotFoundError, UsageError
from tfgenxai.files import write_bytes, write_text
from tfgenxai.latent.classifier import find_classifier
from tfgenxai.latent.effects import eta_squared
from tfgenxai.latent.figures import Walkable, views, walks
from tfgenxai.latent.generator import Generator, find_generator
from tfgenxai.latent.measures import Measured, measure
from tfgenxai.latent.projections import PROJECTIONS
from tfgenxai.latent.spaces import spaces
from tfgenxai.saved.read import SavedModel, load

if TYPE_CHECKING:
    from tfgenxai.data import ImageData

USUAL_SIZE = 2_000
# Fewer make no neighbourhoods worth looking at: t-SNE's perplexity of 30 wants 91.
SMALLEST_SIZE = 100


@dataclass(frozen=True)
class LatentsRequest:
    """The parsed command; None stands for a default.

    Attributes:
        path: A SavedModel's folder or shipped name.
        out: Folder of the results.
        methods: Names in `PROJECTIONS`.
        size: So many images and codes.
        data, source, folder: Where the images come from.
        label: The factor that labels them.
        classifier: The SavedModel that labels what a generator draws.
        seeds: Above 1, so many are compared.
        seed: Of codes, projections and subsets.
        trusted: Allow any operation in the models.
    """

    path: str
    out: Path
    methods: tuple[str, ...] = tuple(PROJECTIONS)
    size: int | None = None
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    label: str | None = None
    classifier: str | None = None
    seeds: int = 1
    seed: int = 0
    trusted: bool = False

    def __post_init__(self) -> None:
        for name in self.methods:
            if name not in PROJECTIONS:
                raise UsageError(f"Unknown view {name!r}; --methods are {', '.join(PROJECTIONS)}.")
        if self.size is not None and self.size < SMALLEST_SIZE:
            raise UsageError(f"--size must be at least {SMALLEST_SIZE}, not {self.size}.")
        if self.seeds < 1 or self.seed < 0:
            raise UsageError("--seeds counts from 1, and --seed from 0.")


def latents(request: LatentsRequest) -> dict[str, Any]:
    """Projects and measures every code space of a model, and writes `out`; gives results.json.

    Files: figures/*.png, codes.npz (codes and labels of each space), projections.csv and
    results.json. Each is replaced whole or stays as it was.

    Raises:
        TfgenxaiError: What was asked for is not there, or does not fit.
    """
    model = load(request.path, trusted=request.trusted)
    if "encode" not in model and "generate" not in model:
        raise ModelNotFoundError(
            f"{request.path} has no codes to look at: it has the signatures "
            f"{', '.join(model.signatures) or 'none'}, and neither encode nor generate."
        )
    images = _images(request, model) if "encode" in model else None
    size = len(images) if images is not None else request.size or USUAL_SIZE
    if size < SMALLEST_SIZE:
        raise UsageError(f"There are {size} images; {SMALLEST_SIZE} codes at least are needed.")
    classifier = None
    if "generate" in model:
        classifier = find_classifier(model, request.classifier, trusted=request.trusted)
    known = spaces(
        model,
        images,
        size=size,
        classifier=classifier,
        label=request.label,
        seed=request.seed,
    )
    shown = sys.stderr.isatty()
    with counter("projecting", len(known) * len(request.methods), shown) as done:
        found = [
            measure(space, request.methods, seeds=request.seeds, seed=request.seed, done=done)
            for space in known.values()
        ]
    figures = views(found)
    walkable = _walkable(model, found[0], images)
    if walkable is not None:
        figures |= walks(walkable, request.seed)
    results: dict[str, Any] = {
        "model": request.path,
        "data": None if images is None else {"name": images.name, "source": images.source},
        "size": size,
        "seed": request.seed,
        "spaces": {m.space.name: m.json() for m in found},
        "table": [row for m in found for row in m.rows()],
    }
    if images is not None and images.factor_codes:
        results["factors"] = _factors(found[0].space.codes, images)
    return _write(request.out, results, found, figures)


def _images(request: LatentsRequest, model: SavedModel) -> ImageData:
    """The images asked for, else test images of the data that the model was trained on."""
    name = request.data or ("folder" if request.folder else model.trained_on.get("name"))
    if name is None:
        raise UsageError(
            f"{request.path} has no card that names its data: add --data, a data set (see "
            "tfgenxai data), or --folder."
        )
    picture = next(t for t in model["encode"].inputs.values() if t.shape.rank == 4)
    found = data.load_to_fit(
        name,
        picture.shape[1:3].as_list(),
        source=request.source,
        folder=request.folder,
        size=request.size,
        progress=sys.stderr.isatty(),
    )
    return model.as_trained(found[: request.size or USUAL_SIZE])


def _walkable(model: SavedModel, measured: Measured, images: ImageData | None) -> Walkable | None:
    """The space to walk through: that of the encoder, else z; None where nothing draws."""
    if find_generator(model) is None:
        return None
    generator = Generator.of(model)
    if images is None:
        return Walkable(measured, generator)
    follows = "logvar" in model["encode"].outputs
    return Walkable(measured, generator, model["encode"], images.images, follows)


def _factors(codes: np.ndarray, images: ImageData) -> list[dict[str, Any]]:
    """For each factor of the images, the dimension that tells most of it."""
    rows = []
    for name, values in (images.factor_codes or {}).items():
        if len(np.unique(values)) > 1:
            shares = eta_squared(codes, values)
            best = int(shares.argmax())
            rows.append({"factor": name, "dimension": best, "eta_squared": float(shares[best])})
    return sorted(rows, key=lambda row: -row["eta_squared"])


def _write(
    out: Path, results: dict[str, Any], found: Sequence[Measured], figures: dict[str, Any]
) -> dict[str, Any]:
    files = [plots.save(figure, out / "figures" / f"{n}.png") for n, figure in figures.items()]
    arrays: dict[str, np.ndarray] = {}
    for measured in found:
        arrays[measured.space.name] = measured.space.codes
        if measured.space.labels is not None:
            arrays[f"{measured.space.name} labels"] = measured.space.labels
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    files.append(write_bytes(out / "codes.npz", packed.getvalue()))
    files.append(write_text(out / "projections.csv", _coordinates(found)))
    results["files"] = [str(file) for file in (*files, out / "results.json")]
    write_text(out / "results.json", json.dumps(results, indent=2))
    return results


def _coordinates(found: Sequence[Measured]) -> str:
    """CSV of all projections: codes, view, index, label, x, y."""
    import pandas

    frames = []
    for measured in found:
        labels = measured.space.labels
        for method, shown in measured.projections.items():
            values = shown.values
            flat = np.zeros(len(values), np.float32)
            frames.append(
                pandas.DataFrame(
                    {
                        "codes": measured.space.name,
                        "view": method,
                        "index": np.arange(len(values)),
                        "label": [""] * len(values) if labels is None else labels,
                        "x": values[:, 0],
                        "y": values[:, 1] if values.shape[1] > 1 else flat,
                    }
                )
            )
    return pandas.concat(frames).to_csv(index=False)
