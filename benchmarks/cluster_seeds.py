"""Seeds: how far clusters of a VAE are the digits, over trainings that differ by seed.

    python -m benchmarks.cluster_seeds runs/cluster-vae runs/cluster-vae-1 runs/cluster-vae-2

Each model clusters the test digits of MNIST, and each cluster is matched to one digit so that the
most images agree. Beside them: k-means on the pixels of training images, with the same seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import tfgenxai
from tfgenxai import data
from tfgenxai.quiet import import_tensorflow


def rows(path: str, train: Any, test: Any) -> list[dict[str, Any]]:
    """The model at `path`, and k-means with its seed and number of clusters."""
    from tfgenxai.compare.clustering import pixel_clusters
    from tfgenxai.metrics.clusters import match_clusters
    from tfgenxai.metrics.codes import hungarian_accuracy

    model = tfgenxai.load(path)
    config = (model.card or {}).get("architecture", {}).get("config", {})
    known, asked = (model.as_trained(each).images for each in (train, test))
    seed = config.get("seed", 0)
    matching = match_clusters(model["cluster"], asked, test.labels)
    votes = pixel_clusters(known, asked, len(matching.label_of), seed=seed)["k-means on pixels"]
    return [
        {"model": Path(path).name, "seed": seed, **matching.row()},
        {"model": "k-means on pixels", "seed": seed}
        | hungarian_accuracy(votes, test.labels, categories=len(matching.label_of)).row(),
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster_seeds", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("models", nargs="+", help="models with `cluster`, by name or folder")
    parser.add_argument("--size", type=int, default=10_000, help="default: %(default)s")
    args = parser.parse_args()
    import_tensorflow()
    train, test = data.load("mnist", "train")[: args.size], data.load("mnist", "test")[: args.size]
    pairs = [rows(path, train, test) for path in args.models]
    print(f"{len(test):,} test digits, k-means on {len(train):,} ({test.source})")
    print(f"{'clusters':24}{'seed':>6}{'accuracy':>10}{'interval':>18}{'NMI':>7}{'ARI':>7}")
    for each in (row for kind in zip(*pairs, strict=True) for row in kind):
        ends = f"[{each['accuracy_low']:.3f}, {each['accuracy_high']:.3f}]"
        print(
            f"{each['model']:24}{each['seed']!s:>6}{each['accuracy']:10.3f}{ends:>18}"
            f"{each['nmi']:7.3f}{each['ari']:7.3f}"
        )
    for name, kind in zip(("models", "k-means"), zip(*pairs, strict=True), strict=True):
        for measure in ("accuracy", "nmi"):
            values = np.array([row[measure] for row in kind])
            spread = f" ± {values.std(ddof=1):.3f} (standard deviation)" if len(values) > 1 else ""
            print(f"{measure} of {len(values)} {name}: mean {values.mean():.3f}{spread}")


if __name__ == "__main__":
    main()
