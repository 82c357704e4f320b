"""`tfgenxai compare`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import Parser, add_command, add_json


def add_compare_command(commands: Any) -> None:
    """`tfgenxai compare WHAT`."""
    parser = add_command(commands, "compare", lambda args: None, "compare models or methods")
    kinds = parser.add_subparsers(metavar="WHAT", required=True, parser_class=Parser)
    vae_gan = add_command(
        kinds,
        "vae-gan",
        _compare_vae_gan,
        "a VAE against a GAN: latents, samples, heatmaps, in one HTML report",
        "writes OUT/report.html, OUT/figures/*.png, OUT/results.json and OUT/logs (TensorBoard).",
    )
    vae_gan.add_argument("--vae", default="cvae", metavar="PATH", help="default: the shipped cvae")
    vae_gan.add_argument("--gan", default="dcgan", metavar="PATH", help="default: shipped dcgan")
    vae_gan.add_argument("--classifier", default="classifier", metavar="PATH")
    vae_gan.add_argument("--out", type=Path, default=Path("runs/vae-gan"), metavar="DIR")
    vae_gan.add_argument("--size", type=int, default=2000, metavar="N", help="images and codes")
    vae_gan.add_argument("--source", metavar="S", help="source of MNIST (default: first found)")
    vae_gan.add_argument("--seed", type=int, default=0, metavar="S")
    add_json(vae_gan)


def _compare_vae_gan(args: argparse.Namespace) -> None:
    from tfgenxai.compare.vae_gan import compare_vae_gan
    from tfgenxai.data import load as load_data
    from tfgenxai.saved.read import load

    data = load_data("mnist", "test", source=args.source)
    results = compare_vae_gan(
        load(args.vae),
        load(args.gan),
        load(args.classifier),
        data,
        out=args.out,
        size=args.size,
        seed=args.seed,
    )
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        print(f"{args.out / 'report.html'}: {len(results['figures'])} figures")
