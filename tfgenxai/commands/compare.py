"""`tfgenxai compare`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgenxai.commands.shared import Parser, add_command, add_json
from tfgenxai.compare import COMPARISONS

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison

WRITES = """\
writes OUT/report.html, OUT/results.json, OUT/tables/*.csv and OUT/figures/*.png.
"""


def add_compare_command(commands: Any) -> None:
    """`tfgenxai compare WHAT`."""
    parser = add_command(commands, "compare", lambda args: None, "compare models or methods")
    kinds = parser.add_subparsers(metavar="WHAT", required=True, parser_class=Parser)
    for name, entry in COMPARISONS.items():
        kind = add_command(kinds, name, _compare, entry.summary, WRITES)
        kind.set_defaults(comparison=name)
        _add_options(kind, Path("runs") / name)
        kind.add_argument(
            "--size",
            type=int,
            default=entry.size,
            metavar="N",
            help="images and codes to look at (default: %(default)s)",
        )
    whole = add_command(
        kinds,
        "all",
        _compare_all,
        "all of them, and one page that says what was found and what to use each model for",
        WRITES + "Each comparison is written to OUT/NAME/ as soon as it is done.",
    )
    _add_options(whole, Path("runs/all"))
    whole.add_argument("--only", nargs="+", metavar="WHAT", default=(), help="these comparisons")
    whole.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="look at X times as many images as each does by itself (default: %(default)s)",
    )


def _add_options(parser: argparse.ArgumentParser, out: Path) -> None:
    for role, name in (("vae", "cvae"), ("gan", "dcgan"), ("classifier", "classifier")):
        parser.add_argument(
            f"--{role}", default=name, metavar="PATH", help="default: the shipped %(default)s"
        )
    parser.add_argument("--source", metavar="S", help="source of MNIST (default: first found)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help="default: %(default)s")
    add_json(parser)


def _subjects(args: argparse.Namespace) -> Any:
    from tfgenxai.compare.subjects import Subjects

    return Subjects.load(vae=args.vae, gan=args.gan, classifier=args.classifier, source=args.source)


def _compare(args: argparse.Namespace) -> None:
    from tfgenxai import compare

    found = compare.run(args.comparison, _subjects(args), size=args.size, seed=args.seed)
    _written(found, args)


def _compare_all(args: argparse.Namespace) -> None:
    from tfgenxai.compare.everything import compare_all

    found = compare_all(
        _subjects(args), out=args.out, names=args.only, scale=args.scale, seed=args.seed
    )
    _written(found, args)


def _written(found: Comparison, args: argparse.Namespace) -> None:
    """Saves, and prints what was found."""
    page = found.save(args.out)
    if args.json:
        print(json.dumps(found.json(), indent=2))
        return
    for sentence in found.findings:
        print(f"- {sentence}")
    print(f"{page}: {len(found.figures)} figures, {len(found.frames)} tables")
