"""`tfgenxai write`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_trusted

_MORE = """\
a style is a code z, drawn by its seed: the same seed writes every word in the same hand. The words
of a text stand side by side, all in one style. Words may have any length, though those longer than
the model was trained on may look worse.

the picture, one of:
  (default)        the text in the style of --style-seed
  --styles K       a row a style, of the seeds N, N+1, ...; a column a word
  --between A B    from the style of seed A to that of seed B, in --steps on one sheet, or moving
                   if --out is a .gif; on the way the code keeps its length (an arc, not a line)
  --along FILE     moving, from z - E a to z + E a: the direction a of a file that
                   `tfgenxai directions MODEL@WORD` wrote, chosen by its number or name

what is read: if a recogniser for these words ships, or one is given, it says what it reads. It was
trained on real words alone, apart from the model, so that what it cannot read is not legible.

examples:
  tfgenxai write 2021 --style-seed 7
  tfgenxai write "24 12 2026" --styles 6 --out hands.png
  tfgenxai write 2026 --between 1 5 --out hands.gif
  tfgenxai directions scrabble-gan@2026 --method ganspace --out runs/2026
  tfgenxai write 90210 --along runs/2026/directions-ganspace.npz --direction slant --out lean.gif
  tfgenxai write 31 --scale 8 --resample bicubic --json

in Python: image = tfgenxai.write("2021", style_seed=7)
"""


def add_write_command(commands: Any) -> None:
    """`tfgenxai write TEXT`."""
    text = "write words in a style as an image, and say what a recogniser reads in it"
    parser = add_command(commands, "write", _write, text, _MORE)
    parser.add_argument("text", metavar="TEXT", help="a word, or several with spaces between")
    parser.add_argument(
        "--model", default="scrabble-gan", metavar="M", help="writes it (default: %(default)s)"
    )
    parser.add_argument(
        "--style-seed", type=int, default=0, metavar="N", help="of the style (default: 0)"
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--styles", type=int, default=1, metavar="K", help="a row for each of K")
    kinds.add_argument(
        "--between", type=int, nargs=2, metavar=("A", "B"), help="from style seed A to B"
    )
    kinds.add_argument("--along", type=Path, metavar="FILE", help="directions, as .npz")
    parser.add_argument(
        "--direction", default="0", metavar="D", help="of --along: number or name (default: 0)"
    )
    parser.add_argument(
        "--reach", type=float, default=6.0, metavar="E", help="of --along (default: 6)"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="of a walk (default: 9, and 25 of a .gif)"
    )
    parser.add_argument("--stacked", action="store_true", help="words one under another")
    parser.add_argument(
        "--scale", type=int, default=4, metavar="N", help="times as large (default: 4)"
    )
    parser.add_argument(
        "--resample", default="nearest", metavar="R", help="nearest or bicubic (default: nearest)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".png or .gif (default: named after the text)"
    )
    parser.add_argument(
        "--recogniser", metavar="PATH", help="reads it (default: the one that ships); 'none'"
    )
    add_trusted(parser)
    add_json(parser)


def _write(args: argparse.Namespace) -> None:
    from tfgenxai.writing.command import WriteRequest, written

    found = written(
        WriteRequest(
            text=args.text,
            model=args.model,
            style_seed=args.style_seed,
            styles=args.styles,
            between=None if args.between is None else tuple(args.between),
            along=args.along,
            direction=args.direction,
            reach=args.reach,
            steps=args.steps,
            stacked=args.stacked,
            scale=args.scale,
            resample=args.resample,
            out=args.out,
            recogniser=args.recogniser,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(found["file"])
    if found["recogniser"] is not None:
        print(_reading(found["recogniser"], found["images"]))


def _reading(recogniser: str, images: list[dict[str, Any]]) -> str:
    """What is read, in a sentence."""
    if len(images) == 1:
        (image,) = images
        return f"{recogniser} reads {image['read']!r}: {'right' if image['right'] else 'wrong'}"
    right = sum(image["right"] for image in images)
    return f"{recogniser} reads {right} of {len(images)} rightly"
