"""Attention of generators beside the gradient of the pixel that a query stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfgenxai.attention import attention_maps, choose_queries
from tfgenxai.attention.measures import cell_means
from tfgenxai.explained import Feeds, fetch
from tfgenxai.metrics.agreement import similarities
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.attention import AttentionLayer
    from tfgenxai.compare.attention_material import Network
    from tfgenxai.graph import Graph

#: Images whose pixels are explained, six each.
EXPLAINED = 12


def pixel_gradients(
    graph: Graph, layer: AttentionLayer, inputs: dict[str, Any], pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the gradient of one pixel a sample at the attention's input: (N, H, W) twice.

    The block gives x + f(x). First the gradient that goes through f, the attention: the whole
    gradient with respect to x less the one with respect to the block's output. Then that latter
    one, which passes the attention by. Channels are joined by the Euclidean norm.

    Args:
        layer: a self-attention whose result is added to its input.
        inputs: name -> (N, ...).
        pixels: (N, 2), row and column in the image; channels are summed.
    """
    names = (str(layer.block_input), str(layer.block_output))
    ends = fetch(graph, Feeds(inputs), [graph[name] for name in names])
    places = tf.constant(pixels, tf.int32)
    slopes = []
    for name, value in zip(names, ends, strict=True):
        with tf.GradientTape() as tape:
            tape.watch(value)
            feeds = Feeds({**inputs, name: value})
            (image,) = fetch(graph, feeds, [graph.outputs["image"]])
            scalar = tf.reduce_sum(tf.gather_nd(image, places, batch_dims=1))
        slopes.append(tape.gradient(scalar, value).numpy())
    whole, past = slopes
    return np.linalg.norm(whole - past, axis=-1), np.linalg.norm(past, axis=-1)


def gradient_rows(network: Network) -> list[dict[str, Any]]:
    """Likeness of attention and gradient for queries on the stroke and in the background.

    `spearman` and `iou` (first tenth of the keys) of the shares that a query takes with the
    gradient of its pixel through the attention, summed to the keys' places; `_other` with the
    shares of the same query in another image; `_gain` the difference an image at a time;
    `share`, the part of the whole gradient that goes through the attention.
    """
    count = min(EXPLAINED, len(next(iter(network.inputs.values()))))
    given = network.first(count)
    maps = attention_maps(network.graph, given, network.layer.name)
    chosen = [choose_queries(image) for image in maps.images]  # type: ignore[union-attr]
    found: dict[str, list[dict[str, float]]] = {}
    for n, queries in enumerate(chosen):
        pixels = np.array([(query.row, query.column) for query in queries])
        repeated = {
            k: np.repeat(np.asarray(v)[n : n + 1], len(queries), 0) for k, v in given.items()
        }
        through, past = pixel_gradients(network.graph, network.layer, repeated, pixels)
        rows = [maps.index(r, c, of="image") for r, c in pixels]
        own, other = (maps.values[i, rows].reshape(-1, *maps.key_grid) for i in (n, n - 1))
        cells = cell_means(through, maps.key_grid)
        likeness = [similarities(each, cells, absolute=True) for each in (own, other)]
        sums = through.sum(axis=(1, 2)), past.sum(axis=(1, 2))
        whole = np.maximum(sums[0] + sums[1], np.finfo(float).tiny)
        for kind in ("stroke", "background"):
            among = [i for i, query in enumerate(queries) if query.name.startswith(kind)]
            if among:
                row = {"share": float((sums[0] / whole)[among].mean())}
                for measure in ("spearman", "iou"):
                    a, b = (float(each[measure][among].mean()) for each in likeness)
                    row |= {measure: a, f"{measure}_other": b, f"{measure}_gain": a - b}
                found.setdefault(kind, []).append(row)
    return [
        {
            "network": network.name,
            "queries": kind,
            "images": len(rows),
            **{
                k: v
                for name in rows[0]
                for k, v in interval([row[name] for row in rows]).row(name).items()
            },
        }
        for kind, rows in found.items()
    ]
