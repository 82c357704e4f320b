"""From a request to a SavedModel: data, training, export."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfgenxai import data
from tfgenxai.errors import UsageError
from tfgenxai.models import model_entry


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
    command: str = ""


def train_and_export(request: TrainRequest) -> Path:
    """Trains as requested and exports to `out/name`, the path given back.

    Raises UsageError before any work when that would replace a model without `overwrite`.
    """
    entry = model_entry(request.model)
    path = request.out / request.name
    if path.exists() and not (request.overwrite or request.resume):
        raise UsageError(
            f"{path} holds a model; add --overwrite to replace it, or choose another --name."
        )
    for option in ("epochs", "batch_size"):
        value = getattr(request, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option.replace('_', '-')} must be at least 1, not {value}.")

    from tfgenxai.saved.write import export
    from tfgenxai.training.describe import describe
    from tfgenxai.training.fit import Settings, train
    from tfgenxai.training.strategies import split_cpu

    if request.cpu_devices > 1:
        split_cpu(request.cpu_devices)
    where = {"source": request.source, "folder": request.folder}
    name = request.data or entry.data
    images = data.load(name, "train", size=request.size, seed=0, **where)
    held_out = data.load(name, "test", seed=0, **where)
    settings = Settings(
        model=request.model,
        epochs=request.epochs or entry.epochs,
        batch_size=request.batch_size or entry.batch_size,
        seed=request.seed,
        learning_rate=request.learning_rate,
        decay=request.decay,
        strategy=request.strategy,
        config=request.config,
        data={"name": images.name, "source": images.source, "images": len(images), "seed": 0},
    )
    trained = train(
        settings,
        images,
        held_out,
        out=path.with_name(f"{request.name}.training"),
        resume=request.resume,
    )
    return export(trained.model, path, describe(trained, request.name, images, request.command))
