"""From a request to attention maps, measures and figures on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attention.ablation import with_and_without
from tfgenxai.attention.controls import measures_with_controls
from tfgenxai.attention.find import find_attention
from tfgenxai.attention.indexing import slip
from tfgenxai.attention.maps import AttentionMaps, attention_maps
from tfgenxai.attention.measures import per_query
from tfgenxai.attention.queries import Query, choose_queries
from tfgenxai.attribution.base import first_input
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.explain.models import open_model
from tfgenxai.explain.request import ExplainRequest
from tfgenxai.explain.samples import gather
from tfgenxai.files import write_text

if TYPE_CHECKING:
    from tfgenxai.explain.models import Opened

#: Signatures that are looked at first.
_FIRST = ("generate", "discriminate")


@dataclass(frozen=True)
class AttentionRequest:
    """The parsed command; None or an empty tuple stands for a default.

    Attributes:
        path: a SavedModel's folder or shipped name.
        out: folder of the results.
        signature: which graph of the SavedModel.
        layer: which self-attention of the graph.
        head: of a layer with several; by default their mean.
        queries: pixels (row, column) of the image; by default chosen for each image.
        data, source, folder, size: the samples, as in `ExplainRequest`.
        shown: images that are drawn.
        seed: of everything random.
        trusted: allow any operation in the model.
    """

    path: str
    out: Path
    signature: str | None = None
    layer: str | None = None
    head: int | None = None
    queries: tuple[tuple[int, int], ...] = ()
    data: str | None = None
    source: str | None = None
    folder: Path | None = None
    size: int = 32
    shown: int = 4
    seed: int = 0
    trusted: bool = False


def attend(request: AttentionRequest) -> dict[str, Any]:
    """Attention maps as requested; writes `out` and gives what results.json holds.

    Files: maps.npz, measures.csv, queries.csv, queries.png, index.png, measures.png, results.json.
    Each is replaced whole or stays as it was.

    Raises:
        TfgenxaiError: what was asked for is not there, or does not fit.
    """
    for name in ("size", "shown"):
        if getattr(request, name) < 1:
            raise UsageError(f"--{name} must be at least 1, not {getattr(request, name)}.")
    if request.seed < 0:
        raise UsageError(f"--seed must be at least 0, not {request.seed}.")
    model = open_model(request.path, trusted=request.trusted)
    signature = request.signature or _signature(model)
    graph = model.graphs[signature]
    samples = gather(_explain_request(request), graph, first_input(graph), model)
    given = dict(samples.values)
    maps = attention_maps(graph, given, request.layer, head=request.head)
    if maps.images is None:
        raise UsageError(f"{signature} neither takes nor gives images to show attention on.")
    few = maps[: request.shown]
    queries = [_queries(request, image) for image in few.images]  # type: ignore[union-attr]
    rows = [row for n, each in enumerate(queries) for row in _rows(few, n, each)]
    table = measures_with_controls(
        graph, given, request.layer, seed=request.seed, head=request.head
    )
    table.insert(0, "layer", maps.layer)
    results: dict[str, Any] = {
        "model": request.path,
        "signature": signature,
        "layer": maps.layer,
        "gain": maps.gain,
        "heads": maps.heads,
        "query_grid": maps.query_grid,
        "key_grid": maps.key_grid,
        "samples": {**samples.about, "count": len(maps)},
        **_worth(request, graph, given),
        "measures": json.loads(table.to_json(orient="records")),
        "queries": rows,
    }
    out = request.out
    figures = {
        "queries": plots.attention_queries(few, queries),
        "index": plots.index_slip(maps[0], queries[0]),
        "measures": plots.attention_chart(table, {maps.layer: maps.gain}),
    }
    files = [
        maps.save(out / "maps.npz"),
        write_text(out / "measures.csv", table.to_csv(index=False)),
        write_text(out / "queries.csv", _csv(rows)),
        *(plots.save(figure, out / f"{name}.png") for name, figure in figures.items()),
    ]
    results["files"] = [str(file) for file in [*files, out / "results.json"]]
    write_text(out / "results.json", json.dumps(results, indent=2))
    return results


def _signature(model: Opened) -> str:
    """The first signature with self-attention."""
    names = [name for name in _FIRST if name in model.graphs] + model.ordered()
    for name in dict.fromkeys(names):
        if find_attention(model.graphs[name]):
            return name
    raise LayerNotFoundError(
        f"No signature of {model.name} has self-attention: no Softmax over the last axis of a "
        "product of two feature maps, multiplied by a third."
    )


def _explain_request(request: AttentionRequest) -> ExplainRequest:
    return ExplainRequest(
        method="attention",
        path=request.path,
        out=request.out,
        data=request.data,
        source=request.source,
        folder=request.folder,
        size=request.size,
        seed=request.seed,
        trusted=request.trusted,
    )


def _queries(request: AttentionRequest, image: np.ndarray) -> tuple[Query, ...]:
    if not request.queries:
        return choose_queries(image)
    return tuple(Query(f"row {r}, column {c}", r, c) for r, c in request.queries)


def _rows(maps: AttentionMaps, n: int, queries: tuple[Query, ...]) -> list[dict[str, Any]]:
    """A row for each query of sample n, with what the wrong index would show."""
    found, width = per_query(maps[n]), maps.query_grid[1]
    rows = []
    for query in queries:
        index = maps.index(query.row, query.column, of="image")
        wrong = slip(*divmod(index, width), width)
        rows.append(
            {
                "sample": n,
                "query": query.name,
                "row": query.row,
                "column": query.column,
                "index": index,
                **{name: float(values[0, index]) for name, values in found.items()},
                "wrong_index": wrong.wrong,
                "wrong_index_shows": list(wrong.shown),
            }
        )
    return rows


def _worth(request: AttentionRequest, graph: Any, given: dict[str, Any]) -> dict[str, Any]:
    """How far the first output moves without the attention; nothing where it has no bypass."""
    try:
        whole, without = with_and_without(graph, given, request.layer)
    except UsageError:
        return {}
    change = np.abs(whole - without).mean()
    return {"output": next(iter(graph.outputs)), "mean_change_without": float(change)}


def _csv(rows: list[dict[str, Any]]) -> str:
    import pandas

    return pandas.DataFrame(rows).to_csv(index=False)
