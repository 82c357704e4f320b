"""`tfgenxai methods` and `explain`."""

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
    options,
    print_rows,
)
from tfgenxai.errors import UsageError
from tfgenxai.explain.wording import HELP, read_wording

_MORE = f"""\
{HELP}

Without --target, a method explains what it is made for, or what the signature is for: all latents
of an encoder, each image's own class, the discriminator's logit, the reconstruction error.

inputs: a data set as in `tfgenxai train` (default: test images of the one that the model was
trained on), images of a --folder, a .npy file, or a .npz file with one array for each input. For a
signature that takes a code z: codes drawn from the model's prior (`prior`, the default), or codes
of the images of a data set. A conditional model gets the labels of the data set, or beside codes of
the prior all labels in turn.

writes OUT/attribution.npz (tfgenxai.Attribution.load), OUT/overlay.png and OUT/logs (TensorBoard);
with --stream the values go to OUT/values.npy as they come, so that memory does not grow with them.

examples:
  tfgenxai explain latent_grad_cam cvae --layer encoder_conv_1
  tfgenxai explain saliency classifier --target class:8 --index 0,3,7
  tfgenxai explain integrated_gradients dcgan --target class:8 --model classifier
  tfgenxai explain saliency cvae --signature decode --data mnist --target elbo
  tfgenxai explain lime cvae --signature decode --target class:8 --model classifier \\
      --option background=prior:1000
  tfgenxai explain lrp cvae --signature decode --target pixels:logits:8:20:8:20
  tfgenxai explain saliency net.pb --inputs x --outputs scores --target output:scores:3 --data x.npy
"""


def add_methods_command(commands: Any) -> None:
    """`tfgenxai methods`."""
    parser = add_command(
        commands,
        "methods",
        _methods,
        "list the attribution methods, or the options of one",
        tensorflow=False,
    )
    parser.add_argument(
        "method", nargs="?", metavar="METHOD", type=_method_name, help="list its options"
    )
    add_json(parser)


def add_explain_command(commands: Any) -> None:
    """`tfgenxai explain`."""
    text = "explain a model: which pixels, latents or feature maps a target depends on"
    parser = add_command(commands, "explain", _explain, text, _MORE)
    parser.add_argument("method", metavar="METHOD", type=_method_name, help="see tfgenxai methods")
    parser.add_argument(
        "path", metavar="PATH", help="a SavedModel, a shipped model's name, or a frozen graph .pb"
    )
    what = parser.add_argument_group("what is explained")
    what.add_argument("--target", metavar="T", type=read_wording, help="see below")
    what.add_argument(
        "--signature", metavar="S", help="default: the first that the method and target fit"
    )
    what.add_argument("--layer", metavar="L", help="the layer, for methods that take one")
    what.add_argument(
        "--model",
        "--classifier",
        metavar="PATH",
        help="another model, which judges the generated image, or decodes the code",
    )
    what.add_argument("--inputs", type=_names, default=(), metavar="NODE,...", help="of a .pb file")
    what.add_argument("--outputs", type=_names, default=(), metavar="NODE,...", help="likewise")
    samples = parser.add_argument_group("on which samples")
    samples.add_argument("--data", metavar="D", help="a data set, a .npy or .npz file, or prior")
    add_source(samples)
    samples.add_argument(
        "--encoder", metavar="PATH", help="makes codes of images (default: the model's own)"
    )
    which = samples.add_mutually_exclusive_group()
    which.add_argument(
        "--size", type=int, metavar="N", help="the first N (default: 8; all of a file)"
    )
    which.add_argument("--index", type=_indices, default=(), metavar="I,...", help="these")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the method (see tfgenxai methods METHOD); a .npy file is read, and prior:N is N "
        "codes of the prior; repeatable",
    )
    how.add_argument("--batch-size", type=int, default=64, metavar="N", help="default: 64")
    how.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    how.add_argument("--stream", action="store_true", help="values go to OUT/values.npy")
    how.add_argument("--out", type=Path, metavar="DIR", help="default: runs/explain/METHOD")
    add_trusted(how)
    add_json(how)


def _methods(args: argparse.Namespace) -> None:
    from tfgenxai.attribution import METHODS

    if args.method is None:
        rows = [
            {"method": name, "gives": entry.summary, "source": entry.source}
            for name, entry in METHODS.items()
        ]
        print_rows(rows, args.json)
        return
    from tfgenxai.explain.options import method_options
    from tfgenxai.quiet import import_tensorflow

    import_tensorflow()
    entry = METHODS[args.method]
    listed = method_options(args.method)
    if args.json:
        print(json.dumps({"method": args.method, "gives": entry.summary, "options": listed}))
        return
    print(f"{args.method}: {entry.summary} ({entry.source})\n")
    print_rows(listed)


def _explain(args: argparse.Namespace) -> None:
    from tfgenxai.explain.command import explain
    from tfgenxai.explain.request import ExplainRequest

    found = explain(
        ExplainRequest(
            method=args.method,
            path=args.path,
            out=args.out or Path("runs/explain") / args.method,
            signature=args.signature,
            inputs=args.inputs,
            outputs=args.outputs,
            target=args.target,
            options=_options(args),
            data=args.data,
            source=args.source,
            folder=args.folder,
            size=args.size,
            index=args.index,
            encoder=args.encoder,
            model=args.model,
            batch_size=args.batch_size,
            seed=args.seed,
            stream=args.stream,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    about = ", ".join(f"{key} {value}" for key, value in found["samples"].items())
    where = f" at {found['layer']}" if found["layer"] else ""
    print(
        f"{found['method']} of {found['signature']} of {found['model']}{where}: "
        f"{found['count']} x {tuple(found['map_shape'])} ({about})"
    )
    print_rows(found["targets"])
    print(*found["files"], sep="\n")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    given = options(args.option, "--option")
    if args.layer is None:
        return given
    if "layer" in given:
        raise UsageError("The layer is named twice: by --layer and by --option layer=.")
    return {"layer": args.layer, **given}


def _method_name(name: str) -> str:
    """`name`, checked before TensorFlow is imported."""
    from tfgenxai.attribution import method_entry

    method_entry(name)
    return name


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _indices(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise UsageError(f"--index takes numbers from 0, such as 0,3,7, not {text!r}.")
    return tuple(map(int, text.split(",")))
