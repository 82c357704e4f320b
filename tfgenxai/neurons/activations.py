"""What every layer of a graph makes of some inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.attribution.inputs import batches
from tfgenxai.data.progress import counter
from tfgenxai.errors import LayerNotFoundError, UsageError
from tfgenxai.explained import Feeds, fetch, sample_shape
from tfgenxai.latent.checks import check_labels
from tfgenxai.neurons.layers import computed_layers
from tfgenxai.neurons.moments import Moments

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph

#: Bytes of one layer's activations beyond which feature maps are reduced to a number a channel.
LARGEST = 2**29

_STATISTICS: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "max": np.max}


@dataclass(frozen=True)
class Activations:
    """Activations of N samples.

    Attributes:
        values: layer -> (N, h, w, c) or (N, d) float32; (N, c) for a layer in `reduced`.
        summary: one row a layer, of all its neurons, reduced or not: see `activations`.
        reduced: layers of which one statistic a channel is kept.
        labels: (N,), where they were given.
    """

    values: Mapping[str, np.ndarray]
    summary: pandas.DataFrame
    reduced: tuple[str, ...] = ()
    labels: np.ndarray | None = None

    def __getitem__(self, layer: str) -> np.ndarray:
        """The activations of a layer.

        Raises:
            LayerNotFoundError: they were not recorded.
        """
        if layer not in self.values:
            raise LayerNotFoundError(
                f"No activations of {layer!r} were recorded; there are {', '.join(self.values)}."
            )
        return self.values[layer]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def rows(self, layer: str) -> np.ndarray:
        """The activations of a layer as one vector a sample, (N, neurons)."""
        values = self[layer]
        return values.reshape(len(values), -1)


def activations(
    graph: Graph,
    inputs: Any,
    layers: Sequence[str] | None = None,
    *,
    labels: Any = None,
    statistic: Literal["mean", "max"] = "mean",
    largest: int = LARGEST,
    batch_size: int = 128,
    progress: bool | None = None,
) -> Activations:
    """Activations of every layer, in one pass over the inputs, with a summary of each layer.

    The summary has a row for each layer: `layer`, `kind`, `shape` of a sample, `units` (channels,
    or neurons of a flat layer), `mean` and `std` of the activations, `zeros` and `negative` (the
    shares of activations that are 0 and below it: a ReLU that is off gives 0, a leaky one a small
    negative number), `dead` (units of which no neuron changes over the N samples), and with labels
    `between`, the share of the variance that lies between the classes' means, and
    `between_chance`, what it would be expected to be for labels that mean nothing, (K-1)/(N-1).

    Args:
        graph: the network.
        inputs: N samples, in any form that attribution methods take.
        layers: names; by default all that the inputs decide.
        labels: (N,) class of each sample.
        statistic: what is kept of each channel where a layer's feature maps are too large.
        largest: bytes of a layer's activations above which that is so.
        batch_size: samples at a time.
        progress: show a bar on stderr; by default on a terminal when there is much to do.

    Raises:
        LayerNotFoundError, UsageError: see `computed_layers`; or the number of samples is unknown.
        InvalidInputError: the inputs or labels do not fit.
    """
    if statistic not in _STATISTICS:
        raise UsageError(f"statistic= is 'mean' or 'max', not {statistic!r}.")
    tensors = computed_layers(graph, layers)
    stream, count = batches(inputs, graph, batch_size)
    if count is None:
        raise UsageError("The number of samples must be known: pass arrays, or limit the data set.")
    classes = None if labels is None else check_labels(labels, count)
    shapes = {name: sample_shape(tensor) for name, tensor in tensors.items()}
    reduced = tuple(
        name
        for name, shape in shapes.items()
        if len(shape) > 1 and 4 * count * int(np.prod(shape)) > largest
    )
    kept: dict[str, list[np.ndarray]] = {name: [] for name in tensors}
    moments = {name: Moments(shape, classes) for name, shape in shapes.items()}
    if progress is None:
        progress = sys.stderr.isatty() and count > 8 * batch_size
    start = 0
    with counter("activations", count, progress) as done:
        for batch in stream:
            found = fetch(graph, Feeds(batch), list(tensors.values()))
            for name, tensor in zip(tensors, found, strict=True):
                values = tensor.numpy().astype(np.float32, copy=False)
                moments[name].add(values, start)
                if name in reduced:
                    places = tuple(range(1, values.ndim - 1))
                    values = _STATISTICS[statistic](values, axis=places)
                kept[name].append(values)
            start += len(values)
            done(len(values))
    return Activations(
        values={name: np.concatenate(parts) for name, parts in kept.items()},
        summary=_summary(graph, moments),
        reduced=reduced,
        labels=classes,
    )


def _summary(graph: Graph, moments: Mapping[str, Moments]) -> pandas.DataFrame:
    import pandas

    kinds = {layer.name: layer.kind for layer in graph.layers}
    return pandas.DataFrame(
        [
            {
                "layer": name,
                "kind": kinds.get(name, ""),
                "shape": " x ".join(map(str, found.shape)),
                "units": found.shape[-1],
                **found.row(),
            }
            for name, found in moments.items()
        ]
    )
