"""What `tfgenxai explain` leaves: numbers, a picture, files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attribution.result import Attribution
from tfgenxai.data import ImageData
from tfgenxai.explain.samples import Samples
from tfgenxai.explained import Feeds, fetch
from tfgenxai.tensorboard import Summaries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfgenxai.graph import Graph

_SHOWN = 6  # samples, and targets, in the picture
_COORDINATES = 20
_ROWS = 1024
_LOG = "events.out.tfevents.0.tfgenxai-explain"


def summarise(attribution: Attribution) -> dict[str, Any]:
    """Layer, shapes, settings and, for each target, means over all samples; JSON values."""
    magnitudes = _mean_magnitudes(attribution)
    sums = {"delta": attribution.convergence_delta, **attribution.delta_parts}
    means = {
        f"mean |{name}|": np.abs(np.reshape(array, (len(attribution), -1))).mean(axis=0)
        for name, array in sums.items()
        if array is not None
    }
    targets = [
        {
            "target": name,
            "mean |value|": float(magnitudes[place]),
            **{column: float(values[place]) for column, values in means.items()},
        }
        for place, name in enumerate(attribution.target_names)
    ]
    return {
        "layer": attribution.layer,
        "count": len(attribution),
        "map_shape": list(attribution.map_shape),
        "settings": dict(attribution.settings),
        "targets": targets,
    }


def write(
    attribution: Attribution, samples: Samples, graph: Graph, wrt: str, out: Path
) -> list[Path]:
    """Writes attribution.npz, overlay.png and logs; gives the files."""
    streamed = isinstance(attribution.values, np.memmap)
    files = [out / "values.npy"] if streamed else []
    files.append(attribution.save(out / "attribution.npz", values=not streamed))
    figure = _figure(attribution, samples, graph, wrt)
    if figure is not None:
        files.append(plots.save(figure, out / "overlay.png"))
        files.append(_log(attribution.method, figure, out / "logs"))
    return files


def _mean_magnitudes(attribution: Attribution) -> np.ndarray:
    """Mean |value| of every target, (T,)."""
    parts = (np.abs(part).reshape(*part.shape[:2], -1) for part in _parts(attribution))
    return sum(part.mean(axis=2).sum(axis=0) for part in parts) / len(attribution)


def _parts(attribution: Attribution) -> Iterator[np.ndarray]:
    """Values (n, T, ...), float64, of some samples after the other: they may be on disk."""
    for start in range(0, len(attribution), _ROWS):
        part = np.asarray(attribution.values[start : start + _ROWS], np.float64)
        yield part if attribution.family else part[:, None]


def _figure(attribution: Attribution, samples: Samples, graph: Graph, wrt: str) -> Figure | None:
    """Maps over images, or a chart of coordinates; None for what has no picture."""
    shown = attribution[:_SHOWN]
    strongest = np.sort(np.argsort(-_mean_magnitudes(attribution), kind="stable")[:_SHOWN])
    if len(attribution.map_shape) == 1:
        return _chart(attribution, strongest)
    images = _pictures(samples, graph, wrt)
    if images is None or len(attribution.map_shape) > 3:
        return None
    return plots.overlay(shown, images, targets=strongest.tolist() if shown.family else None)


def _chart(attribution: Attribution, targets: np.ndarray) -> Figure:
    """Mean relevance of the coordinates that have most of it; of one target with 95 % intervals."""
    count = len(attribution)
    mean, magnitude, square = sum(
        np.stack([part, np.abs(part), part**2])[:, :, targets].sum(axis=1) / count
        for part in _parts(attribution)
    )
    most = np.sort(np.argsort(-magnitude.sum(axis=0), kind="stable")[:_COORDINATES])
    coordinates = [f"{attribution.settings['wrt']}[{i}]" for i in most]
    names = [attribution.target_names[t] for t in targets]
    title = f"{attribution.method}, mean over {count} samples"
    if len(names) > 1:
        return plots.matrix(mean[:, most], names, coordinates, title=title, label="relevance")
    variance = np.maximum(square - mean**2, 0.0) / max(count - 1, 1)
    return plots.bars(
        mean[0, most],
        coordinates,
        title=f"{title}: {names[0]}",
        xlabel="relevance",
        errors=1.96 * np.sqrt(variance[0, most]) if count > 1 else None,
    )


def _pictures(samples: Samples, graph: Graph, wrt: str) -> np.ndarray | None:
    """Images (n, H, W, 1 or 3) in [0, 1] behind the maps: the inputs, or what is made of codes."""
    few = {
        name: values[:_SHOWN].images if isinstance(values, ImageData) else values[:_SHOWN]
        for name, values in samples.values.items()
    }
    images = few[wrt]
    if graph.inputs[wrt].shape.rank == 2 and "image" in graph.outputs:
        fed = {
            name: np.asarray(few[name], tensor.dtype.as_numpy_dtype)
            for name, tensor in graph.inputs.items()
        }
        images = fetch(graph, Feeds(fed), [graph.outputs["image"]])[0].numpy()
    images = np.asarray(images, np.float32)
    if images.ndim != 4:
        return None
    if images.shape[-1] not in (1, 3):
        images = images.mean(axis=-1, keepdims=True)
    low, high = images.min(), images.max()
    if low < 0.0 or high > 1.0:
        images = (images - low) / (high - low)
    return images


def _log(name: str, figure: Figure, logs: Path) -> Path:
    """The picture for TensorBoard; replaces what an earlier run logged."""
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=logs.parent, prefix=".logs.") as unfinished:
        with Summaries(unfinished) as log:
            log.figure(f"explain/{name}", figure, step=0)
        (events,) = Path(unfinished).iterdir()
        return events.replace(logs / _LOG)
