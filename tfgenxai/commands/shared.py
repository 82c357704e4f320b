"""What the commands share: parsers whose errors are one line, common options, tables."""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tfgenxai.errors import UsageError

Options = argparse.ArgumentParser | argparse._ArgumentGroup


class Parser(argparse.ArgumentParser):
    """Usage errors end with exit code 2 and one line, as every other error of ours."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See `{self.prog} --help`.")


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
    more: str = "",
    *,
    tensorflow: bool = True,
) -> argparse.ArgumentParser:
    """The parser of a command that `run` runs; `tensorflow` says whether it needs TensorFlow."""
    parser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, tensorflow=tensorflow)
    return parser


def add_json(parser: Options) -> None:
    """Adds --json."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_source(parser: Options) -> None:
    """Adds --source and --folder: where a data set comes from."""
    parser.add_argument(
        "--source", metavar="S", help="where to take it from (default: first found)"
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="images of your own, or a copy")


def add_data(parser: Options) -> None:
    """Adds --data, --source, --folder and --size."""
    parser.add_argument("--data", metavar="D", help="data set: see tfgenxai data")
    add_source(parser)
    parser.add_argument("--size", type=int, metavar="N", help="use the first N images only")


def add_trusted(parser: Options) -> None:
    """Adds --trusted."""
    parser.add_argument(
        "--trusted", action="store_true", help="allow any operation: only for models you trust"
    )


def options(texts: Sequence[str], flag: str) -> dict[str, Any]:
    """KEY=VALUE of a repeatable flag; values are read as Python literals where they are some."""
    return dict(_option(text, flag) for text in texts)


def _option(text: str, flag: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{flag} takes KEY=VALUE, not {text!r}.")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def brief(metrics: dict[str, Any]) -> str:
    """The single numbers among `metrics`, on one line."""
    numbers = (
        f"{k} {v:,}" if isinstance(v, int) else f"{k} {v:.4g}"
        for k, v in metrics.items()
        if isinstance(v, int | float)
    )
    return ", ".join(numbers)


def print_rows(rows: list[dict[str, Any]], as_json: bool = False) -> None:
    """A table with one line a row, all of the same keys; or JSON."""
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


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return (" x " if all(isinstance(v, int) for v in value) else ", ").join(map(str, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
