"""Attention of discriminators beside attribution of their logit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attention import attention_maps
from tfgenxai.compare.panel import built
from tfgenxai.errors import TfgenxaiError
from tfgenxai.metrics.agreement import similarities
from tfgenxai.metrics.faithfulness import deletion
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.relevance import relevance_maps
from tfgenxai.targets import Discriminator

if TYPE_CHECKING:
    from tfgenxai.compare.attention_material import Network

METHODS = ("saliency", "lrp", "grad_cam", "occlusion")
ATTENTION = "attention rollup"
#: Images whose pixels are deleted; each is judged some forty times.
DELETED = 24
_STEPS = 10


def explained(network: Network, seed: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Maps of the logit (N, H, W) by method, sizes only, and why the others gave none."""
    maps, refused = {}, {}
    given = dict(network.inputs)
    for name in METHODS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                method = built(name, network.graph, seed)
                found = method(given, Discriminator(), progress=False)
            maps[name] = np.abs(relevance_maps(found))
        except TfgenxaiError as error:
            refused[name] = str(error)
    return maps, refused


def rollup(network: Network) -> np.ndarray:
    """What the layer takes from each place on average over queries, as large as the images."""
    maps = attention_maps(network.graph, dict(network.inputs), network.layer.name)
    return maps.at_image_resolution(maps.rollup)


def agreement_rows(
    network: Network, attention: np.ndarray, maps: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Likeness of attention (N, H, W) to each method's map of the same image, and of the next.

    `spearman` and `iou` (of the first tenth of the pixels) with the attention of the image itself;
    `_other` with that of another image: what is due to where digits lie; `_gain`, the difference
    an image at a time.
    """
    rows = []
    other = np.roll(attention, 1, axis=0)
    for name, values in maps.items():
        own, control = (similarities(each, values, absolute=True) for each in (attention, other))
        row: dict[str, Any] = {"network": network.name, "method": name, "images": len(values)}
        for measure in ("spearman", "iou"):
            gain = own[measure] - control[measure]
            for end, numbers in (("", own[measure]), ("_other", control[measure]), ("_gain", gain)):
                row |= interval(numbers).row(measure + end)
        rows.append(row)
    return rows


def deletion_rows(
    network: Network, orders: dict[str, np.ndarray], seed: int
) -> list[dict[str, Any]]:
    """How far the logit moves as pixels are set to black in an order: mean over the whole curve.

    `moved` by that order, `moved_random` by random orders, `moved_gain` the difference an image at
    a time, in units of the logit. A black pixel that is deleted changes nothing, so that an order
    that begins with the background is worse than chance.
    """
    rows = []
    for name, values in orders.items():
        few = network.first(min(DELETED, len(values)))
        curve = deletion(
            network.graph, few, Discriminator(), values[:DELETED], steps=_STEPS, seed=seed
        )
        start = curve.scores[:, :1]
        moved, random = (
            np.trapezoid(np.abs(scores - start), curve.fractions, axis=1)
            for scores in (curve.scores, curve.control)
        )
        rows.append(
            {
                "network": network.name,
                "order": name,
                "images": len(start),
                **interval(moved).row("moved"),
                **interval(random).row("moved_random"),
                **interval(moved - random).row("moved_gain"),
            }
        )
    return rows
