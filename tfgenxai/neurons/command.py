"""From a request to tables, figures and results on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgenxai import plots
from tfgenxai.errors import UsageError
from tfgenxai.files import write_text
from tfgenxai.neurons.looks import LOOK, Found
from tfgenxai.neurons.request import EFFECTS, LOOKS, NeuronsRequest
from tfgenxai.neurons.subject import subject

if TYPE_CHECKING:
    import pandas


def look(request: NeuronsRequest) -> dict[str, Any]:
    """Looks as requested and writes `out`; gives what results.json holds.

    Files: NAME.csv and NAME.png for each table and figure, and results.json. Each is replaced
    whole or stays as it was.

    Raises:
        TfgenxaiError: what was asked for is not there, or does not fit.
    """
    if unknown := [name for name in request.what if name not in LOOKS]:
        raise UsageError(f"--what takes {', '.join(LOOKS)}, not {unknown[0]!r}.")
    if request.effect is not None and request.effect not in EFFECTS:
        raise UsageError(f"--effect is one of {', '.join(EFFECTS)}, not {request.effect!r}.")
    about = subject(request)
    if "similarity" in request.what and about.labels is None:
        raise UsageError(
            "Similarity compares classes, and these samples have none: use a data set with labels, "
            "or name a classifier of what is drawn by --classifier."
        )
    wanted = request.what or tuple(
        name for name in LOOKS if name != "similarity" or about.labels is not None
    )
    results: dict[str, Any] = {
        "model": request.path,
        "signature": about.signature,
        "layer": about.layer,
        "samples": {**about.about, "count": len(about.values[about.wrt])},
    }
    files: list[Path] = []
    for name in wanted:
        found = LOOK[name](about)
        files += _written(found, request.out)
        tables = {table: records(frame) for table, frame in found.tables.items()}
        results[name] = {**tables, **found.numbers}
    results["files"] = [str(file) for file in [*files, request.out / "results.json"]]
    write_text(request.out / "results.json", json.dumps(results, indent=2))
    return results


def records(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON values; what is not known is null."""
    known = frame.rename(columns=str).astype(object).where(frame.notna().to_numpy(), None)
    return json.loads(known.to_json(orient="records"))


def _written(found: Found, out: Path) -> list[Path]:
    files = [
        write_text(out / f"{name}.csv", frame.to_csv(index=False))
        for name, frame in found.tables.items()
    ]
    return files + [
        plots.save(figure, out / f"{name}.png") for name, figure in found.figures.items()
    ]
