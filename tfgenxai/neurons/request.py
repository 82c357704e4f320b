"""What `tfgenxai neurons` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOOKS = ("activations", "maximise", "ablate", "similarity")
EFFECTS = ("logit", "accuracy", "verdict", "image", "latents", "discriminator", "reading")


@dataclass(frozen=True)
class NeuronsRequest:
    """The parsed command; None or an empty tuple stands for a default.

    Attributes:
        path: a SavedModel's folder or shipped name.
        out: folder of the results.
        what: of `LOOKS`; by default all that the samples allow.
        signature: which graph of the SavedModel.
        layer: whose units are maximised and ablated.
        channels: the units; by default all are ablated, and those that vary most are maximised.
        effect: of `EFFECTS`, what an ablation is measured by.
        how: what ablated units are replaced by.
        data, source, folder, size, encoder: the samples, as in `ExplainRequest`.
        classifier: the SavedModel that labels what the graph draws.
        steps, restarts, bound, jitter: of maximisation.
        seed: of everything random.
        trusted: allow any operation in the models.
    """

    path: str
    out: Path
    what: tuple[str, ...] = ()
    signature: str | None = None
    layer: str | None = None
    channels: tuple[int, ...] = ()
    effect: str | None = None
    how: str = "mean"
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    size: int = 200
    encoder: str | None = None
    classifier: str | None = None
    steps: int = 256
    restarts: int = 8
    bound: float | None = None
    jitter: int = 0
    seed: int = 0
    trusted: bool = False
