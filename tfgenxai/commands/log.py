"""`tfgenxai log`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_source, add_trusted, print_rows
from tfgenxai.errors import UsageError

PARTS = {
    "projector": "Projector: codes as points, with labels, factors and thumbnails",
    "heatmaps": "Images: Grad-CAM and saliency of latents, discriminator or class",
    "traversals": "Images: what the images become along single latents",
    "samples": "Images: drawn from the prior, and restored",
    "metrics": "Scalars: the card's metrics, and the losses of every epoch of its training",
    "hparams": "HParams: a row a model, its settings beside its metrics",
    "graph": "Graphs: the frozen signatures, layer by layer",
}
_WIDTH = max(map(len, PARTS))
_LISTED = "\n".join(f"  {name:<{_WIDTH}}  {text}" for name, text in PARTS.items())

_MORE = f"""\
parts, and the page of TensorBoard that shows them:
{_LISTED}

Every model gets a run of its own, OUT/NAME. A part that is logged again replaces the earlier one.
What a generator draws is labelled by the classifier that ships, where it knows such images.

examples:
  tfgenxai log                                       all models that ship
  tfgenxai log cvae dcgan --size 2000 --out runs/log
  tfgenxai log runs/mine --what projector heatmaps
  tfgenxai log ../other/vae --data folder --folder photos
  tensorboard --logdir runs/log                      then open http://localhost:6006
"""


def add_log_command(commands: Any) -> None:
    """`tfgenxai log`."""
    text = "write SavedModels to TensorBoard: latent codes, heatmaps, traversals, settings, graphs"
    parser = add_command(commands, "log", _log, text, _MORE)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="SavedModels, or names of models that ship (default: all that ship)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/log"), metavar="DIR", help="default: runs/log"
    )
    parser.add_argument(
        "--what", nargs="+", choices=PARTS, default=[], metavar="PART", help="default: all parts"
    )
    parser.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="images, and codes of a generator, in the projector (default: 1000 at most)",
    )
    parser.add_argument(
        "--data", metavar="D", help="data set to show (default: what the model was trained on)"
    )
    add_source(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of codes (default: 0)")
    add_trusted(parser)
    add_json(parser)


def _log(args: argparse.Namespace) -> None:
    from tfgenxai.saved.listing import list_models
    from tfgenxai.saved.read import load

    if args.size is not None and args.size < 1:
        raise UsageError(f"--size must be at least 1, not {args.size}.")
    paths = args.models or [str(entry.path) for entry in list_models()]
    models = [load(path, trusted=args.trusted) for path in paths]
    names = [model.path.name for model in models]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"Two models are called {twice[0]!r} and would share a run; log one.")
    rows = [_log_one(model, args) for model in models]
    command = f"tensorboard --logdir {shlex.quote(str(args.out))}"
    if args.json:
        print(json.dumps({"logdir": str(args.out), "command": command, "runs": rows}, indent=2))
        return
    print_rows([_row(row) for row in rows])
    for row in rows:
        for tag, reason in row["skipped"].items():
            print(f"{row['model']}: no {tag}: {reason}", file=sys.stderr)
    print(command)


def _log_one(model: Any, args: argparse.Namespace) -> dict[str, Any]:
    from tfgenxai.tensorboard.log import SIZE, images_for, log_model

    started = time.monotonic()
    shown = sys.stderr.isatty()
    data = images_for(
        model,
        name=args.data,
        source=args.source,
        folder=args.folder,
        size=args.size,
        progress=shown,
    )
    run = log_model(
        model,
        args.out,
        data=data,
        classifier=_labeller(model, args.data),
        what=args.what,
        size=args.size or SIZE,
        seed=args.seed,
        progress=shown,
    )
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    return {
        "model": run.name,
        "run": str(run.folder),
        "data": None if data is None else f"{data.name} ({data.source})",
        "written": run.written,
        "skipped": run.skipped,
        "seconds": round(time.monotonic() - started, 1),
        "MB": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }


def _labeller(model: Any, data: str | None) -> Any:
    """The classifier that labels what the model draws, if it draws and there is one."""
    from tfgenxai.latent.classifier import shipped_classifier

    if "generate" not in model:
        return None
    image = model["generate"].outputs.get("image")
    if image is None:
        return None
    found = shipped_classifier(data or model.trained_on.get("name"), image.shape[1:])
    return None if found is None else found["classify"]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    written = row["written"]
    pictures = sum(len(written.get(part, ())) for part in ("heatmaps", "traversals", "samples"))
    return {
        "run": row["run"],
        "data": row["data"],
        "embeddings": ", ".join(written.get("projector", ())),
        "pictures": pictures,
        "scalars": len(written.get("metrics", ())),
        "seconds": row["seconds"],
        "MB": row["MB"],
    }
