"""Whether a method's maps point to the planted patch, and what counts as having found it."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare.panel import ON_IMAGES, OPTIONS
from tfgenxai.data.mnist_cue import cue_mask
from tfgenxai.metrics.block_rank import block_rank, blocks
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.localisation import auroc, pointing, relevance_mass
from tfgenxai.metrics.relevance import relevance_maps

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target

#: Found is: the patch's median rank lies within this share of all blocks,
RANK_WITHIN = 0.01
#: and its mean share of the relevance is surely more than so many times its share of the image.
MASS_TIMES = 3.0
#: Pixels around the patch in which the pointing game still counts a hit.
TOLERANCE = 2

#: The same method with another option that matters here -> its registered name, the option.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "lime (hiding by black)": ("lime", {"background": 0.0})
}
METHODS = (*ON_IMAGES, "latent_grad_cam", *VARIANTS)
#: Methods that score an image hundreds of times explain fewer images.
FEWER = {"rise": 15, "shap": 8, "lime": 15, "lime (hiding by black)": 15}


def maps_of(
    name: str, graph: Graph, images: np.ndarray, target: Target, seed: int
) -> tuple[np.ndarray, float]:
    """float64 (n, 28, 28) of the first n images, and the seconds that they took.

    n is that of `FEWER`, or all.
    """
    from tfgenxai.attribution import create

    registered, changed = VARIANTS.get(name, (name, {}))
    method = create(registered, graph, **OPTIONS.get(registered, {}) | changed, seed=seed)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lime's remarks on its regression
        found = method(images[: FEWER.get(name)], target, progress=False)
    return relevance_maps(found), time.perf_counter() - started


def judged(maps: np.ndarray, mask: np.ndarray | None = None) -> dict[str, Any]:
    """Measures of maps (n, H, W) against one patch, with 95 % intervals, and the verdict.

    A map without positive relevance has a mass of 0 and a middle rank. In `positive_rank_median`
    negative relevance does not cancel positive. The `sum` of the patch's relevance, signs counted,
    is in the method's own unit.

    Args:
        mask: bool (H, W), the patch; the cue by default.
    """
    mask = cue_mask() if mask is None else mask
    ranks = block_rank(maps, mask)
    mass = interval(np.nan_to_num(relevance_mass(maps, _each(mask, maps))))
    row: dict[str, Any] = {"images": len(maps), "rank_median": float(np.median(ranks))}
    row["positive_rank_median"] = float(np.median(block_rank(np.maximum(maps, 0), mask)))
    row |= interval(ranks).row("rank") | mass.row("mass")
    row |= interval(pointing(maps, _each(dilated(mask), maps))).row("pointing")
    row |= interval(auroc(maps, _each(mask, maps))).row("auroc")
    row |= interval(maps[:, mask].sum(axis=1)).row("sum")
    first = among_the_first(row["rank_median"], mask)
    marked = mass.low > MASS_TIMES * mask.mean()
    row["verdict"] = "found" if first and marked else "ranked" if first else "missed"
    return row


def among_the_first(rank: float, mask: np.ndarray) -> bool:
    """Whether a rank is within `RANK_WITHIN` of all blocks of the patch's size."""
    return rank <= RANK_WITHIN * blocks(mask)


def dilated(mask: np.ndarray, by: int = TOLERANCE) -> np.ndarray:
    """The mask and all places at most `by` rows and columns away."""
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, np.ones((2 * by + 1, 2 * by + 1), bool))


def _each(mask: np.ndarray, maps: np.ndarray) -> np.ndarray:
    return np.broadcast_to(mask, maps.shape)
