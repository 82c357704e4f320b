"""`tfgenxai data`, `train` and `evaluate`."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_data, add_json, brief, options, print_rows
from tfgenxai.errors import UsageError


def add_data_command(commands: Any) -> None:
    """`tfgenxai data`."""
    text = "list the data sets and where they come from"
    add_json(add_command(commands, "data", _data, text, tensorflow=False))


def add_train_command(commands: Any) -> None:
    """`tfgenxai train`."""
    parser = add_command(
        commands,
        "train",
        _train,
        "train a model, export it as a SavedModel and measure it",
        "writes OUT/NAME (SavedModel with model card), OUT/NAME.keras (to go on training) and\n"
        "OUT/NAME.training (checkpoints, TensorBoard logs, history).\n"
        "example: tfgenxai train conv-vae --data faces --size 4000 --epochs 5 --out runs",
    )
    models = ", ".join(_model_names())
    parser.add_argument("model", metavar="MODEL", type=_model_name, help=f"one of: {models}")
    add_data(parser)
    parser.add_argument("--epochs", type=int, metavar="N", help="default: the published number")
    parser.add_argument("--batch-size", type=int, metavar="N", help="default: the published one")
    parser.add_argument("--learning-rate", type=float, metavar="R", help="default: the published")
    parser.add_argument(
        "--decay", default="none", choices=("none", "cosine"), help="learning-rate schedule"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help="default: runs"
    )
    parser.add_argument("--name", help="name of the result (default: the model's)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the model's class, such as latent_dim=2 or loss_factor=1; repeatable",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last finished epoch")
    parser.add_argument("--overwrite", action="store_true", help="replace a model of that name")
    parser.add_argument(
        "--strategy", default="default", choices=("default", "mirrored"), help="where to train"
    )
    parser.add_argument(
        "--cpu-devices", type=int, default=1, metavar="N", help="logical CPU devices to mirror on"
    )
    add_json(parser)


def add_evaluate_command(commands: Any) -> None:
    """`tfgenxai evaluate`."""
    text = "measure a SavedModel on test images, into its card"
    parser = add_command(commands, "evaluate", _evaluate, text)
    parser.add_argument("path", metavar="PATH", help="a SavedModel with a model card")
    add_data(parser)
    parser.add_argument("--classifier", metavar="PATH", help="labels what a generator draws")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    add_json(parser)


def _model_names() -> list[str]:
    from tfgenxai.models import MODELS

    return list(MODELS)


def _model_name(name: str) -> str:
    """`name`, checked before TensorFlow is imported."""
    from tfgenxai.models import model_entry

    model_entry(name)
    return name


def _data(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from tfgenxai import data

    print_rows([asdict(row) for row in data.sources()], args.json)


def _train(args: argparse.Namespace) -> None:
    from tfgenxai.training.command import TrainRequest, train_and_export

    request = TrainRequest(
        model=args.model,
        name=args.name or args.model,
        out=args.out,
        data=args.data,
        source=args.source,
        folder=args.folder,
        size=args.size,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        decay=args.decay,
        seed=args.seed,
        strategy=args.strategy,
        cpu_devices=args.cpu_devices,
        config=options(args.set, "--set"),
        resume=args.resume,
        overwrite=args.overwrite,
        command="tfgenxai " + shlex.join(word for word in args.words if word != "--resume"),
    )
    with contextlib.redirect_stdout(sys.stderr):  # Keras' progress; results alone go to stdout
        args.path = train_and_export(request)
    args.size = None
    args.classifier = None
    _evaluate(args)


def _evaluate(args: argparse.Namespace) -> None:
    from tfgenxai import data
    from tfgenxai.metrics.evaluate import measure
    from tfgenxai.saved.read import load

    model = load(args.path)
    name = args.data or (model.card or {}).get("data", {}).get("name")
    if name is None:
        raise UsageError(f"{model.path} has no card that names its data; add --data.")
    held_out = data.load(name, "test", source=args.source, folder=args.folder, size=args.size)
    metrics = measure(
        model,
        held_out,
        classifier=_labeller(model, args),
        seed=args.seed,
        note=args.size is None,  # a card speaks of the whole test set
    )
    if args.json:
        print(json.dumps(metrics, indent=2))
    else:
        print(f"{model.path}: {brief(metrics)}")


def _labeller(model: Any, args: argparse.Namespace) -> Any:
    """The classifier that labels what `model` draws: the one named, or the one that ships."""
    from tfgenxai.errors import ModelNotFoundError
    from tfgenxai.saved.read import load

    if args.classifier:
        return load(args.classifier)
    try:
        found = load("classifier") if "generate" in model else None
    except ModelNotFoundError:
        return None
    wanted = model["generate"].outputs["image"].shape if found else None
    return found if found and found["classify"].inputs["image"].shape == wanted else None
