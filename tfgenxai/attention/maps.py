"""`AttentionMaps`: which places each place of a feature map takes from, for a batch."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.attention.find import attention_layer
from tfgenxai.attention.grids import Grid, checked_grid
from tfgenxai.attribution.inputs import batches
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.explained import Feeds, fetch
from tfgenxai.files import write_bytes
from tfgenxai.pictures import upsample

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: How far the sum of a row may be from 1.
TOLERANCE = 1e-3
_KEPT = ("query_grid", "key_grid", "layer", "gain", "heads", "head")


@dataclass(frozen=True, eq=False)
class AttentionMaps:
    """Attention of N samples at one layer.

    Attributes:
        values: (N, Q, K) float32. Row q = row * W + column says how much the query at that place
            takes from each of K = h * w keys, in the same order; rows sum to 1.
        query_grid, key_grid: (H, W) and (h, w).
        layer: where the map is.
        gain: the learnt number that multiplies what is taken, before it is added to what was
            there; None where there is none. At 0 the map has no effect on the output.
        heads: of the layer.
        head: which of them `values` shows; None for their mean.
        images: (N, H, W, C) in [0, 1], what the graph draws or is given; None where neither.

    Raises:
        InvalidInputError: the shapes do not fit, or rows do not sum to 1.
    """

    values: np.ndarray
    query_grid: Grid
    key_grid: Grid
    layer: str = "attention"
    gain: float | None = None
    heads: int = 1
    head: int | None = None
    images: np.ndarray | None = None

    def __post_init__(self) -> None:
        expected = (int(np.prod(self.query_grid)), int(np.prod(self.key_grid)))
        if self.values.ndim != 3 or self.values.shape[1:] != expected:
            raise InvalidInputError(
                f"Attention of queries {self.query_grid} to keys {self.key_grid} has shape "
                f"(N, {expected[0]}, {expected[1]}), not {self.values.shape}."
            )
        off = np.abs(self.values.sum(axis=2, dtype=np.float64) - 1.0)
        if not off.max(initial=0.0) <= TOLERANCE:  # NaN is wrong too
            raise InvalidInputError(
                f"Rows of an attention map sum to 1; here one is {off.max():.3g} off."
            )

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        sizes = [f"{grid[0]} x {grid[1]}" for grid in (self.query_grid, self.key_grid)]
        return (
            f"AttentionMaps({self.layer}, {len(self)} maps of {sizes[0]} queries to {sizes[1]} "
            f"keys, gain {'none' if self.gain is None else format(self.gain, '.3g')})"
        )

    def __getitem__(self, index: int | slice | np.ndarray | list[int]) -> AttentionMaps:
        """The maps of some samples, N = 1 for an int."""
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise UsageError(f"There is no sample {index}: they run from 0 to {len(self) - 1}.")
            index = [int(index)]
        images = None if self.images is None else self.images[index]
        return replace(self, values=self.values[index], images=images)

    def index(self, row: int, column: int, *, of: Literal["grid", "image"] = "grid") -> int:
        """The row of the map that belongs to a query: row * W + column on the grid of queries.

        Args:
            of: whether row and column count queries, or pixels of the image: a query stands for
                the pixels that its place covers.

        Raises:
            UsageError: it lies outside, or there is no image to count pixels of.
        """
        height, width = self.query_grid if of == "grid" else self._image_size()
        if not (0 <= row < height and 0 <= column < width):
            raise UsageError(
                f"There is no {'query' if of == 'grid' else 'pixel'} ({row}, {column}): rows run "
                f"from 0 to {height - 1}, columns from 0 to {width - 1}."
            )
        rows, columns = self.query_grid
        return (row * rows // height) * columns + column * columns // width

    def for_query(
        self, row: int, column: int, *, of: Literal["grid", "image"] = "grid"
    ) -> np.ndarray:
        """What one query takes from each key, (N, h, w); each map sums to 1. See `index`."""
        chosen = self.values[:, self.index(row, column, of=of)]
        return chosen.reshape(-1, *self.key_grid)

    @property
    def rollup(self) -> np.ndarray:
        """What is taken from each key on average over all queries, (N, h, w); sums to 1."""
        means = self.values.mean(axis=1, dtype=np.float64).astype(np.float32)
        return means.reshape(-1, *self.key_grid)

    def uniform(self) -> AttentionMaps:
        """The control that takes as much from every key."""
        return replace(self, values=np.full_like(self.values, 1.0 / self.values.shape[2]))

    def at_image_resolution(self, maps: np.ndarray) -> np.ndarray:
        """Maps (..., h, w) as large as the image, interpolated bilinearly."""
        return upsample(maps, *self._image_size())

    def _image_size(self) -> Grid:
        if self.images is None:
            raise UsageError(
                "These maps know of no image: the graph neither takes nor gives one. Count "
                "places of the grid."
            )
        return self.images.shape[1:3]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes one compressed .npz file, whole or not at all; gives back its path."""
        arrays = {"values": self.values} | ({} if self.images is None else {"images": self.images})
        content = io.BytesIO()
        about = json.dumps({name: getattr(self, name) for name in _KEPT})
        np.savez_compressed(content, about=np.array(about), **arrays)  # type: ignore[arg-type]
        return write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> AttentionMaps:
        """Reads what `save` wrote.

        Raises:
            DataNotFoundError: there is no such file.
            InvalidInputError: the file is damaged, or holds no attention maps.
        """
        if not Path(path).is_file():
            raise DataNotFoundError(f"There is no file {path}; write one with AttentionMaps.save.")
        try:
            with np.load(path, allow_pickle=False) as archive:
                about = json.loads(str(archive["about"]))
                arrays = {name: archive[name] for name in ("values", "images") if name in archive}
            grids: dict[str, Any] = {
                name: tuple(about.pop(name)) for name in ("query_grid", "key_grid")
            }
            return cls(**arrays, **grids, **about)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidInputError(
                f"{path} is damaged, or was not written by AttentionMaps.save: {error}."
            ) from None


