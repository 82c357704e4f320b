"""The parts that hold attention against attribution, against gradients, and against its absence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare import attention_gradients, attention_judges, attention_worth
from tfgenxai.compare.attention_material import DISCRIMINATOR, GENERATOR

if TYPE_CHECKING:
    from tfgenxai.compare.attention import Attention


def add_attribution(comparison: Attention) -> None:
    """Attention of discriminators against attribution of their logit, and deletion by both."""
    agreement: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    refused: dict[tuple[str, str], str] = {}
    for network in comparison.part(DISCRIMINATOR):
        maps, why = attention_judges.explained(network, comparison.seed)
        refused |= {(network.name, name): reason for name, reason in why.items()}
        attention = attention_judges.rollup(network)
        agreement += attention_judges.agreement_rows(network, attention, maps)
        orders = {attention_judges.ATTENTION: attention, **maps}
        moved += attention_judges.deletion_rows(network, orders, comparison.seed)
    comparison.results["refused"] = {f"{n}, {m}": reason for (n, m), reason in refused.items()}
    if not agreement:
        return
    comparison.section(
        "Attention and attribution of the logit",
        "The rollup is what a layer takes from each place, on average over all queries.",
    )
    comparison.table(
        "agreement",
        agreement,
        "Rank correlation and overlap of the first tenth of the pixels, of the rollup with the "
        "size of each method's relevance; `other`: with the rollup of another image.",
        columns=("network", "method", "images", "spearman", "spearman_other", "iou", "iou_other"),
    )
    if refused:
        listed = [f"- {name}, `{method}`: {why}" for (name, method), why in refused.items()]
        comparison.text("Methods that do not run on a network:\n\n" + "\n".join(listed))
    comparison.table(
        "deletion",
        moved,
        "How far the logit moves, on average over the whole curve, as pixels go black in the order "
        "of a map, and in random order.",
        columns=(
            "network",
            "order",
            "images",
            "moved",
            "moved_random",
            "moved_gain",
            "moved_gain_low",
            "moved_gain_high",
        ),  # fmt: skip
    )


def add_gradients(comparison: Attention) -> None:
    """Attention of a generator's queries against the gradient of their pixels."""
    rows: list[dict[str, Any]] = []
    for network in comparison.part(GENERATOR, added=True):
        rows += attention_gradients.gradient_rows(network)
    if rows:
        comparison.section(
            "Attention and the gradient of a pixel",
            "The block gives x + f(x): the gradient of a pixel with respect to x has a part that "
            "goes through the attention f, and one that passes it by.",
        )
        comparison.table(
            "gradients",
            rows,
            "Rank correlation and overlap of a query's shares with the part of its pixel's "
            "gradient that goes through the attention; `other`: the shares of the same query in "
            "another image; `share`: how much of the gradient goes through the attention.",
            columns=(
                "network",
                "queries",
                "images",
                "spearman",
                "spearman_other",
                "iou",
                "iou_other",
                "share",
            ),  # fmt: skip
        )


def add_worth(comparison: Attention) -> None:
    """What is lost without attention."""
    comparison.section(
        "What it is worth",
        "The attention is left out: what comes into the block takes the place of what goes out, as "
        "with a gain of 0.",
    )
    drawn: list[dict[str, Any]] = []
    generators = comparison.part(GENERATOR, added=True)
    if generators:
        count = comparison.results["drawn"]
        real = attention_worth.Real.of(comparison.subjects, count)
    for network in generators:
        row, (whole, without) = attention_worth.image_row(network, comparison.subjects, real)
        comparison.figure(
            f"without-{network.model}",
            plots.image_grid(
                np.concatenate([whole[:10], without[:10]]),
                columns=10,
                title=f"{network.model}: with attention, and below without",
            ),
            f"The same codes with and without attention; gain {network.gain}.",
        )
        drawn.append(row)
    judged = [attention_worth.logit_row(n) for n in comparison.part(DISCRIMINATOR, added=True)]
    if drawn:
        comparison.table(
            "images-without",
            drawn,
            "Mean absolute change of a pixel, beside that between two images; images in which the "
            "classifier then sees another digit; Fréchet distance of its features.",
            columns=(
                "network",
                "gain",
                "images",
                "change",
                "apart",
                "class_change",
                "frechet",
                "frechet_without",
                "floor",
            ),  # fmt: skip
        )
    if judged:
        comparison.table(
            "logits-without",
            judged,
            "Mean absolute change of the logit on test images, beside the spread of the logits.",
            columns=("network", "gain", "images", "change", "spread", "verdict_change"),
        )
