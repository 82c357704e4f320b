"""What the comparison of attention found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfgenxai.attention.controls import TRAINED
from tfgenxai.compare.attention_judges import ATTENTION

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison

INTRODUCTION = """\
A self-attention layer lets every place of a feature map take values from all places. Its map is \
often shown as an explanation: what the network looks at. Whether it is one can be measured. A \
map says where values are taken from, not what becomes of them: they are multiplied by a learnt \
**gain**, which is 0 before training, and added to what was there.

**Entropy** of a query's shares, over its largest value, is 1 where as much is taken from every \
key. **Mass** is the share taken from ink; **chance** is the digit's share of the image."""


def add_findings(comparison: Comparison) -> None:
    """Sentences from the tables, and the headline."""
    frames = {n: frame.to_dict("records") for n, frame in comparison.frames.items()}
    gains = comparison.results["gains"]
    listed = ", ".join(f"{n} {_number(gain)}" for n, gain in gains.items())
    comparison.finding(f"Learnt gains of the attention, 0 before training: {listed}.")
    for name in gains:
        rows = [r for r in frames["measures"] if (r["layer"], r["map"]) == (name, TRAINED)]
        comparison.finding(_spread(name, rows))
    slip = comparison.results["slip"]
    kept = slip["stroke_kept"]
    comparison.finding(
        f"With row * column in place of row * W + column, {slip['queries']} queries of the "
        f"{slip['network']} are shown {slip['mean_distance']:.1f} places away on average, in row "
        f"{slip['mean_row']:.1f} of {slip['rows']}"
        + ("." if kept is None else f"; {_percent(kept)} of those on a stroke stay on one.")
    )
    for name in dict.fromkeys(row["network"] for row in frames.get("agreement", [])):
        comparison.finding(
            _agreement(name, [r for r in frames["agreement"] if r["network"] == name])
        )
    for row in frames.get("deletion", []):
        if row["order"] == ATTENTION:
            comparison.finding(_deletion(row))
    for refused, why in comparison.results["refused"].items():
        comparison.finding(f"Not explained: {refused}. {why}")
    for row in frames.get("gradients", []):
        comparison.finding(_gradient(row))
    drawn, judged = frames.get("images-without", []), frames.get("logits-without", [])
    for row in drawn:
        comparison.finding(
            f"Without its attention the {row['network']} (gain {_number(row['gain'])}) changes a "
            f"pixel by {_interval(row, 'change')}, two images differ by {row['apart']:.3g}; the "
            f"classifier sees another digit in {_percent(row['class_change'])}, and the Fréchet "
            f"distance goes from {row['frechet']:.3g} to {row['frechet_without']:.3g} "
            f"(n={row['images']}, floor {row['floor']:.3g})."
        )
    for row in judged:
        comparison.finding(
            f"Without its attention the logits of the {row['network']} (gain "
            f"{_number(row['gain'])}) move by {_interval(row, 'change')}, their standard deviation "
            f"being {row['spread']:.3g}; {_percent(row['verdict_change'])} of the verdicts change."
        )
    comparison.headline = _headline(frames)


def _headline(frames: dict[str, list[dict[str, Any]]]) -> str:
    """How far attention agrees with attribution, and what it is worth."""
    parts = []
    agreement = frames.get("agreement", [])
    if agreement:
        better = [row for row in agreement if row["spearman_gain_low"] > 0 and row["spearman"] > 0]
        parts.append(
            f"of {len(agreement)} pairs of a discriminator and an attribution method, attention "
            f"agrees in {len(better)} with the explanation of the same image more than with that "
            "of another"
        )
    drawn = frames.get("images-without", [])
    if drawn:
        shares = [row["change"] / row["apart"] if row["apart"] else 0.0 for row in drawn]
        span = " to ".join(dict.fromkeys(_percent(x) for x in (min(shares), max(shares))))
        parts.append(
            f"without attention generators change their images by {span} of what two images differ"
        )
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""


def _spread(name: str, rows: list[dict[str, Any]]) -> str:
    """Entropy of all queries of a layer, and what those of each kind take from ink."""
    kinds = {row["queries"]: row for row in rows}
    whole = kinds.pop("all")
    parts = []
    for kind, row in kinds.items():
        more, less = row["mass_gain_low"] > 0, row["mass_gain_high"] < 0
        side = "surely more" if more else "surely less" if less else "not surely other"
        parts.append(f"{kind} queries take {_percent(row['mass'])} from ink, {side} than chance")
    return (
        f"The {name}: entropy {whole['entropy_share']:.4f} of its largest value "
        f"[{whole['entropy_share_low']:.4f}, {whole['entropy_share_high']:.4f}]; "
        f"{', '.join(parts) or 'no queries of a kind'} ({_percent(whole['chance'])})."
    )


def _agreement(name: str, rows: list[dict[str, Any]]) -> str:
    parts = [
        f"{row['method']} {row['spearman']:.2f} (another image: {row['spearman_other']:.2f})"
        for row in rows
    ]
    sure = [row["method"] for row in rows if row["spearman_gain_low"] > 0 and row["spearman"] > 0]
    return (
        f"Rank correlation of the {name}'s attention rollup with the size of relevance: "
        f"{', '.join(parts)}. Surely more than with another image's, and positive: "
        f"{', '.join(sure) or 'none'}."
    )


def _deletion(row: dict[str, Any]) -> str:
    low, high = row["moved_gain_low"], row["moved_gain_high"]
    verdict = "more than" if low > 0 else "less than" if high < 0 else "not surely apart from"
    return (
        f"Deleting pixels by attention moves the logit of the {row['network']} by "
        f"{_interval(row, 'moved')}, {verdict} in random order ({row['moved_random']:.3g})."
    )


def _gradient(row: dict[str, Any]) -> str:
    return (
        f"For {row['queries']} queries of the {row['network']} the shares correlate by "
        f"{_interval(row, 'spearman')} with the gradient through the attention (shares of another "
        f"image: {row['spearman_other']:.2f}); {_percent(row['share'])} of the gradient goes "
        "through it."
    )


def _interval(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.3g} [{row[f'{name}_low']:.3g}, {row[f'{name}_high']:.3g}]"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _number(gain: float | None) -> str:
    return "none" if gain is None else f"{gain:.3g}"
