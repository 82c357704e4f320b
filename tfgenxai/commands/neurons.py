"""`tfgenxai neurons`."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import add_command, add_json, add_source, add_trusted, print_rows
from tfgenxai.errors import UsageError

_MORE = """\
what is looked at (--what, by default all that the samples allow):
  activations  every layer on the samples: means, zeros, dead units, variance between classes
  maximise     the input that excites units of a layer most, by gradient ascent, against the best
               of as many random inputs
  ablate       what is lost without each unit of a layer, and without half of each layer's units
  similarity   whether samples of one class excite a layer alike, and how alike the layers are (CKA)

what an ablation is measured by (--effect, by default what the signature is for):
  logit          drop of the own class's logit        (classify; layers are compared by accuracy)
  accuracy       loss of accuracy                     (classify)
  verdict        loss of probability of the class that the classifier saw
  image          mean squared change of the image     (decode, generate, reconstruct)
  latents        change of each latent mean           (encode)
  discriminator  change of the discriminator's logit  (discriminate)
  reading        change of each log-probability       (recognise)

samples: test images of the data set that the model was trained on; for a signature that takes a
code, codes drawn from the model's prior, labelled by the classifier from what is drawn of them, or
of a conditional model by the label that was asked for.

writes OUT/results.json, and a .csv and .png for each table and figure.

examples:
  tfgenxai neurons classifier --layer conv_1
  tfgenxai neurons cvae --signature decode --what maximise --channels 0,3,7
  tfgenxai neurons dcgan --signature generate --what ablate --effect verdict
  tfgenxai neurons dcgan --signature discriminate --what activations similarity --size 1000
"""

# What the terminal shows of wide tables; the files hold all columns.
_SHOWN = {
    "maximise": ("target", "best", "random_best", "gain", "quantile", "agreement", "norm_quantile"),
    "ranking": ("unit", "effect", "effect_low", "effect_high", "first_order"),
    "contributions": ("layer", "units", "ablated", "random", "strongest", "whole"),
    "similarity": ("layer", "within", "between", "difference", "p_value"),
}
_ROWS = 10


def add_neurons_command(commands: Any) -> None:
    """`tfgenxai neurons`."""
    text = "look at neurons: what excites them, what is lost without them, what they have in common"
    parser = add_command(commands, "neurons", _neurons, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument("--what", nargs="+", default=(), metavar="W", help="see below")
    parser.add_argument("--signature", metavar="S", help="default: the first that has the layer")
    parser.add_argument(
        "--layer", metavar="L", help="whose units are maximised and ablated (default: last conv.)"
    )
    parser.add_argument(
        "--channels",
        type=_channels,
        default=(),
        metavar="C,...",
        help="its units (default: all are ablated, the eight that vary most are maximised)",
    )
    samples = parser.add_argument_group("on which samples")
    samples.add_argument("--data", metavar="D", help="a data set, a .npy or .npz file, or prior")
    add_source(samples)
    samples.add_argument("--size", type=int, default=200, metavar="N", help="default: 200")
    samples.add_argument("--encoder", metavar="PATH", help="makes codes of images")
    samples.add_argument(
        "--classifier", metavar="PATH", help="labels what is drawn (default: the shipped one)"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--effect", metavar="E", help="see below")
    how.add_argument(
        "--how",
        default="mean",
        choices=("zero", "mean", "resample"),
        help="what ablated units are replaced by: 0, their mean, another sample's (default: mean)",
    )
    how.add_argument("--steps", type=int, default=256, metavar="N", help="of ascent; default: 256")
    how.add_argument("--restarts", type=int, default=8, metavar="N", help="of ascent; default: 8")
    how.add_argument(
        "--bound",
        type=float,
        metavar="B",
        help="inputs stay in [-B, B] (default: 2.5; images 0..1)",
    )
    how.add_argument(
        "--jitter", type=int, default=0, metavar="P", help="shift images by up to P pixels a step"
    )
    how.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    how.add_argument("--out", type=Path, default=Path("runs/neurons"), metavar="DIR")
    add_trusted(how)
    add_json(how)


def _neurons(args: argparse.Namespace) -> None:
    from tfgenxai.neurons.command import look
    from tfgenxai.neurons.request import NeuronsRequest

    found = look(
        NeuronsRequest(
            path=args.path,
            out=args.out,
            what=tuple(dict.fromkeys(args.what)),
            signature=args.signature,
            layer=args.layer,
            channels=args.channels,
            effect=args.effect,
            how=args.how,
            data=args.data,
            source=args.source,
            folder=args.folder,
            size=args.size,
            encoder=args.encoder,
            classifier=args.classifier,
            steps=args.steps,
            restarts=args.restarts,
            bound=args.bound,
            jitter=args.jitter,
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    about = ", ".join(f"{key} {value}" for key, value in found["samples"].items())
    print(f"{found['signature']} of {found['model']}, layer {found['layer']} ({about})")
    for parts in found.values():
        if isinstance(parts, dict) and parts is not found["samples"]:
            _print(parts)
    print(*found["files"], sep="\n")


def _print(parts: dict[str, Any]) -> None:
    """The tables of one look, and its numbers."""
    for name, value in parts.items():
        if not isinstance(value, list):
            print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
        elif name not in ("ablation", "cka"):
            print(f"\n{name}")
            columns = _SHOWN.get(name) or value[0]
            print_rows([{column: row[column] for column in columns} for row in value[:_ROWS]])


def _channels(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise UsageError(f"--channels takes numbers from 0, such as 0,3,7, not {text!r}.")
    return tuple(map(int, text.split(",")))
