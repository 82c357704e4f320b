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


def encode(folder: Path) -> int:
    """Writes codes.npy and labels.npy of all images, shuffled; gives their number."""
    import tfgenxai
    from tfgenxai import data
    from tfgenxai.latent import encoder_space
    from tfgenxai.quiet import import_tensorflow

    import_tensorflow()
    model = tfgenxai.load("cvae")
    parts = [encoder_space(model, data.load("mnist", split)) for split in ("train", "test")]
    codes = np.concatenate([part.codes for part in parts])
    labels = np.concatenate([part.labels for part in parts if part.labels is not None])
    order = np.random.default_rng(0).permutation(len(codes))
    np.save(folder / "codes.npy", codes[order])
    np.save(folder / "labels.npy", labels[order])
    return len(order)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.projections", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[FEW, 70_000], metavar="N", help="codes"
    )
    parser.add_argument("--cases", nargs="+", metavar="C", choices=CASES, help="default: all")
    parser.add_argument(
        "--sklearn-everything",
        action="store_true",
        help=f"scikit-learn's t-SNE of more than {FEW:,} codes too",
    )
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        print(json.dumps(_alone(*args.alone)))
        return
    with tempfile.TemporaryDirectory() as folder:
        total = _in_own_process("encode", folder)
        header = f"{'codes':>7}{'clock s':>10}{'CPU s':>9}{'peak MB':>9}{'of which':>9}"
        print(f"{'':32}{header}{'trust.':>8}{'kNN':>7}{'silh.':>7}{'measuring s':>13}", flush=True)
        for rows in dict.fromkeys(min(wanted, total) for wanted in args.rows):
            for case in args.cases or CASES:
                if "scikit-learn" in case and rows > FEW and not args.sklearn_everything:
                    continue
                _print(case, rows, _in_own_process(case, folder, str(rows)))
    print("of which: what the process held before, with a projection of 200 codes behind it")


def _alone(what: str, folder: str, rows: str = "") -> Any:
    """What a process of its own does: encode, or one case."""
    if what == "encode":
        return encode(Path(folder))
    codes, labels = (np.load(Path(folder) / f"{n}.npy")[: int(rows)] for n in ("codes", "labels"))
    return project(what, codes, labels)


def _in_own_process(*words: str) -> Any:
    """Its result. This process stays small: its children inherit its peak memory."""
    command = [sys.executable, "-m", "benchmarks.projections", "--alone", *words]
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