def attention_maps(
    graph: Graph,
    inputs: Any,
    layer: str | None = None,
    *,
    head: int | None = None,
    query_grid: Grid | None = None,
    key_grid: Grid | None = None,
    batch_size: int = 64,
) -> AttentionMaps:
    """The attention maps of a layer for some inputs.

    Args:
        graph: a generator, a discriminator, or any other network with self-attention.
        inputs: (N, ...) codes or images; `ImageData`; or a mapping with one array for each input
            of the graph, as `{"z": codes, "label": labels}`.
        layer: see `attention_layer`; by default the graph's last self-attention.
        head: of a layer with several; by default the mean over them, whose rows sum to 1 as well.
        query_grid, key_grid: rows and columns, where the graph does not tell.
        batch_size: samples at a time.

    Raises:
        LayerNotFoundError: there is no self-attention, or none of that name.
        UsageError: there is no such head, or how the places lie is not known.
        InvalidInputError: inputs of a wrong shape, type or range.

    Example:
        >>> maps = attention_maps(tfgenxai.load("sagan")["generate"], codes)
        >>> maps.for_query(14, 9).shape     # the query in row 14, column 9
        (4, 14, 14)
    """
    found = attention_layer(graph, layer)
    if head is not None and not 0 <= head < found.heads:
        raise UsageError(f"{found.name} has heads 0 to {found.heads - 1}, not {head}.")
    queries = checked_grid(query_grid, found.query_grid, found.count[0], "query", found.name)
    keys = found.key_grid or (queries if found.count[0] == found.count[1] else None)
    keys = checked_grid(key_grid, keys, found.count[1], "key", found.name)
    drawn = "image" in graph.outputs
    taken = next((name for name, t in graph.inputs.items() if t.shape.rank == 4), None)
    fetches = [graph[found.map], *([graph.outputs["image"]] if drawn else [])]
    values, images = [], []
    for batch in batches(inputs, graph, batch_size)[0]:
        weights, *image = (tensor.numpy() for tensor in fetch(graph, Feeds(batch), fetches))
        if weights.ndim == 4:
            weights = weights.mean(axis=1) if head is None else weights[:, head]
        values.append(weights.astype(np.float32, copy=False))
        images += image or ([batch[taken]] if taken else [])
    return AttentionMaps(
        np.concatenate(values),
        queries,
        keys,
        layer=found.name,
        gain=None if found.gain is None else float(graph.value(found.gain).item()),
        heads=found.heads,
        head=head,
        images=np.concatenate(images) if images else None,
    )
