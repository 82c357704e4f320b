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
        "watch it: tensorboard --logdir OUT\n"
        "example: tfgenxai train conv-vae --data faces --size 4000 --epochs 5 --out runs",
    )
    models = ", ".join(_model_names())
    parser.add_argument("model", metavar="MODEL", type=_model_name, help=f"one of: {models}")
    add_data(parser)
    parser.add_argument(
        "--only", nargs="+", type=int, default=(), metavar="LABEL", help="images of these labels"
    )
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
        "--half",
        action="store_true",
        help="keep the SavedModel's kernels in 16 bits: half the size, three decimal digits",
    )
    parser.add_argument(
        "--strategy", default="default", choices=("default", "mirrored"), help="where to train"
    )
    parser.add_argument(
        "--cpu-devices", type=int, default=1, metavar="N", help="logical CPU devices to mirror on"
    )
    parser.add_argument(
        "--watch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="explain and measure the model after every epoch, in TensorBoard (default: yes)",
    )
    parser.add_argument(
        "--watch-latents",
        nargs="+",
        type=int,
        default=(),
        metavar="I",
        help="latents whose heatmaps and traversals to watch, from 0 (default: the first four)",
    )
    add_json(parser)


def add_evaluate_command(commands: Any) -> None:
    """`tfgenxai evaluate`."""
    from tfgenxai.metrics import GENERATED_IMAGES, GENERATION_PARTS

    text = "measure a SavedModel on test images, into its card"
    parser = add_command(
        commands,
        "evaluate",
        _evaluate,
        text,
        "what a GAN or a VAE draws is compared with real images by the features and verdicts of a\n"
        "classifier; in the table, `real` is the same measure on as many training images.\n"
        "what a ScrabbleGAN writes is judged by a recogniser.\n"
        "example: tfgenxai evaluate dcgan --generated 5000 --skip memorisation",
    )
    parser.add_argument("path", metavar="PATH", help="a SavedModel with a model card")
    add_data(parser)
    parser.add_argument(
        "--classifier",
        metavar="PATH",
        help="judges what a model draws, a recogniser of words (default: the one shipped)",
    )
    parser.add_argument(
        "--generated",
        type=int,
        default=GENERATED_IMAGES,
        metavar="N",
        help=f"images to draw (default: {GENERATED_IMAGES})",
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=GENERATION_PARTS,
        metavar="PART",
        help=f"leave out a part of what is measured on drawn images; repeatable; one of: "
        f"{', '.join(GENERATION_PARTS)}",
    )
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
    from tfgenxai.metrics import GENERATED_IMAGES
    from tfgenxai.training.command import TrainRequest, train_and_export

    request = TrainRequest(
        model=args.model,
        name=args.name or args.model,
        out=args.out,
        data=args.data,
        source=args.source,
        folder=args.folder,
        size=args.size,
        only=args.only,
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
        half=args.half,
        command="tfgenxai " + shlex.join(word for word in args.words if word != "--resume"),
    )
    watcher = None
    if args.watch:
        from tfgenxai.tensorboard.watch import watch

        watcher = watch(args.watch_latents)
    with contextlib.redirect_stdout(sys.stderr):  # Keras' progress; results alone go to stdout
        args.path = train_and_export(request, watcher)
    args.size = None
    args.classifier = None
    args.generated = GENERATED_IMAGES
    args.skip = []
    _evaluate(args)


def _evaluate(args: argparse.Namespace) -> None:
    from tfgenxai import data
    from tfgenxai.metrics.evaluate import measure
    from tfgenxai.saved.read import load

    if args.generated < 2:
        raise UsageError(f"--generated must be at least 2, not {args.generated}.")
    model = load(args.path)
    name = args.data or model.trained_on.get("name")
    if name is None:
        raise UsageError(f"{model.path} has no card that names its data; add --data.")
    held_out = data.load(name, "test", source=args.source, folder=args.folder, size=args.size)
    only = model.trained_on.get("only")
    if only:
        held_out = held_out.only(only)
    judge = _judge(model, args, name)
    train = None
    if judge is not None:
        train = data.load(name, "train", source=args.source, folder=args.folder, size=args.size)
        train = train.only(only) if only else train
    metrics = measure(
        model,
        held_out,
        train=train,
        classifier=judge,
        generated=args.generated,
        skip=args.skip,
        seed=args.seed,
        note=args.size is None,  # a card speaks of the whole test set
    )
    if args.json:
        print(json.dumps(metrics, indent=2))
        return
    compared = [name for name in metrics if f"{name}_real" in metrics]
    in_rows = {name + end for name in compared for end in ("", "_low", "_high", "_real")}
    print(f"{model.path}: {brief({k: v for k, v in metrics.items() if k not in in_rows})}")
    if compared:
        print_rows([_measure_row(name, metrics) for name in compared])


def _measure_row(name: str, metrics: dict[str, Any]) -> dict[str, Any]:
    """A measure of generated images, its interval and what real images reach."""
    ends = [metrics.get(f"{name}_{end}") for end in ("low", "high")]
    return {
        "measure": name.replace("_", " "),
        "generated": _digits(metrics[name]),
        "95 % interval": "" if None in ends else " to ".join(map(_digits, ends)),
        "real": _digits(metrics[f"{name}_real"]),
    }


def _digits(value: float | None) -> str:
    if value is None:
        return "infinite"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _judge(model: Any, args: argparse.Namespace, data_name: str) -> Any:
    """What judges what `model` draws, a recogniser if it writes: the one named, or that ships.

    None where the model draws nothing, or where the one that ships knows other images.
    """
    from tfgenxai.latent.classifier import shipped_classifier
    from tfgenxai.latent.generator import find_generator
    from tfgenxai.metrics.draws import writes_words
    from tfgenxai.metrics.reader import shipped_recogniser
    from tfgenxai.saved.read import load
    from tfgenxai.saved.word import alphabet_of

    graph = find_generator(model)
    if args.classifier:
        return load(args.classifier)
    if writes_words(model):
        recogniser = shipped_recogniser(data_name, alphabet_of(model))
        if recogniser is None:
            print(
                f"No recogniser of {data_name} ships, so that what the model writes is not "
                f"measured; name one: tfgenxai evaluate {model.path} --classifier RECOGNISER",
                file=sys.stderr,
            )
        return recogniser
    return (
        None if graph is None else shipped_classifier(data_name, graph.outputs["image"].shape[1:])
    )
