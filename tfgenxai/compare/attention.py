"""Attention against attribution: whether what a network attends to is what its output hangs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.attention import attention_maps, choose_queries, measures_with_controls, slip
from tfgenxai.attention.measures import query_kinds
from tfgenxai.compare import attention_parts
from tfgenxai.compare.attention_material import (
    DISCRIMINATOR,
    MODELS,
    Network,
    networks,
)
from tfgenxai.compare.attention_words import INTRODUCTION, add_findings
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.graph import Graph

LEAST = 8
#: So many codes are drawn for each test image.
_DRAWN = 8
_SHOWN = 3


class Attention(Comparison):
    """The comparison as it grows, with the networks that its parts look at."""

    def __init__(self, subjects: Subjects, found: list[Network], size: int, seed: int) -> None:
        super().__init__(
            "Attention against attribution",
            f"{', '.join(dict.fromkeys(n.model for n in found))}; {size:,} MNIST test images "
            f"({subjects.data.source}) and {size * _DRAWN:,} drawn ones, seed {seed}",
        )
        self.subjects, self.networks, self.size, self.seed = subjects, found, size, seed
        self.results |= {
            "images": size,
            "drawn": size * _DRAWN,
            "source": subjects.data.source,
            "seed": seed,
            "gains": {network.name: network.gain for network in found},
        }

    def part(self, part: str, *, added: bool = False) -> list[Network]:
        """The generators or the discriminators; with `added`, those with a way past attention."""
        chosen = [network for network in self.networks if network.part == part]
        return [n for n in chosen if n.layer.block_input is not None] if added else chosen


def compare_attention(
    subjects: Subjects,
    *,
    size: int = 64,
    seed: int = 0,
    progress: bool = True,
    models: Sequence[str] | Mapping[str, Mapping[str, Graph]] = MODELS,
) -> Attention:
    """Self-attention of GANs, measured, and held against attribution, gradients and ablation.

    Args:
        size: test images for the discriminators; eight times as many codes for the generators.
        seed: of codes, controls and random orders.
        progress: show a bar on stderr.
        models: SavedModels by name or path, or models by name, with `generate`, and perhaps
            `discriminate`, of 28 x 28 images.

    Raises:
        InvalidInputError: fewer than 8 images.
        LayerNotFoundError: no model has self-attention.
    """
    if min(size, len(subjects.data)) < LEAST:
        raise InvalidInputError(
            f"The comparison needs at least {LEAST} images; raise --size or change the data."
        )
    found = networks(models, subjects, size, size * _DRAWN, seed)
    comparison = Attention(subjects, found, size, seed)
    comparison.text(INTRODUCTION)
    with counter("comparing", len(STEPS), progress) as done:
        for step in STEPS:
            step(comparison)
            done(1)
    add_findings(comparison)
    return comparison


def add_maps(comparison: Attention) -> None:
    """What each layer attends to: pictures, and measures with controls."""
    import pandas

    comparison.section("What they attend to")
    frames = []
    for network in comparison.networks:
        few = attention_maps(network.graph, network.first(_SHOWN), network.layer.name)
        queries = [choose_queries(image) for image in few.images]  # type: ignore[union-attr]
        if len({len(each) for each in queries}) == 1:
            comparison.figure(
                f"queries-{network.name.replace(' ', '-')}",
                plots.attention_queries(few, queries, title=f"{network.name}, {_gain(network)}"),
                f"What three queries on the stroke and three in the background take in the "
                f"{network.name}; one scale, of square roots, for all maps.",
            )
        given = network.first(comparison.size)
        table = measures_with_controls(
            network.graph, given, network.layer.name, seed=comparison.seed
        )
        table.insert(0, "layer", network.name)
        frames.append(table)
    frame = pandas.concat(frames, ignore_index=True)
    gains = {network.name: network.gain for network in comparison.networks}
    comparison.figure(
        "measures",
        plots.attention_chart(frame, gains),
        "The learnt gain of each layer; then entropy of a query's shares (1: the same from all "
        "keys), the share taken from ink less the digit's share of the image (0: chance), and the "
        "distance to what is taken, with 95 % intervals over images.",
    )
    comparison.table(
        "measures",
        frame,
        "The same numbers. Shuffled: weights of queries and keys in random order.",
        columns=(
            "layer",
            "map",
            "queries",
            "images",
            "entropy_share",
            "mass",
            "chance",
            "distance",
            "distance_uniform",
        ),  # fmt: skip
    )


def add_slip(comparison: Attention) -> None:
    """The right and the wrong index, on the first discriminator or generator."""
    judges = comparison.part(DISCRIMINATOR) or comparison.networks
    network = judges[0]
    maps = attention_maps(network.graph, network.first(comparison.size), network.layer.name)
    images = maps.images
    assert images is not None
    width = maps.query_grid[1]
    stroke = query_kinds(images, maps.query_grid)["stroke"]
    moved, kept, rows = [], [], []
    for n, image in enumerate(images):
        for query in choose_queries(image):
            place = divmod(maps.index(query.row, query.column, of="image"), width)
            found = slip(*place, width)
            moved.append(np.hypot(place[0] - found.shown[0], place[1] - found.shown[1]))
            rows.append(found.shown[0])
            if query.name.startswith("stroke"):
                kept.append(bool(stroke[n, found.wrong]))
    comparison.results["slip"] = {
        "network": network.name,
        "queries": len(moved),
        "mean_distance": float(np.mean(moved)),
        "mean_row": float(np.mean(rows)),
        "rows": maps.query_grid[0],
        "stroke_kept": float(np.mean(kept)) if kept else None,
    }
    comparison.section("A slip of the index")
    comparison.figure(
        "index",
        plots.index_slip(maps[0], choose_queries(images[0])),
        f"The {network.name}. With row * column in place of row * W + column each query shows "
        "another one's map. On its own scale every map seems to have structure; on one scale it "
        "shows how much there is.",
    )


def _gain(network: Network) -> str:
    return "no gain" if network.gain is None else f"gain {network.gain:.3g}"


STEPS: tuple[Callable[[Attention], None], ...] = (
    add_maps,
    add_slip,
    attention_parts.add_attribution,
    attention_parts.add_gradients,
    attention_parts.add_worth,
)
