"""From a request to adversarial images, a table and pictures on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attacks import ATTACKS, attack_entry, create
from tfgenxai.attacks.base import Attack
from tfgenxai.attacks.result import Adversarial, Redirected
from tfgenxai.attacks.vae import others_of
from tfgenxai.attacks.victim import image_input
from tfgenxai.data.images import ImageData
from tfgenxai.errors import UsageError
from tfgenxai.explain.models import open_model
from tfgenxai.explain.request import ExplainRequest
from tfgenxai.explain.samples import Samples, gather
from tfgenxai.files import write_text
from tfgenxai.metrics.intervals import interval, proportion

_SHOWN = 10
#: What an attack starts from: the signature that takes images.
_NEEDS = {"classifier": "classify", "vae": "encode"}


@dataclass(frozen=True)
class AttackRequest:
    """What was asked for.

    Attributes:
        path: a SavedModel with `classify`, or with `encode` and `reconstruct`.
        out: folder for the results.
        attack: name in the registry.
        options: of the attack; what is not named keeps its default.
        target: the class that images are to be taken for.
        data, source, folder, images: the images, as in `ExplainRequest`.
        seed: of the attack.
        trusted: as `tfgenxai.load`.
    """

    path: str
    out: Path
    attack: str = "pgd"
    options: Mapping[str, Any] = field(default_factory=dict)
    target: int | None = None
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    images: int = 16
    seed: int = 0
    trusted: bool = False


def attack(request: AttackRequest) -> dict[str, Any]:
    """Attacks as requested and writes `out`; gives what results.json holds.

    Files: adversarial.npz (`Adversarial.load` or `Redirected.load`), images.csv with a row an
    image, adversarial.png with the first ten, and results.json.

    Raises:
        TfgenxaiError: the model is none that this attack misleads, or the data is not there.
    """
    if request.images < 1 or request.seed < 0:
        raise UsageError("--images is at least 1, --seed at least 0.")
    entry = attack_entry(request.attack)
    model = open_model(request.path, trusted=request.trusted)
    graph = model.graphs.get(_NEEDS[entry.on])
    if graph is None:
        others = [name for name, each in ATTACKS.items() if _NEEDS[each.on] in model.graphs]
        raise UsageError(
            f"{request.attack} attacks a {_NAMES[entry.on]}, and {model.name} has no signature "
            f"{_NEEDS[entry.on]!r}; it has {', '.join(model.graphs)}. Attacks that fit it: "
            f"{', '.join(others) or 'none'}."
        )
    made = create(
        request.attack,
        graph if entry.on == "classifier" else model.graphs,
        **request.options,
        seed=request.seed,
    )
    samples = gather(_asked(request), graph, image_input(graph), model)
    given = samples.values[image_input(graph)]
    images = given.images if isinstance(given, ImageData) else np.asarray(given)
    found: Adversarial | Redirected
    if isinstance(made, Attack):
        found = made(images, target=request.target)
    elif request.target is not None:
        raise UsageError(
            f"{request.attack} leads each image to another image, not to a class: leave out "
            "--target."
        )
    else:
        found = made(images, images[others_of(samples.labels, len(images))])
    return _write(request, model.name, samples, found)


_NAMES = {"classifier": "classifier", "vae": "VAE"}


def _asked(request: AttackRequest) -> ExplainRequest:
    return ExplainRequest(
        method=request.attack,
        path=request.path,
        out=request.out,
        data=request.data,
        source=request.source,
        folder=request.folder,
        size=request.images,
        trusted=request.trusted,
    )


def _write(
    request: AttackRequest, model: str, samples: Samples, found: Adversarial | Redirected
) -> dict[str, Any]:
    """Writes the results; gives the summary."""
    frame = found.to_frame()
    if samples.labels is not None:
        frame.insert(0, "label", np.asarray(samples.labels)[: len(found)])
    out = request.out
    files = [
        found.save(out / "adversarial.npz"),
        write_text(out / "images.csv", frame.to_csv(index=False)),
        plots.save(picture(found), out / "adversarial.png"),
    ]
    share = proportion(int(found.success.sum()), len(found))
    summary = {
        "model": model,
        "attack": found.attack,
        "settings": dict(found.settings),
        "images": len(found),
        "samples": dict(samples.about),
        **share.row("success"),
        **{f"median_{name}": float(np.median(each)) for name, each in found.norms().items()},
        "rows": json.loads(frame.to_json(orient="records")),
    }
    if isinstance(found, Redirected):
        summary |= interval(found.closed).row("closed")
    results = out / "results.json"
    summary["files"] = [str(file) for file in [*files, results]]
    write_text(results, json.dumps(summary, indent=2))
    return summary


def picture(found: Adversarial | Redirected) -> Any:
    """The first images, what became of them and what was added, as a figure."""
    few = slice(_SHOWN)
    title = f"{found.attack}: {int(found.success.sum())} of {len(found)} succeed"
    images, adversarial = found.images[few], found.adversarial[few]
    if isinstance(found, Adversarial):
        return plots.attacked(
            images,
            adversarial,
            captions=_verdicts(found.before[few]),
            captions_after=_verdicts(found.after[few]),
            title=title,
        )
    return plots.attacked(
        images,
        adversarial,
        captions_after=[f"{share:.0%} nearer" for share in found.closed[few]],
        more={
            "reconstruction": found.restored[few],
            "after": found.restored_after[few],
            "goal": found.goals[few],
        },
        title=title,
    )


def _verdicts(probabilities: np.ndarray) -> list[str]:
    return [f"{row.argmax()}: {row.max():.0%}" for row in probabilities]
