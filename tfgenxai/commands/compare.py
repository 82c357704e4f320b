"""`tfgenxai compare`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import Parser, add_command, add_json
from tfgenxai.compare import COMPARISONS

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
    page = found.save(args.out)
    if args.json:
        print(json.dumps(found.json(), indent=2))
        return
    for sentence in found.findings:
        print(f"- {sentence}")
    print(f"{page}: {len(found.figures)} figures, {len(found.frames)} tables")
