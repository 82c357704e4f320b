"""The `tfgenxai` command: parse, call, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tfgenxai.errors import TfgenxaiError, UsageError
from tfgenxai.quiet import import_tensorflow

EPILOG = """\
examples:
  tfgenxai models                                   what ships with the project
  tfgenxai compare vae-gan                          the VAE-against-GAN report, in minutes
  tfgenxai train cvae --epochs 10 --out runs        train, export, measure
  tfgenxai train cvae --epochs 10 --out runs --resume    go on after an interruption
  tfgenxai inspect runs/cvae                        signatures and layers of any SavedModel
`tfgenxai COMMAND --help` explains each command.
"""


class _Parser(argparse.ArgumentParser):
    """Usage errors end with exit code 2 and one line, as every other error of ours."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 1 for a failure, 2 for a usage error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        args = build_parser().parse_args(words, argparse.Namespace(words=words))
        if args.run not in _WITHOUT_TENSORFLOW:
            import_tensorflow()
        args.run(args)
        sys.stdout.flush()
    except TfgenxaiError as error:
        print(f"tfgenxai: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("tfgenxai: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"tfgenxai: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="tfgenxai",
        description="Train, export and explain generative image models in TensorFlow.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_models(commands)
    _add_inspect(commands)
    _add_compare(commands)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], text: str, more: str = ""
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_data_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--data", default=default, metavar="D", help="data set: see tfgenxai data")
    parser.add_argument(
        "--source", metavar="S", help="where to take it from (default: first found)"
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="images of your own, or a copy")
    parser.add_argument("--size", type=int, metavar="N", help="use the first N images only")


def _add_data(commands: Any) -> None:
    parser = _command(commands, "data", _data, "list the data sets and where they come from")
    _add_json(parser)


def _add_train(commands: Any) -> None:
    parser = _command(
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
    _add_data_options(parser, None)
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
    _add_json(parser)


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands, "evaluate", _evaluate, "measure a SavedModel on test images, into its card"
    )
    parser.add_argument("path", metavar="PATH", help="a SavedModel with a model card")
    _add_data_options(parser, None)
    parser.add_argument("--classifier", metavar="PATH", help="labels what a generator draws")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    _add_json(parser)


def _add_models(commands: Any) -> None:
    parser = _command(commands, "models", _models, "list SavedModels with data, metrics and size")
    parser.add_argument("folder", nargs="?", type=Path, help="default: the models that ship")
    _add_json(parser)


def _add_inspect(commands: Any) -> None:
    parser = _command(
        commands, "inspect", _inspect, "print signatures and the layer table of any SavedModel"
    )
    parser.add_argument(
        "path", metavar="PATH", help="a SavedModel folder, or a shipped model's name"
    )
    parser.add_argument("--signature", metavar="NAME", help="only this one")
    parser.add_argument(
        "--trusted", action="store_true", help="allow any operation: only for models you trust"
    )
    _add_json(parser)


def _add_compare(commands: Any) -> None:
    parser = _command(commands, "compare", lambda args: None, "compare models or methods")
    kinds = parser.add_subparsers(metavar="WHAT", required=True, parser_class=_Parser)
    vae_gan = _command(
        kinds,
        "vae-gan",
        _compare_vae_gan,
        "a VAE against a GAN: latents, samples, heatmaps, in one HTML report",
        "writes OUT/report.html, OUT/figures/*.png, OUT/results.json and OUT/logs (TensorBoard).",
    )
    vae_gan.add_argument("--vae", default="cvae", metavar="PATH", help="default: the shipped cvae")
    vae_gan.add_argument("--gan", default="dcgan", metavar="PATH", help="default: shipped dcgan")
    vae_gan.add_argument("--classifier", default="classifier", metavar="PATH")
    vae_gan.add_argument("--out", type=Path, default=Path("runs/vae-gan"), metavar="DIR")
    vae_gan.add_argument("--size", type=int, default=2000, metavar="N", help="images and codes")
    vae_gan.add_argument("--source", metavar="S", help="source of MNIST (default: first found)")
    vae_gan.add_argument("--seed", type=int, default=0, metavar="S")
    _add_json(vae_gan)


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

    rows = [asdict(row) for row in data.sources()]
    _print_rows(rows, args.json)


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
        config=dict(_option(text) for text in args.set),
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
        print(f"{model.path}: {_brief(metrics)}")


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


def _models(args: argparse.Namespace) -> None:
    from tfgenxai.saved.listing import list_models

    rows = [
        {
            "name": entry.name,
            "architecture": entry.architecture,
            "data": entry.data,
            "signatures": entry.signatures,
            "metrics": entry.metrics if args.json else _brief(entry.metrics),
            "MB": round(entry.size / 1e6, 1),
        }
        for entry in list_models(args.folder)
    ]
    _print_rows(rows, args.json)


def _inspect(args: argparse.Namespace) -> None:
    from tfgenxai.saved.read import load

    model = load(args.path, trusted=args.trusted)
    names = [args.signature] if args.signature else list(model.signatures)
    layers = {
        name: [
            {
                "name": layer.name,
                "kind": layer.kind,
                "output_shape": str(layer.output_shape).replace("None", "N"),
                "parameters": layer.parameters,
            }
            for layer in model[name].layers
        ]
        for name in names
    }
    if args.json:
        signatures = {name: str(model.signatures[name]) for name in names}
        print(json.dumps({"signatures": signatures, "layers": layers}, indent=2))
        return
    print(model.path)
    for name in names:
        print(f"\n{model.signatures[name]}")
        _print_rows(layers[name], False)


def _compare_vae_gan(args: argparse.Namespace) -> None:
    from tfgenxai.compare.vae_gan import compare_vae_gan
    from tfgenxai.data import load as load_data
    from tfgenxai.saved.read import load

    data = load_data("mnist", "test", source=args.source)
    results = compare_vae_gan(
        load(args.vae),
        load(args.gan),
        load(args.classifier),
        data,
        out=args.out,
        size=args.size,
        seed=args.seed,
    )
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        print(f"{args.out / 'report.html'}: {len(results['figures'])} figures")


_WITHOUT_TENSORFLOW = (_data, _models)


def _option(text: str) -> tuple[str, Any]:
    """KEY=VALUE of --set, the value read as a Python literal where it is one."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set takes KEY=VALUE, not {text!r}.")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def _brief(metrics: dict[str, Any]) -> str:
    """The single numbers among `metrics`, on one line."""
    numbers = (
        f"{k} {v:,}" if isinstance(v, int) else f"{k} {v:.4g}"
        for k, v in metrics.items()
        if isinstance(v, int | float)
    )
    return ", ".join(numbers)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return (" x " if all(isinstance(v, int) for v in value) else ", ").join(map(str, value))
    return "" if value is None else str(value)


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(header_style="bold")
    for column in rows[0] if rows else ():
        numeric = all(isinstance(row[column], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    sys.exit(main())
