"""`tfgenxai attack`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.attacks import ATTACKS
from tfgenxai.commands.shared import (
    add_command,
    add_json,
    add_source,
    add_trusted,
    options,
    print_rows,
)

_MORE = """\
attacks on a classifier (signature classify); each leads away from the class that it sees:
  fgsm       one step of eps along the sign of the gradient: quick, and weak against curved losses
  pgd        many small steps, drawn back into a ball of radius eps around the image: the usual test
  deepfool   the nearest image of another class; no eps, what it tells is how near that is
  universal  one perturbation that is added to all images; learned from the images attacked

attacks on a VAE (signatures encode and reconstruct); the goal of each image is the next one of
another class:
  latent     its code becomes the goal's
  output     its reconstruction becomes the goal

what success means: the classifier sees another class than before (with --target, that class); the
VAE's reconstruction of the adversarial image is nearer to the goal than to the image.

norms: linf bounds every pixel by eps, so that many may move a little; l2 bounds the length of the
whole change, so that a few may move a lot. Images stay in [0, 1].

writes OUT/adversarial.npz (images, adversarial ones, probabilities or reconstructions),
OUT/images.csv, OUT/results.json, and OUT/adversarial.png: images, what became of them, and the
difference, enlarged.

examples:
  tfgenxai attack classifier --attack pgd --eps 0.2 --images 100
  tfgenxai attack classifier --attack pgd --norm l2 --eps 2 --target 8 --option restarts=5
  tfgenxai attack classifier --attack deepfool --images 50
  tfgenxai attack cvae --attack latent --norm l2 --eps 3
  tfgenxai compare attacks            do attacks change the pixels that explanations mark?
"""

_ROWS = 10


def add_attack_command(commands: Any) -> None:
    """`tfgenxai attack`."""
    text = "change images by little so that a classifier or a VAE makes something else of them"
    parser = add_command(commands, "attack", _attack, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument(
        "--attack", default="pgd", metavar="A", help=f"{', '.join(ATTACKS)} (default: pgd)"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--eps", type=float, metavar="E", help="size (default: the attack's own)")
    how.add_argument("--norm", metavar="P", help="linf or l2 (default: the attack's own)")
    how.add_argument("--steps", type=int, metavar="N", help="of attacks that take several")
    how.add_argument("--target", type=int, metavar="K", help="the class to be taken for")
    how.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another option of the attack, such as restarts=5",
    )
    how.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    which = parser.add_argument_group("on which images")
    which.add_argument("--images", type=int, default=16, metavar="N", help="default: 16")
    which.add_argument("--data", metavar="D", help="default: what the model was trained on")
    add_source(which)
    parser.add_argument("--out", type=Path, default=Path("runs/attack"), metavar="DIR")
    add_trusted(parser)
    add_json(parser)


def _attack(args: argparse.Namespace) -> None:
    from tfgenxai.attacks.command import AttackRequest, attack

    named = {name: getattr(args, name) for name in ("eps", "norm", "steps")}
    found = attack(
        AttackRequest(
            path=args.path,
            out=args.out,
            attack=args.attack,
            options={name: value for name, value in named.items() if value is not None}
            | options(args.option, "--option"),
            target=args.target,
            data=args.data,
            source=args.source,
            folder=args.folder,
            images=args.images,
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['attack']} on {found['model']}, {found['images']} images: "
        f"{100 * found['success']:.0f} % succeed "
        f"[{100 * found['success_low']:.0f}, {100 * found['success_high']:.0f}]; median size "
        f"{found['median_linf']:.3g} (linf), {found['median_l2']:.3g} (l2), "
        f"{found['median_pixels']:.0f} pixels"
    )
    print_rows(found["rows"][:_ROWS])
    print(*found["files"], sep="\n")
