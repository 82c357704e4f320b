"""The conditional GAN's grid, a row a code and a column a label, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.metrics.classes import conditional_accuracy
from tfgenxai.metrics.features import read
from tfgenxai.metrics.intervals import Interval, interval
from tfgenxai.metrics.strokes import stroke_measures
from tfgenxai.metrics.variance import two_way

if TYPE_CHECKING:
    from tfgenxai.compare.gan_cgan import GanCgan

_SHOWN = 8
#: What is told in the sentence on style.
STYLES = ("stroke width", "slant", "height")


def add_grid(comparison: GanCgan) -> None:
    """Every label for every code: whether the digit is as asked, and what style goes by."""
    generator = comparison.generators["CGAN"]
    codes = generator.codes(comparison.rows, np.random.default_rng(comparison.seed))
    count = generator.classes
    labels = np.broadcast_to(np.arange(count), (len(codes), count))
    images = generator.images(np.repeat(codes[:, None], count, axis=1), labels)
    flat = images.reshape(-1, *images.shape[2:])
    right = read(comparison.classify, flat).votes.reshape(labels.shape) == labels
    accuracy = interval(right.mean(axis=1))  # over codes: images of one code are not independent
    real = _real_accuracy(comparison)
    rows = style_rows(images, comparison.seed)
    comparison.results["grid"] = {
        "codes": len(codes),
        "labels": count,
        **accuracy.row("accuracy"),
        **real.row("accuracy_real"),
        "style": rows,
    }
    comparison.section(
        "Style kept, content changed",
        "Each code is drawn with every label. If the label decides the digit and the code its "
        "style, images of a row share their stroke width and slant, and those of a column their "
        "digit.",
    )
    comparison.figure(
        "grid",
        plots.image_blocks({"CGAN": images[:_SHOWN]}, list(range(count))),
        f"Each row one code, each column one label. The classifier sees the label that was asked "
        f"for in {_percent(accuracy)} of {len(flat):,} images; it is right on {_percent(real)} of "
        "real test images.",
    )
    comparison.table(
        "style",
        rows,
        f"Shares of the variance of each measure over {len(codes)} codes and {count} labels (two-"
        "way analysis of variance): what goes by the code alone, by the label alone, and by both "
        "together. *Code, of the rest*: the code's share of what the label leaves. *Shuffled*: the "
        "same where the codes of each label are shuffled, so that a row is nothing.",
        columns=["measure", *(name for name in _CELLS)],
    )
    comparison.figure(
        "style",
        plots.matrix(
            np.array([[row[name] for name in _CELLS] for row in rows]),
            [row["measure"] for row in rows],
            list(_CELLS),
            title="What strokes go by",
            label="share of the variance",
            limits=(0.0, 1.0),
        ),
        "The first three columns sum to 1 in each row.",
    )
    comparison.finding(
        f"The CGAN draws the digit it is asked for in {_percent(accuracy)} of the images, by a "
        f"classifier that is right on {_percent(real)} of real ones."
    )
    comparison.finding(style_sentence(rows))


_CELLS = ("code", "label", "both", "code, of the rest", "shuffled")


def style_rows(images: np.ndarray, seed: int = 0) -> list[dict[str, Any]]:
    """One row a stroke measure of images (codes, labels, H, W, 1): what its variance goes by."""
    measures = stroke_measures(images.reshape(-1, *images.shape[2:]))
    rows = []
    for name, values in measures.items():
        found = two_way(values.reshape(images.shape[:2]), seed=seed)
        rows.append(
            {
                "measure": name,
                "code": found.rows,
                "label": found.columns,
                "both": found.rest,
                **found.rows_of_rest.row("code, of the rest"),
                **found.chance.row("shuffled"),
                "codes": found.count,
            }
        )
    return rows


def style_sentence(rows: Sequence[dict[str, Any]]) -> str:
    """Which of `STYLES` the code keeps: with the whole interval, more than shuffled codes do."""
    kept, told = [], []
    for row in rows:
        if row["measure"] in STYLES:
            if row["code, of the rest_low"] > row["shuffled_high"]:
                kept.append(row["measure"])
            told.append(
                f"{row['measure']} {100 * row['code, of the rest']:.0f} % "
                f"[{100 * row['code, of the rest_low']:.0f}, "
                f"{100 * row['code, of the rest_high']:.0f}] "
                f"({100 * row['shuffled']:.0f} % if shuffled; the label alone decides "
                f"{100 * row['label']:.0f} % of all)"
            )
    begins = (
        f"Style stays with the code as the label changes, for {', '.join(kept)}"
        if kept
        else "Style does not stay with the code as the label changes"
    )
    return f"{begins}: of the variance that the label leaves, the code decides {'; '.join(told)}."


def _real_accuracy(comparison: GanCgan) -> Interval:
    data = comparison.subjects.data[: comparison.size]
    return conditional_accuracy(
        read(comparison.classify, data.images).votes, np.asarray(data.labels)
    )


def _percent(share: Interval) -> str:
    return f"{100 * share.mean:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
