"""Sanity: which methods would draw the same maps for a network that has learned nothing.

    python -m benchmarks.sanity

Parameter randomisation (Adebayo et al. 2018) on the models that ship: the weights of all layers are
drawn anew, from the target down, and the maps before and after are compared by rank correlation. A
method fails when maps stay more alike than 0.5 with no weight left as it was trained; what two
random networks have in common stands beside it, for it shows how much the input alone does.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

import tfgenxai
from tfgenxai import data
from tfgenxai.compare.panel import ON_CODES, ON_IMAGES, built
from tfgenxai.metrics.randomisation import FAILS_ABOVE, cascade
from tfgenxai.quiet import import_tensorflow
from tfgenxai.targets import ClassLogit, Discriminator, Latent, Pixels, Target


def cases(count: int, seed: int) -> dict[str, tuple[Any, Any, Target, tuple[str, ...]]]:
    """Network -> graph, inputs, target, methods."""
    images = data.load("mnist", "test").images[:count]
    codes = np.random.default_rng(seed).standard_normal((count, 10)).astype(np.float32)
    load = tfgenxai.load
    encode, decode = load("cvae")["encode"], load("cvae")["decode"]
    drawn = decode.function("z", "image")(codes).numpy()
    upper = (drawn > 0.5) & (np.arange(28)[:, None, None] < 14)
    means = encode.function("image", "mean")(images).numpy()
    widest = int(means.var(axis=0).argmax())
    return {
        "classifier, logit of class 3": (
            load("classifier")["classify"],
            images,
            ClassLogit(3),
            ON_IMAGES,
        ),
        f"CVAE encoder, z{widest}": (encode, images, Latent(widest), ON_IMAGES),
        "DCGAN discriminator": (load("dcgan")["discriminate"], images, Discriminator(), ON_IMAGES),
        "CVAE decoder, strokes in upper half": (
            decode,
            codes,
            Pixels(upper, output="logits"),
            ON_CODES,
        ),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sanity", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--images", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--methods", nargs="+", metavar="M", help="default: all")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    args = parser.parse_args()
    import_tensorflow()
    warnings.simplefilter("ignore")
    print(
        f"{args.images} images or codes, seed {args.seed}; mean rank correlation, ± standard error"
    )
    for title, (graph, inputs, target, methods) in cases(args.images, args.seed).items():
        print(f"\n{title:36}{'last layer':>12}{'all layers':>18}{'random pair':>13}")
        for name in methods:
            if args.methods and name not in args.methods:
                continue
            frame = cascade(
                lambda g, name=name: built(name, g),
                graph,
                inputs,
                target,
                seed=args.seed,
            )
            last, everything, twins = (frame.iloc[i] for i in (0, -2, -1))
            verdict = "  FAILS" if everything.similarity > FAILS_ABOVE else ""
            print(
                f"  {name:34}{last.similarity:12.2f}{everything.similarity:10.2f} ± "
                f"{everything.standard_error:.2f}{twins.similarity:13.2f}{verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
