"""`tfgenxai directions`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_trusted, print_rows

_MORE = """\
a direction is a line in the space of codes: from any code z, the images of z + epsilon a, for
epsilon from -6 to 6, change in one way. Nothing says which way: that is measured afterwards.

methods (docs/directions.md has the formulas):
  learned      trained so that a second network can tell, from an image before and after, which of K
               directions was taken, and how far (Voynov and Babenko 2020)
  orthonormal  the same, at right angles to one another
  random       drawn at random: what any direction does
  coordinate   axes of the code: what looking at single latents would show
  sefa         singular vectors of the generator's first layer, without training; of a code cut
               into parts, of the first layers of each part
  ganspace     principal components of its first activations, without training

how to read the results:
  image distance   how much pictures change at both ends; 1 is as much as from one draw to another
  class changed    share of codes that the classifier calls something else on the way
  slant, ... effect   change from end to end, in standard deviations of what the generator draws
  text lost        of words: share of those read rightly that are not so all along the way
  accuracy (--rca) how well a fresh network, trained alike for every method, tells directions
                   apart on pairs that it has not seen; guessing is right 1/K of the time. A score
                   says that directions differ visibly, not that they mean something: look.

a model of words is given with a word, as MODEL@WORD. Whether its directions hold for other words
is seen when they are applied there: --apply.

cost: one step draws 64 images, and one of 'learned' goes back through half of them: for digits a
tenth of a second or two of one core. --rca trains as many steps again for every method. Ctrl-C
while directions are learnt ends the command and keeps what was learnt. At the default rate a few
thousand steps do; at the paper's 1e-4 it takes tens of thousands.

writes, for each NAME, OUT/directions-NAME.npz and .png, OUT/gifs/NAME-K.gif, OUT/effects-NAME.csv
and .png, OUT/learning-NAME.png; with --rca OUT/rca.csv and rca.png; OUT/results.json.

examples:
  tfgenxai directions dcgan --method sefa ganspace
  tfgenxai directions cgan --steps 3000
  tfgenxai directions cgan --method learned random coordinate --rca
  tfgenxai directions scrabble-gan@2026 --method sefa ganspace
  tfgenxai directions scrabble-gan@711 --apply runs/directions/scrabble-gan@2026/directions-sefa.npz
  tfgenxai directions gan --apply runs/directions/cgan/directions-learned.npz --labels 3
"""


def add_directions_command(commands: Any) -> None:
    """`tfgenxai directions MODEL`."""
    text = "find directions in the codes of a generator, and measure what each changes"
    parser = add_command(commands, "directions", _directions, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument(
        "--method", nargs="+", metavar="M", help="see below (default: learned, unless --apply)"
    )
    parser.add_argument(
        "--apply",
        nargs="+",
        type=Path,
        default=[],
        metavar="NPZ",
        help="directions of a file, found on this model or on one with codes of the same width",
    )
    parser.add_argument(
        "--count", type=int, metavar="K", help="directions of a method (default: 20; 10 of a word)"
    )
    parser.add_argument(
        "--steps", type=int, default=2000, metavar="N", help="of every training (default: 2000)"
    )
    parser.add_argument(
        "--rate", type=float, default=1e-3, metavar="R", help="Adam's (default: 1e-3)"
    )
    parser.add_argument(
        "--reach", type=float, default=6.0, metavar="E", help="largest epsilon (default: 6)"
    )
    parser.add_argument(
        "--reconstructor",
        metavar="R",
        help="lenet; conv: larger, slower, and for images below 28x28; resdown, resdown-full: for "
        "words (default: lenet; resdown for a word)",
    )
    parser.add_argument(
        "--rca", action="store_true", help="measure how well a fresh network tells them apart"
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=100,
        metavar="N",
        help="codes that effects are measured on (default: 100)",
    )
    parser.add_argument(
        "--classifier",
        metavar="PATH",
        help="sees classes (default: for digits the one that ships); 'none' leaves classes out",
    )
    parser.add_argument(
        "--recogniser",
        metavar="PATH",
        help="reads words (default: the one that ships); 'none' leaves reading out",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        type=int,
        default=[],
        metavar="L",
        help="labels that a conditional model's pictures have (default: all in turn)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/directions/MODEL")
    add_trusted(parser)
    add_json(parser)


def _directions(args: argparse.Namespace) -> None:
    from tfgenxai.latent.directions.command import directions
    from tfgenxai.latent.directions.request import DirectionsRequest
    from tfgenxai.latent.directions.training import Training

    methods = args.method or ([] if args.apply else ["learned"])
    found = directions(
        DirectionsRequest(
            path=args.path,
            out=args.out or Path("runs/directions") / Path(args.path).name,
            methods=tuple(dict.fromkeys(methods)),
            apply=tuple(args.apply),
            count=args.count,
            reconstructor=args.reconstructor,
            training=Training(
                steps=args.steps,
                rate=args.rate,
                reach=args.reach,
            ),
            judge=args.rca,
            samples=args.samples,
            classifier=args.classifier,
            recogniser=args.recogniser,
            labels=tuple(args.labels),
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    for name, measured in found["directions"].items():
        print(f"{name}: {len(measured['names'])} directions, {found['samples']} codes moved")
        print_rows([_row(k, row) for k, row in enumerate(measured["effects"])])
    if found["rca"]:
        print("Told apart by a network trained on each:")
        print_rows(found["rca"])
    print(*found["files"], sep="\n")


def _row(k: int, row: dict[str, Any]) -> dict[str, Any]:
    """What fits on a line: name, distance, classes, and the effect on every measure."""
    shown = {"K": k, "name": row["direction"], "image distance": row["image distance"]}
    if "class changed" in row:
        shown["class changed"] = row["class changed"]
    if "text lost" in row:
        shown["text lost"] = row["text lost"]
    return shown | {key: value for key, value in row.items() if key.endswith(" effect")}
