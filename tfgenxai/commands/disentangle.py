"""`tfgenxai disentangle`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_trusted, print_rows

_MORE = """\
metrics (docs/disentanglement.md says what each means, and when it misleads):
  beta_vae    accuracy of naming the factor that pairs of images share
  factor_vae  accuracy of naming the factor held fixed by the latent that moves least
  mig         gap of information between the two latents that know most of a factor
  sap         gap of accuracy between the two latents that predict a factor best
  dci         disentanglement, completeness and informativeness of boosted trees

The images are of the set's test split. Faces are drawn when first needed, about a hundred a
second, and kept.

writes OUT/results.json, OUT/scores.csv, and a picture of factors by latents for each metric
that looks at single latents.

examples:
  tfgenxai disentangle conv-vae-faces --samples 2000 --controls
  tfgenxai disentangle my_vae --data dsprites --metrics mig dci --repeats 3
"""


def add_disentangle_command(commands: Any) -> None:
    """`tfgenxai disentangle`."""
    text = "measure whether single latents of an encoder stand for single factors of the images"
    parser = add_command(commands, "disentangle", _disentangle, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument(
        "--data", metavar="D", help="faces, dsprites or shapes3d (default: the model's own)"
    )
    parser.add_argument("--source", metavar="S", help="where to take it from")
    parser.add_argument(
        "--samples",
        type=int,
        default=10_000,
        metavar="N",
        help="images to learn from, and half as many to test on (default: 10000)",
    )
    parser.add_argument("--metrics", nargs="+", metavar="M", help="see below (default: all)")
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="R", help="splits and draws (default: 1)"
    )
    parser.add_argument(
        "--controls",
        action="store_true",
        help="measure the same network with random weights, and principal components of the pixels",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--out", type=Path, default=Path("runs/disentangle"), metavar="DIR")
    add_trusted(parser)
    add_json(parser)


def _disentangle(args: argparse.Namespace) -> None:
    from tfgenxai.latent.disentanglement.command import METRICS, DisentangleRequest, disentangle

    found = disentangle(
        DisentangleRequest(
            path=args.path,
            out=args.out,
            data=args.data,
            source=args.source,
            samples=args.samples,
            metrics=METRICS if args.metrics is None else tuple(dict.fromkeys(args.metrics)),
            repeats=args.repeats,
            controls=args.controls,
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['model']} on {found['data']}: {found['train']:,} images to learn from, "
        f"{found['test']:,} to test on, {len(found['factors'])} factors, "
        f"seeds {', '.join(map(str, found['seeds']))}"
    )
    print_rows(found["scores"])
    print(*found["files"], sep="\n")
