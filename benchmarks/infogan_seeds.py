"""Seeds: how often an InfoGAN's category becomes the digit, over trainings that differ by seed.

    python -m benchmarks.infogan_seeds runs/infogan runs/infogan-1 runs/infogan-2

Q of each model reads the 10,000 test digits of MNIST; each category is matched to one digit so that
the most images agree. Chen et al. 2016 report 95 % and say of which seed or of how many nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import tfgenxai
from tfgenxai import data
from tfgenxai.quiet import import_tensorflow


def row(path: str, digits: Any) -> dict[str, Any]:
    """What the model at `path` reads from the digits."""
    from tfgenxai.latent.codes import CodeParts, read_codes
    from tfgenxai.metrics.codes import hungarian_accuracy

    model = tfgenxai.load(path)
    card = model.card or {}
    logits, _ = read_codes(model["infer"], model.as_trained(digits).images)
    found = hungarian_accuracy(
        logits.argmax(axis=1), digits.labels, categories=CodeParts.of(model).categories
    )
    return {
        "model": Path(path).name,
        "seed": card.get("architecture", {}).get("config", {}).get("seed"),
        "epochs": card.get("training", {}).get("epochs"),
        **found.row(),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.infogan_seeds", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("models", nargs="+", help="InfoGANs, by name or folder")
    parser.add_argument("--size", type=int, default=10_000, help="default: %(default)s")
    args = parser.parse_args()
    import_tensorflow()
    digits = data.load("mnist", "test")[: args.size]
    rows = [row(path, digits) for path in args.models]
    print(f"{len(digits):,} test digits ({digits.source})")
    print(
        f"{'model':24}{'seed':>6}{'epochs':>8}{'accuracy':>10}{'interval':>18}{'NMI':>7}{'ARI':>7}"
    )
    for each in rows:
        ends = f"[{each['accuracy_low']:.3f}, {each['accuracy_high']:.3f}]"
        print(
            f"{each['model']:24}{each['seed']!s:>6}{each['epochs']!s:>8}{each['accuracy']:10.3f}"
            f"{ends:>18}{each['nmi']:7.3f}{each['ari']:7.3f}"
        )
    accuracies = np.array([each["accuracy"] for each in rows])
    spread = f" ± {accuracies.std(ddof=1):.3f} (standard deviation)" if len(rows) > 1 else ""
    print(
        f"mean of {len(rows)}: {accuracies.mean():.3f}{spread}, from {accuracies.min():.3f} to "
        f"{accuracies.max():.3f}; published: 0.95"
    )


if __name__ == "__main__":
    main()
