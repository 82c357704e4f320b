"""Projections of many codes: t-SNE by openTSNE and by scikit-learn, and UMAP, in time and memory.

    python -m benchmarks.projections
    python -m benchmarks.projections --sklearn-everything     # an hour or more

The codes are posterior means of MNIST images by the CVAE that ships. Every projection runs in a
process of its own, so that its peak memory is its own; `CPU s` is what it used of all cores, which
other work on the machine disturbs less than the time on the clock. scikit-learn uses the cores that
OMP_NUM_THREADS allows. Nothing is extrapolated: what is not run is not listed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "t-SNE, openTSNE, 1 core": ("tsne", {"engine": "opentsne"}),
    "t-SNE, openTSNE, all cores": ("tsne", {"engine": "opentsne", "seed": None}),
    "t-SNE, scikit-learn": ("tsne", {"engine": "sklearn"}),
    "UMAP, 1 core": ("umap", {}),
}
FEW = 10_000
KIB_PER_MB = 1e6 / 1024


def project(case: str, codes: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """One projection and its quality, measured in this process."""
    from tfgenxai.latent import PROJECTIONS

    method, settings = CASES[case]
    PROJECTIONS[method](**{**settings, "seed": 0})(codes[:200])  # imports and compiles
    before = _peak()
    cpu, clock = time.process_time(), time.perf_counter()
    projection = PROJECTIONS[method](**settings)(codes)
    found = {
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": _peak(),
        "before_mb": before,
    }
    clock = time.perf_counter()
    quality = projection.quality(codes, labels).row()
    return found | quality | {"quality_seconds": time.perf_counter() - clock}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB


def encode(rows: int, folder: Path) -> int:
    """Writes codes.npy and labels.npy of up to `rows` images; gives their number."""
    import tfgenxai
    from tfgenxai import data
    from tfgenxai.latent import encoder_space
    from tfgenxai.quiet import import_tensorflow

    import_tensorflow()
    model = tfgenxai.load("cvae")
    parts = [encoder_space(model, data.load("mnist", split)) for split in ("train", "test")]
    codes = np.concatenate([part.codes for part in parts])
    labels = np.concatenate([part.labels for part in parts if part.labels is not None])
    order = np.random.default_rng(0).permutation(len(codes))[:rows]
    np.save(folder / "codes.npy", codes[order])
    np.save(folder / "labels.npy", labels[order])
    return len(order)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.projections", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=70_000, help="default: %(default)s")
    parser.add_argument("--cases", nargs="+", metavar="C", choices=CASES, help="default: all")
    parser.add_argument(
        "--sklearn-everything",
        action="store_true",
        help=f"scikit-learn's t-SNE of all rows too, not of {FEW:,} only",
    )
    parser.add_argument(
        "--one", nargs=3, metavar=("CASE", "FOLDER", "ROWS"), help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.one:
        case, folder, rows = args.one
        codes, labels = (
            np.load(Path(folder) / f"{n}.npy")[: int(rows)] for n in ("codes", "labels")
        )
        print(json.dumps(project(case, codes, labels)))
        return
    with tempfile.TemporaryDirectory() as name:
        total = encode(args.rows, Path(name))
        header = f"{'codes':>7}{'clock s':>10}{'CPU s':>9}{'peak MB':>9}{'of which':>9}"
        print(f"{'':32}{header}{'trust.':>8}{'kNN':>7}{'silh.':>7}{'measuring s':>13}")
        for rows in dict.fromkeys((min(FEW, total), total)):
            for case in args.cases or CASES:
                if "scikit-learn" in case and rows > FEW and not args.sklearn_everything:
                    continue
                _print(case, rows, _run(case, name, rows))
    print("of which: what the process held before, with a projection of 200 codes behind it")


def _run(case: str, folder: str, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.projections", "--one", case, folder, str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _print(case: str, rows: int, found: dict[str, Any]) -> None:
    print(
        f"{case:32}{rows:7,}{found['seconds']:10.1f}{found['cpu_seconds']:9.1f}"
        f"{found['peak_mb']:9.0f}{found['before_mb']:9.0f}{found['trustworthiness']:8.3f}"
        f"{found['knn_accuracy']:7.3f}{found['silhouette']:7.3f}{found['quality_seconds']:13.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
