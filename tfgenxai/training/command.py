"""From a request to a SavedModel: data, training, export."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgenxai import data
from tfgenxai.errors import UsageError
from tfgenxai.models import model_entry

if TYPE_CHECKING:
    import keras

    from tfgenxai.data import ImageData

# A model's noise is seeded with 16 times the seed, in 32 bits.
MAX_SEED = 2**27


@dataclass
class TrainRequest:
    """What `tfgenxai train` was asked for; None stands for the published value."""

    model: str
    name: str
    out: Path
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    size: int | None = None
    only: Sequence[int] = ()
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    decay: str = "none"
    seed: int = 0
    strategy: str = "default"
    cpu_devices: int = 1
    config: dict[str, Any] = field(default_factory=dict)
    resume: bool = False
    overwrite: bool = False
    half: bool = False
    command: str = ""


def train_and_export(
    request: TrainRequest,
    callbacks: Callable[[Path, ImageData], Sequence[keras.callbacks.Callback]] | None = None,
) -> Path:
    """Trains as requested and exports to `out/name`, the path given back.

    `callbacks` makes more callbacks from the run's log folder and the held-out images.

    Raises UsageError before any work when that would replace a model without `overwrite`.
    """
    entry = model_entry(request.model)
    path = request.out / request.name
    run = path.with_name(f"{request.name}.training")
    # A run that is gone on with made the model that is there; nothing else may be replaced.
    going_on = request.resume and any((run / "checkpoints").glob("epoch-*.h5"))
    for place in (path, path.with_name(f"{request.name}.keras")):
        if place.exists() and not (request.overwrite or going_on):
            raise UsageError(
                f"{place} is a model already; add --overwrite to replace it, "
                "or choose another --name."
            )
    _check_numbers(request)

    from tfgenxai.saved.write import export
    from tfgenxai.training.describe import describe
    from tfgenxai.training.fit import Settings, train
    from tfgenxai.training.strategies import split_cpu

    if request.cpu_devices > 1:
        split_cpu(request.cpu_devices)
    name = request.data or entry.data
    source, folder = request.source, request.folder
    images = data.load(name, "train", source=source, folder=folder, size=request.size)
    held_out = data.load(name, "test", source=source, folder=folder)
    if request.only:
        images, held_out = images.only(request.only), held_out.only(request.only)
    settings = Settings(
        model=request.model,
        epochs=request.epochs or entry.epochs,
        batch_size=request.batch_size or entry.batch_size,
        seed=request.seed,
        learning_rate=request.learning_rate,
        decay=request.decay,
        strategy=request.strategy,
        config=request.config,
        data={"name": images.name, "source": images.source, "images": len(images), "seed": 0}
        | ({"only": sorted(request.only)} if request.only else {}),
    )
    trained = train(
        settings,
        images,
        held_out,
        out=run,
        resume=request.resume,
        replace=request.overwrite,
        callbacks=() if callbacks is None else callbacks(run / "logs", held_out),
    )
    card = describe(trained, request.name, images, request.command)
    return export(trained.model, path, card, half=request.half)


def _check_numbers(request: TrainRequest) -> None:
    for option in ("epochs", "batch_size", "cpu_devices"):
        value = getattr(request, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option.replace('_', '-')} must be at least 1, not {value}.")
    rate = request.learning_rate
    if rate is not None and not 0 < rate < math.inf:
        raise UsageError(f"--learning-rate must be a positive number, not {rate}.")
    if not 0 <= request.seed < MAX_SEED:
        raise UsageError(f"--seed must be from 0 to {MAX_SEED - 1}, not {request.seed}.")
