"""What the directions of both models were found to do, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfgenxai.compare.gan_cgan import GanCgan

#: Directions change style only if, with the whole interval, fewer classes than this change.
STYLE_ONLY = 0.05


def add_findings(
    comparison: GanCgan, rows: Sequence[dict[str, Any]], starts: Sequence[dict[str, Any]]
) -> None:
    """Sentences from the table of methods and that of unmoved images, and the headline."""
    told = "; ".join(
        f"{row['directions']} {percent(row, 'GAN')} and {percent(row, 'CGAN')}" for row in rows
    )
    comparison.finding(f"Codes whose class changes along directions, GAN and CGAN: {told}.")
    compared = [row for row in rows if "difference" in row]
    if compared:
        comparison.finding(_at_equal_change(compared))
    gan, cgan = starts
    if "changed if sure" in gan and "changed if sure" in cgan:
        comparison.finding(
            f"The classifier is sure of {percent(gan, 'sure')} of the GAN's unmoved images and of "
            f"{percent(cgan, 'sure')} of the CGAN's; of these, {percent(gan, 'changed if sure')} "
            f"and {percent(cgan, 'changed if sure')} change class, {rows[0]['directions']} "
            "directions."
        )
    if "changed if as asked" in cgan:
        comparison.finding(
            f"It sees the label in {percent(cgan, 'as asked')} of the CGAN's unmoved images; of "
            f"these {percent(cgan, 'changed if as asked')} are taken for another digit somewhere "
            f"along {rows[0]['directions']} directions, though the label stays."
        )
    verdicts = [style_only(row) for row in rows]
    comparison.finding(
        "That directions of a CGAN change style only (fewer than "
        f"{100 * STYLE_ONLY:.0f} % of the classes change): "
        + "; ".join(f"{row['directions']} {verdict}" for row, verdict in zip(rows, verdicts))
        + "."
    )
    comparison.results["directions"]["verdicts"] = verdicts
    comparison.headline = headline(comparison.results)


def style_only(row: dict[str, Any]) -> str:
    """ "holds", "does not hold" or "is open", by the interval of the CGAN's class changes."""
    if row["CGAN_high"] < STYLE_ONLY:
        return "holds"
    return "does not hold" if row["CGAN_low"] > STYLE_ONLY else "is open"


def headline(results: dict[str, Any]) -> str:
    """The comparison in a sentence."""
    grid, rows = results["grid"], results["directions"]["methods"]
    most = max(rows, key=lambda row: row["CGAN"])
    return (
        f"The CGAN draws the digit it is asked for in {100 * grid['accuracy']:.0f} % of the "
        f"images; along {most['directions']} directions its class changes for "
        f"{100 * most['CGAN']:.0f} % of the codes, the GAN's for {100 * most['GAN']:.0f} %."
    )


def _at_equal_change(rows: Sequence[dict[str, Any]]) -> str:
    told = []
    for row in rows:
        low, high = row["difference_low"], row["difference_high"]
        if low > 0:
            verdict = "the CGAN keeps its class more often"
        else:
            verdict = "no difference is sure" if high >= 0 else "the GAN keeps its class more often"
        told.append(
            f"{row['directions']} {percent(row, 'GAN at equal change')} and "
            f"{percent(row, 'CGAN at equal change')}, so that {verdict}"
        )
    return f"Moved images with another class, where both models' change as much: {'; '.join(told)}."


def percent(row: dict[str, Any], name: str) -> str:
    """A share of a row with its interval, in percent."""
    mean, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{mean:.0f} % [{low:.0f}, {high:.0f}]"
