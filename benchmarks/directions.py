"""How well directions of a generator can be told apart, by every method that finds some.

    python -m benchmarks.directions --model cgan --seeds 2 --steps 3000
    python -m benchmarks.directions --model dcgan --cost        # seconds a step, and nothing else

Reconstructor accuracy (Voynov and Babenko 2020): a network R of its own is trained from scratch on
the directions of each method and seed, all with the same steps, and asked for the direction of
pairs that it has not seen. `learned` and `orthonormal` may spend `--learning-steps` before that.
Each row is printed when it is there; the table at the end has mean and range over seeds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfgenxai.quiet import import_tensorflow

import_tensorflow()  # before all that imports TensorFlow, with the command's settings

import tfgenxai  # noqa: E402
from tfgenxai.files import write_text  # noqa: E402
from tfgenxai.latent.directions import METHODS, Training, rca_rows  # noqa: E402
from tfgenxai.latent.directions.matrices import (  # noqa: E402
    Fixed,
    Linear,
    Orthonormal,
    random_vectors,
)
from tfgenxai.latent.directions.training import Game  # noqa: E402
from tfgenxai.latent.generator import Generator  # noqa: E402


def costs(generator: Generator, count: int, training: Training, steps: int = 20) -> None:
    """Prints seconds a step, wall clock and processor, after the step that compiles."""
    kinds = {
        "learned": Linear(count, generator.width),
        "orthonormal": Orthonormal(count, generator.width),
        "judging (directions fixed)": Fixed(random_vectors(count, generator.width)),
    }
    for name, matrix in kinds.items():
        game = Game(generator, matrix, replace(training, steps=steps))
        update = game.update()
        update(game.pairs(training.batch_size))
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            update(game.pairs(training.batch_size))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(f"{name:30}{wall / steps:8.3f} s{processor / steps:8.3f} s of processor", flush=True)


def table(rows: list[dict[str, Any]]) -> str:
    """Mean, lowest and highest accuracy over seeds, and the mean error, a line a method."""
    import pandas

    by_method = pandas.DataFrame(rows).groupby("method", sort=False)
    shown = by_method["accuracy"].agg(["mean", "min", "max"]).join(by_method["error"].mean())
    shown["minutes"] = by_method[["finding_seconds", "judging_seconds"]].mean().sum(axis=1) / 60
    return shown.sort_values("mean", ascending=False).round(3).to_string()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.directions", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--model", default="dcgan", help="default: %(default)s")
    parser.add_argument("--methods", nargs="+", default=METHODS, metavar="M", help="default: all")
    parser.add_argument("--count", type=int, default=20, help="directions (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="so many (default: %(default)s)")
    parser.add_argument(
        "--steps", type=int, default=2000, help="of each reconstructor (default: %(default)s)"
    )
    parser.add_argument("--learning-steps", type=int, help="default: as many")
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's (default: %(default)s)")
    parser.add_argument("--reconstructor", default="lenet", help="default: %(default)s")
    parser.add_argument("--pairs", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="CSV", help="keeps all rows")
    parser.add_argument("--cost", action="store_true", help="time 20 steps of each kind, and end")
    args = parser.parse_args()
    generator = Generator.of(tfgenxai.load(args.model))
    judging = Training(steps=args.steps, rate=args.rate, reconstructor=args.reconstructor)
    if args.cost:
        costs(generator, args.count, judging)
        return
    learning = replace(judging, steps=args.learning_steps or args.steps)
    print(
        f"{args.model}: {args.count} directions in {generator.width} dimensions, chance "
        f"{1 / args.count:.3g}; {learning.steps} steps of learning, {judging.steps} of judging, "
        f"rate {args.rate:g}; {args.pairs} pairs, seeds 0 to {args.seeds - 1}"
    )
    rows: list[dict[str, Any]] = []
    for row in rca_rows(
        generator,
        args.methods,
        count=args.count,
        seeds=range(args.seeds),
        learning=learning,
        judging=judging,
        pairs=args.pairs,
    ):
        rows.append(row)
        print(
            f"{row['method']:12} seed {row['seed']}  accuracy {row['accuracy']:.3f} "
            f"[{row['accuracy_low']:.3f}, {row['accuracy_high']:.3f}]  error {row['error']:.2f} "
            f"(blind {row['blind_error']:.2f})  {row['finding_seconds']:.0f} + "
            f"{row['judging_seconds']:.0f} s",
            flush=True,
        )
        if args.out:
            import pandas

            write_text(args.out, pandas.DataFrame(rows).to_csv(index=False))
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
