"""What `tfgenxai explain` is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfgenxai.explain.wording import Wording


@dataclass(frozen=True)
class ExplainRequest:
    """The parsed command; None stands for a default.

    Attributes:
        method: its name in the registry.
        path: a SavedModel's folder or shipped name, or a frozen graph (.pb).
        out: folder of the results.
        signature: which graph of the SavedModel.
        inputs, outputs: names of nodes, for a frozen graph.
        target: what is explained, in words.
        options: of the method.
        data: a data set, a .npy or .npz file, or "prior" for codes drawn from the model's prior.
        source, folder: where the data set comes from.
        size: the first so many samples.
        index: these samples.
        encoder: the SavedModel whose `encode` makes codes of images.
        model: the SavedModel that judges, or goes on with, what the graph gives.
        batch_size: samples at a time.
        seed: of the method and the drawn codes.
        stream: write values to a .npy file as they come.
        trusted: allow any operation in the models.
    """

    method: str
    path: str
    out: Path
    signature: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    target: Wording | None = None
    options: dict[str, Any] = field(default_factory=dict)
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    size: int | None = None
    index: tuple[int, ...] = ()
    encoder: str | None = None
    model: str | None = None
    batch_size: int = 64
    seed: int = 0
    stream: bool = False
    trusted: bool = False
