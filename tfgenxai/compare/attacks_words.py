"""What the comparison of attacks and explanations found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.compare.attacks_agreement import TOP
from tfgenxai.compare.attacks_restricted import MIDDLE, OTHER, OWN, RANDOM

if TYPE_CHECKING:
    from tfgenxai.compare.attacks import Attacks

#: Rank correlations from which on the agreement is called weak, and then moderate and strong.
_WEAK, _MODERATE, _STRONG = 0.1, 0.4, 0.7
#: The attack whose confined success is spoken of: the strongest with an eps.
_SPOKEN = "pgd"

INTRODUCTION = """\
"Do XAI and adversarial attacks share the same results?" An attack looks for the least change \
that turns a verdict; an explanation for what the verdict rests on. It sounds like one question. \
Whether it is one can be measured."""


def add_findings(comparison: Attacks) -> None:
    """Sentences from the tables, the last two the answer; its first is the headline."""
    agreement = comparison.results["agreement"]
    comparison.finding(_strength(comparison.results["attacks"]))
    for attack in dict.fromkeys(row["attack"] for row in agreement):
        comparison.finding(_alike(attack, [r for r in agreement if r["attack"] == attack]))
    restricted = [r for r in comparison.results["restricted"] if r["pixels"] == MIDDLE]
    for attack in dict.fromkeys(row["attack"] for row in restricted):
        comparison.finding(_confined(attack, [r for r in restricted if r["attack"] == attack]))
    comparison.finding(_vae(comparison.results["vae"]))
    spoken = [r for r in restricted if r["attack"] == _SPOKEN]
    answer = (_ranks(agreement), _use(spoken))
    comparison.results["answer"] = list(answer)
    comparison.headline = answer[0]
    for sentence in answer:
        comparison.finding(sentence)
    comparison.section("Do XAI and adversarial attacks share the same results?", " ".join(answer))


def _strength(rows: list[dict[str, Any]]) -> str:
    parts = [
        f"{row['attack']} {_percent(row['success'])} (median length {row['l2']:.2f}, largest "
        f"change {row['linf']:.2f})"
        for row in rows
    ]
    return f"Images whose class changes: {', '.join(parts)}; n={rows[0]['images']}."


def _alike(attack: str, rows: list[dict[str, Any]]) -> str:
    """Rank correlations of one attack with all methods, and which are of this image."""
    parts = [
        f"{row['method']} {row['spearman']:.2f} (another digit: {row['spearman_other']:.2f})"
        for row in rows
    ]
    sure = [row["method"] for row in rows if _agrees(row)]
    return (
        f"Rank correlation of {attack} with: {', '.join(parts)}. Surely above 0, and more than "
        f"with the attack on another digit: {', '.join(sure) or 'none'}."
    )


def _agrees(row: dict[str, Any]) -> bool:
    """Whether attack and method surely agree, and on this image more than across digits."""
    return row["spearman_low"] > 0 and row["spearman_gain_low"] > 0


def _confined(attack: str, rows: list[dict[str, Any]]) -> str:
    by = {row["order"]: row for row in rows}
    random, own, other = (by.pop(order) for order in (RANDOM, OWN, OTHER))
    listed = [f"{name} {_percent(row['success'])}" for name, row in by.items()]
    better = [name for name, row in by.items() if _helps(row)]
    worse = [name for name, row in by.items() if row["gain_high"] < 0]
    return (
        f"{attack} on {MIDDLE} pixels: random {_percent(random['success'])}, {', '.join(listed)}, "
        f"own {_percent(own['success'])}, own on another digit {_percent(other['success'])}. "
        f"Surely better than random and another digit's: {', '.join(better) or 'none'}; surely "
        f"worse than random: {', '.join(worse) or 'none'}."
    )


def _helps(row: dict[str, Any]) -> bool:
    """Whether the pixels of a map are surely worth more to an attack than both controls."""
    return row["gain_low"] > 0 and row["gain_other_low"] > 0


def _vae(rows: list[dict[str, Any]]) -> str:
    by = {row["method"]: row for row in rows}
    random, own = by.pop(RANDOM), by.pop(OWN)
    parts = [
        f"{name} {row['spearman']:.2f} (another digit: {row['spearman_other']:.2f}), and "
        f"{_percent(row['closed'])} of the way closed on its first {MIDDLE} pixels"
        for name, row in by.items()
    ]
    return (
        f"Latent attacks on the VAE correlate with {'; '.join(parts)}; on random pixels "
        f"{_percent(random['closed'])}, on the attack's own {_percent(own['closed'])}."
    )


def _ranks(rows: list[dict[str, Any]]) -> str:
    """The first sentence of the answer: whether they mark the same pixels."""
    mean = float(np.mean([row["spearman"] for row in rows]))
    other = float(np.mean([row["spearman_other"] for row in rows]))
    overlap = float(np.mean([row["iou"] for row in rows]))
    sure = sum(map(_agrees, rows))
    best = max(rows, key=lambda row: row["spearman"])
    word = (
        "No" if mean < _WEAK else
        "Weakly" if mean < _MODERATE else
        "In part" if mean < _STRONG else
        "Largely"
    )  # fmt: skip
    return (
        f"{word}: over {len(rows)} pairs of an attack and a method the mean rank correlation of "
        f"their maps is {mean:.2f} (with the attack on another digit {other:.2f}; at most "
        f"{best['spearman']:.2f}, of {best['attack']} with {best['method']}), {sure} pairs agree "
        f"surely, and more on the same image than across digits, and the first "
        f"{100 * TOP:.0f} % of the pixels overlap by {overlap:.2f} where chance gives "
        f"{rows[0]['iou_chance']:.2f}."
    )


def _use(rows: list[dict[str, Any]]) -> str:
    """The second: whether the pixels that explanations mark are those that an attack needs."""
    by = {row["order"]: row for row in rows}
    random, own, other = (by.pop(order) for order in (RANDOM, OWN, OTHER))
    best, worst = (pick(by.values(), key=lambda row: row["success"]) for pick in (max, min))
    better = [name for name, row in by.items() if _helps(row)]
    if better:
        verdict = f"surely worth more than both controls are the marks of {', '.join(better)}"
    else:
        verdict = "no explanation's marks are surely worth more than both controls"
    return (
        f"Confined to the {MIDDLE} pixels that an explanation ranks first, {_SPOKEN} still turns "
        f"{_percent(worst['success'])} ({worst['order']}) to {_percent(best['success'])} "
        f"({best['order']}) of the verdicts, against {_percent(random['success'])} on random "
        f"pixels, {_percent(other['success'])} on those that it changes most in another digit and "
        f"{_percent(own['success'])} on those that it changes most in this: {verdict}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
