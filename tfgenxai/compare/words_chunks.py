"""From a character's pixels to the chunks of the style, against drawing a chunk anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.words_filters import METHODS
from tfgenxai.compare.words_saying import number
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.strokes import stroke_measures
from tfgenxai.words import chunk_effects, chunk_relevance, chunk_slices, shares

if TYPE_CHECKING:
    from tfgenxai.compare.words import Words

_DRAWS = 3
_MEASURES = ("slant", "stroke width", "height", "width")
DRAWN, EVEN = "drawn anew", "all chunks alike"


def add_chunks(comparison: Words) -> None:
    """Shares of the chunks: explained, and measured; and what each chunk does to the strokes."""
    material = comparison.material
    chunks = list(chunk_slices(material.longest.generate))
    found: dict[str, list[np.ndarray]] = {}
    signed: dict[str, list[np.ndarray]] = {}
    moved: list[np.ndarray] = []
    for place, written in enumerate(material.lengths):
        words = len(written)
        drawn = material.draws(_DRAWS * words, place + 1).reshape(_DRAWS, words, -1)
        changes, images = chunk_effects(written.generate, written.given, drawn)
        found.setdefault(DRAWN, []).append(shares(changes))
        moved.append(_moved(written.drawn, images, written.count))
        for name, (method, options) in METHODS.items():
            size, net = chunk_relevance(written.generate, written.given, method, **options)
            found.setdefault(name, []).append(shares(size))
            signed.setdefault(name, []).append(net / np.abs(net).sum(axis=-1, keepdims=True))
        found.setdefault(EVEN, []).append(np.full(changes.shape, 1 / len(chunks)))
    means = {name: _mean(parts) for name, parts in found.items()}
    rows = [
        {
            "method": name,
            **dict(zip(chunks, means[name], strict=True)),
            **(_agreement(parts, found[DRAWN]) if name != DRAWN else {}),
        }
        for name, parts in found.items()
    ]
    comparison.section(
        "Which part of the style shapes a character",
        "Chunk 0 goes to the filters, each other one to the normalisation of one block, from the "
        "coarsest to the finest. The truth is how much a character's pixels change when one chunk "
        "is drawn anew.",
    )
    names = [name for name in found if name != EVEN]
    comparison.figure(
        "chunks",
        plots.matrix(
            np.array([means[name] for name in names]),
            names,
            chunks,
            title="Shares of the chunks in a character's pixels",
            label="mean share",
            limits=(0.0, 1.0),
        ),
        f"Mean over all characters of {material.total} words; each row adds up to 1.",
    )
    comparison.table(
        "chunks",
        rows,
        "Mean shares of the chunks by size of relevance; `overlap` with those of drawing them "
        "anew, `first`: how often both name the same chunk first, `spearman`: of the four shares; "
        "each by character, intervals over words.",
    )
    comparison.table(
        "chunks-signed",
        [
            {"method": name, **dict(zip(chunks, _mean(parts), strict=True))}
            for name, parts in signed.items()
        ],
        "Signed sums of relevance over the sum of their sizes: positive parts make pixels bright.",
    )
    effects = _effects(chunks, np.concatenate(moved, axis=1))
    comparison.table(
        "chunk-effects",
        effects,
        "Mean absolute change of a measure of the word when a chunk is drawn anew (degrees for the "
        "slant, pixels for others).",
    )
    comparison.results["chunks"] = {"shares": rows, "effects": effects}
    truth = ", ".join(f"{n} {100 * v:.0f} %" for n, v in zip(chunks, means[DRAWN], strict=True))
    comparison.finding(f"Of what drawing chunks of the style anew changes: {truth}.")
    listed = ", ".join(
        f"{row['method']} {number(row, 'overlap')} (same first chunk {100 * row['first']:.0f} %)"
        for row in rows
        if row["method"] != DRAWN
    )
    comparison.finding(f"Overlap of the explained shares with these: {listed}.")
    strongest = {m: effects[int(np.argmax([row[m] for row in effects]))] for m in _MEASURES}
    comparison.finding(
        "Most changed by: "
        + ", ".join(f"{m} {row['chunk']} ({row[m]:.2g})" for m, row in strongest.items())
        + "."
    )


def _mean(parts: list[np.ndarray]) -> np.ndarray:
    """Mean over all words and characters of arrays (N, n, K), (K,)."""
    return np.nanmean(np.concatenate([p.reshape(-1, p.shape[-1]) for p in parts]), axis=0)


def _agreement(parts: list[np.ndarray], truth: list[np.ndarray]) -> dict[str, Any]:
    """Overlap, agreement on the first chunk and rank correlation, means of words' means."""
    from scipy.stats import spearmanr

    overlap, first, ranks = [], [], []
    for ours, true in zip(parts, truth, strict=True):
        overlap.append(np.minimum(ours, true).sum(axis=-1).mean(axis=1))
        tied = np.ptp(ours, axis=-1) == 0
        same = np.where(tied, 1 / ours.shape[-1], ours.argmax(axis=-1) == true.argmax(axis=-1))
        first.append(same.mean(axis=1))
        for word, other in zip(ours, true, strict=True):
            known = [
                spearmanr(a, b).statistic for a, b in zip(word, other, strict=True) if np.ptp(a)
            ]
            ranks += [np.mean(known)] if known else []
    return {
        **interval(np.concatenate(overlap)).row("overlap"),
        "first": float(np.concatenate(first).mean()),
        "spearman": float(np.mean(ranks)) if ranks else None,
    }


def _moved(whole: np.ndarray, images: np.ndarray, characters: int) -> np.ndarray:
    """Absolute change of each measure, (M, N, K), mean over draws; images (D, K, N, H, W, 1)."""
    before = stroke_measures(whole, characters=characters)
    flat = images.reshape(-1, *images.shape[3:])
    after = stroke_measures(flat, characters=characters)
    shape = images.shape[:3]
    changes = [np.abs(after[m].reshape(shape) - before[m]) for m in _MEASURES]
    return np.moveaxis(np.nanmean(changes, axis=1), 1, 2)


def _effects(chunks: list[str], moved: np.ndarray) -> list[dict[str, Any]]:
    """A row a chunk, of changes (M, N, K)."""
    means = np.nanmean(moved, axis=1)
    return [
        {"chunk": chunk, **{m: float(means[i, k]) for i, m in enumerate(_MEASURES)}}
        for k, chunk in enumerate(chunks)
    ]
