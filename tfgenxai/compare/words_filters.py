"""From a character's pixels to the filters of all characters, against exchanging characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.words_saying import number
from tfgenxai.metrics.intervals import interval
from tfgenxai.words import exchanged, filter_relevance, removed, shares

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words

#: What explains the pixels, with its options.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "LRP, z+": ("lrp", {"composite": "epsilon_plus"}),
    "LRP, epsilon": ("lrp", {"composite": "epsilon"}),
    "gradient x input": ("gradient_input", {}),
    "integrated gradients": ("integrated_gradients", {"steps": 10}),
}
EXCHANGED, REMOVED = "exchanged", "removed"
OWN, EVEN = "own filter alone", "all filters alike"


def add_filters(comparison: Words) -> None:
    """Matrices of all characters' pixels and filters: explained, and measured."""
    material = comparison.material
    found: dict[str, list[np.ndarray]] = {}
    for written in material.lengths:
        graph, given = written.generate, written.given
        truth = exchanged(
            graph, written.codes, written.label, len(material.alphabet), seed=material.seed
        )
        each = {EXCHANGED: truth, REMOVED: removed(graph, given)}
        for name, (method, options) in METHODS.items():
            each[name] = filter_relevance(graph, given, method, **options)
        each[OWN] = np.broadcast_to(np.eye(written.count), truth.shape)
        each[EVEN] = np.ones(truth.shape)
        for name, matrices in each.items():
            found.setdefault(name, []).append(shares(matrices))
    rows = [
        {"method": name, **_own(matrices), **_agreement(matrices, found[EXCHANGED])}
        for name, matrices in found.items()
        if name != EXCHANGED
    ]
    truth_row = _own(found[EXCHANGED])
    comparison.section(
        "Which filter draws a character",
        "A character's pixels are explained by relevance at the layer that all filters give: its "
        "share from each character's filter. The truth is how much a character's pixels change "
        "when one character is exchanged for another in the same style, or when what its filter "
        "gives is set to 0. Rows are characters that are looked at, and add up to 1.",
    )
    names = [EXCHANGED, REMOVED, *METHODS]
    longest = [found[name][-1].mean(axis=0) for name in names]
    comparison.figure(
        "filters",
        plots.character_matrices(
            dict(zip(names, longest, strict=True)),
            title="Where a character's pixels come from",
        ),
        f"Mean over {len(material.longest)} words of {material.longest.count} characters. Row: "
        "character whose pixels are explained; column: filter.",
    )
    comparison.table(
        "filters",
        [{"method": EXCHANGED, **truth_row}, *rows],
        "`own`, `next`, `far`: mean share of a character's own filter, of one next to it, and of "
        "one farther away; `overlap`: what the shares have in common with those of the exchange, "
        "at most 1; `spearman`: rank correlation of the other characters' shares with those of "
        "the exchange, in words of 3 characters or more, by word.",
        columns=("method", "own", "next", "far", "overlap", "overlap_low", "overlap_high",
                 "spearman", "spearman_low", "spearman_high"),
    )  # fmt: skip
    judged = [row for row in rows if row["method"] in METHODS]
    comparison.results["filters"] = {"truth": truth_row, "agreement": judged, "all": rows}
    comparison.finding(
        f"Exchanging characters: {_percent(truth_row['own'])} of the change lies in the exchanged "
        f"character's own columns, {_percent(truth_row['next'])} in a neighbour's, "
        f"{_percent(truth_row['far'])} in one's farther away "
        f"(n={material.total} words, {len(material.lengths)} lengths)."
    )
    listed = ", ".join(f"{row['method']} {number(row, 'overlap')}" for row in rows)
    comparison.finding(f"Overlap with the exchange of 1: {listed}.")
    ranked = [row for row in rows if row["spearman"] is not None]
    if ranked:
        listed = ", ".join(f"{row['method']} {row['spearman']:.2f}" for row in ranked)
        comparison.finding(f"Rank correlation of what leaks with the exchange: {listed}.")


def _own(matrices: list[np.ndarray]) -> dict[str, float]:
    """Mean share of the own filter, of neighbours and of others, over all words and characters."""
    groups: dict[str, list[float]] = {"own": [], "next": [], "far": []}
    for array in matrices:
        for (_, i, j), value in np.ndenumerate(array):
            groups["own" if i == j else "next" if abs(i - j) == 1 else "far"].append(value)
    return {name: float(np.nanmean(v)) if v else float("nan") for name, v in groups.items()}


def _agreement(matrices: list[np.ndarray], truth: list[np.ndarray]) -> dict[str, Any]:
    """Overlap of the rows of each word, and rank correlation off the diagonal, with the truth."""
    overlaps = [
        np.minimum(ours, true).sum(axis=2).mean(axis=1)
        for ours, true in zip(matrices, truth, strict=True)
    ]
    found: dict[str, Any] = interval(np.concatenate(overlaps)).row("overlap")
    ranks = [
        _rank(one, other)
        for ours, true in zip(matrices, truth, strict=True)
        if ours.shape[1] > 2
        for one, other in zip(ours, true, strict=True)
    ]
    known = [rank for rank in ranks if np.isfinite(rank)]
    return found | (
        interval(known).row("spearman")
        if known
        else dict.fromkeys(("spearman", "spearman_low", "spearman_high"))
    )


def _rank(ours: np.ndarray, true: np.ndarray) -> float:
    """Spearman's correlation of two matrices off the diagonal; NaN where one is the same there."""
    from scipy.stats import spearmanr

    off = ~np.eye(len(ours), dtype=bool)
    if np.ptp(ours[off]) == 0 or np.ptp(true[off]) == 0:
        return float("nan")
    return float(spearmanr(ours[off], true[off]).statistic)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
