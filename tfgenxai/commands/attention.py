"""`tfgenxai attention`."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import (
    add_command,
    add_json,
    add_source,
    add_trusted,
    brief,
    print_rows,
)
from tfgenxai.errors import UsageError

_MORE = """\
A self-attention layer lets every place of a feature map (a query) take values from all places (the
keys). Its map says how much it takes from each; the shares of one query sum to 1. The layer is
found in the frozen graph by what it computes, softmax(QK')V, whatever it is called.

how to read it:
  gain      the learnt number that multiplies what is taken before it is added to what was there.
            It starts at 0: with a gain of 0 the picture of the map is there, its effect is not
  entropy   of a query's shares, over its largest value log2 K: 1 takes the same from all keys
  mass      the share taken from ink, beside the digit's share of the image, which is chance
  distance  mean distance from the query to what it takes from, in pixels
  controls  the same with the weights of queries and keys shuffled, and for the uniform map
docs/attention.md says more.

queries (--query ROW,COLUMN in pixels of the image, repeatable): by default three on the stroke and
three in the background of each image. index.png shows what a common slip makes of them: with
row * column in place of row * W + column another query's map, further up, is shown without error.

samples: codes of the model's prior for a generator, with all labels in turn if it takes labels;
test images of the data set that the model was trained on for a discriminator.

writes OUT/maps.npz (all maps; AttentionMaps.load opens it), queries.png, index.png, measures.png,
measures.csv, queries.csv and results.json.

examples:
  tfgenxai attention sagan
  tfgenxai attention sagan --query 14,9 --query 4,4
  tfgenxai attention cgan --signature discriminate --size 64 --out runs/cgan-looks
"""

_SHOWN = ("map", "queries", "images", "entropy_share", "mass", "chance", "distance")
_QUERIES = ("sample", "query", "row", "column", "entropy_share", "mass", "distance")


def add_attention_command(commands: Any) -> None:
    """`tfgenxai attention`."""
    text = "show where each pixel takes from in a model with self-attention, and measure it"
    parser = add_command(commands, "attention", _attention, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument(
        "--signature", metavar="S", help="default: generate, else the first with attention"
    )
    parser.add_argument("--layer", metavar="L", help="default: the last self-attention")
    parser.add_argument("--head", type=int, metavar="H", help="default: the mean over heads")
    parser.add_argument(
        "--query", action="append", default=[], metavar="R,C", help="pixel; see below"
    )
    samples = parser.add_argument_group("on which samples")
    samples.add_argument("--data", metavar="D", help="a data set, a .npy or .npz file, or prior")
    add_source(samples)
    samples.add_argument("--size", type=int, default=32, metavar="N", help="default: 32")
    samples.add_argument("--shown", type=int, default=4, metavar="N", help="drawn; default: 4")
    samples.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--out", type=Path, default=Path("runs/attention"), metavar="DIR")
    add_trusted(parser)
    add_json(parser)


def _attention(args: argparse.Namespace) -> None:
    queries = tuple(_pixel(text) for text in args.query)
    from tfgenxai.attention.command import AttentionRequest, attend

    found = attend(
        AttentionRequest(
            path=args.path,
            out=args.out,
            signature=args.signature,
            layer=args.layer,
            head=args.head,
            queries=queries,
            data=args.data,
            source=args.source,
            folder=args.folder,
            size=args.size,
            shown=args.shown,
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    about = ", ".join(f"{key} {value}" for key, value in found["samples"].items())
    grids = [f"{rows} x {columns}" for rows, columns in (found["query_grid"], found["key_grid"])]
    print(f"{found['signature']} of {found['model']}, layer {found['layer']} ({about})")
    print(f"{grids[0]} queries to {grids[1]} keys; {_gain(found['gain'])}")
    if "output" in found:
        print(
            f"without it, {found['output']} moves by {found['mean_change_without']:.4g} on average"
        )
    print_rows([{name: row[name] for name in _SHOWN} for row in found["measures"]])
    print_rows([{name: row[name] for name in _QUERIES} for row in found["queries"]])
    print(*found["files"], sep="\n")


def _gain(gain: float | None) -> str:
    if gain is None:
        return "no learnt gain"
    return brief({"gain": gain}) + (": the attention has no effect" if gain == 0 else "")


def _pixel(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"\d+,\d+", text):
        raise UsageError(f"--query takes ROW,COLUMN, such as 14,9, not {text!r}.")
    row, column = text.split(",")
    return int(row), int(column)
