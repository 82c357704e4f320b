"""`tfgenxai models` and `inspect`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_trusted, brief, print_rows


def add_models_command(commands: Any) -> None:
    """`tfgenxai models`."""
    text = "list SavedModels with data, metrics and size"
    parser = add_command(commands, "models", _models, text, tensorflow=False)
    parser.add_argument("folder", nargs="?", type=Path, help="default: the models that ship")
    add_json(parser)


def add_inspect_command(commands: Any) -> None:
    """`tfgenxai inspect`."""
    text = "print signatures and the layer table of any SavedModel"
    parser = add_command(commands, "inspect", _inspect, text)
    parser.add_argument(
        "path", metavar="PATH", help="a SavedModel folder, or a shipped model's name"
    )
    parser.add_argument("--signature", metavar="NAME", help="only this one")
    add_trusted(parser)
    add_json(parser)


def _models(args: argparse.Namespace) -> None:
    from tfgenxai.saved.listing import list_models

    rows = [
        {
            "name": entry.name,
            "architecture": entry.architecture,
            "data": entry.data,
            "signatures": entry.signatures,
            "metrics": entry.metrics if args.json else brief(entry.metrics),
            "MB": round(entry.size / 1e6, 1),
        }
        for entry in list_models(args.folder)
    ]
    print_rows(rows, args.json)


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
        print_rows(layers[name])
