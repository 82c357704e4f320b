"""`tfgenxai latents`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tfgenxai.commands.shared import (
    add_command,
    add_data,
    add_json,
    add_trusted,
    print_rows,
)

_MORE = """\
which codes: a model that encodes has posterior means, or plain codes, of test images of the data
set that it was trained on; one that generates has z, drawn from its prior, and the first hidden
layer of its generator; one that does both, as a BiGAN, has encoder features and both of these.
Images bring their labels along. What a generator draws has none, and is labelled by a classifier,
for digits the one that ships; of a conditional generator it has those that were asked for.

what is measured, of each view of the codes:
  trustworthiness   are neighbours in the view neighbours among the codes? 1 is best
  kNN accuracy      how often 5 nearest neighbours in the view find the label; `of the codes` is the
                    same before projecting: what there was to keep
  silhouette        do the classes keep together (1), mix (0), or lie in one another (below)?
  overlap of seeds  with --seeds: do other seeds show the same neighbours? 1 is the same
The PCA needs no seed: its eigenvalues are put into words, beside what chance alone would give.
Effect sizes say which dimension tells which class: eta squared is the share of a dimension's
variance that lies between classes, Cohen's d how far a class lies from the others.

writes OUT/figures/*.png (each view; eigenvalues, loadings and effects of each space; a traversal,
with Latent Grad-CAM where there is an encoder; an interpolation, linear and spherical; the plane of
two dimensions over the quantiles of the prior), OUT/codes.npz, OUT/projections.csv and
OUT/results.json.

examples:
  tfgenxai latents cvae
  tfgenxai latents cvae-2d --methods pca --size 10000
  tfgenxai latents dcgan --seeds 3 --out runs/dcgan-codes
  tfgenxai latents conv-vae-faces --label background
  tfgenxai latents runs/my-vae --folder my-images --methods pca umap
"""


def add_latents_command(commands: Any) -> None:
    """`tfgenxai latents MODEL`."""
    text = "see and measure the codes of a model: projections, walks, effect sizes"
    parser = add_command(commands, "latents", _latents, text, _MORE)
    parser.add_argument("path", metavar="MODEL", help="a SavedModel, or a shipped model's name")
    parser.add_argument(
        "--methods", nargs="+", metavar="V", help="views: pca, tsne, umap (default: all three)"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="compare N seeds of t-SNE and UMAP"
    )
    parser.add_argument("--label", metavar="F", help="the factor of the images that labels them")
    parser.add_argument("--classifier", metavar="PATH", help="labels what a generator draws")
    add_data(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/latents/MODEL")
    add_trusted(parser)
    add_json(parser)


def _latents(args: argparse.Namespace) -> None:
    from tfgenxai.latent.command import LatentsRequest, latents
    from tfgenxai.latent.projections import PROJECTIONS

    found = latents(
        LatentsRequest(
            path=args.path,
            out=args.out or Path("runs/latents") / Path(args.path).name,
            methods=tuple(dict.fromkeys(args.methods or PROJECTIONS)),
            size=args.size,
            data=args.data,
            source=args.source,
            folder=args.folder,
            label=args.label,
            classifier=args.classifier,
            seeds=args.seeds,
            seed=args.seed,
            trusted=args.trusted,
        )
    )
    if args.json:
        print(json.dumps(found, indent=2))
        return
    for name, space in found["spaces"].items():
        labelled = f"; labels: {space['labels']}" if space["labels"] else "; no labels"
        print(f"{name}: {space['about']}{labelled}\n{space['reading']}\n")
    print_rows(found["table"])
    for name, space in found["spaces"].items():
        if "carriers" in space:
            print(f"The dimension of {name} that sets each class apart most:")
            print_rows(space["carriers"])
    if "factors" in found:
        print("The dimension that tells most of each factor:")
        print_rows(found["factors"])
    print(*found["files"], sep="\n")
