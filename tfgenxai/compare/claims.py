"""What is said of two methods in words, held against what was measured of them.

Measures are one number a sample, so that a claim is settled by the paired difference of the two
methods on the same samples: where its 95 % interval leaves 0 out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tfgenxai.metrics.intervals import Interval, interval

#: case -> method -> measure -> (N,), one number a sample.
Measures = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
Outcome = Literal["holds", "the other way round", "not settled"]

#: Samples that settle a claim, at least: of fewer, all can point one way by chance in more than
#: one case out of twenty (a sign test of five gives 2 / 2^5 = 1 / 16).
FEWEST = 6


@dataclass(frozen=True)
class Claim:
    """A sentence that says for which of two methods a measure is the larger one.

    Attributes:
        text: the claim.
        measure: name of the measure that it is held against.
        larger, smaller: methods, as the claim has them.
    """

    text: str
    measure: str
    larger: str
    smaller: str


@dataclass(frozen=True)
class Judged:
    """A claim with what was measured.

    Attributes:
        means: case -> mean measure of `larger` and of `smaller`, over the samples that have both.
        differences: case -> mean of larger - smaller over the samples, with its interval.
    """

    claim: Claim
    means: Mapping[str, tuple[float, float]]
    differences: Mapping[str, Interval]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Whether the claim holds, case by case."""
        return {case: outcome(each) for case, each in self.differences.items()}

    @property
    def verdict(self) -> str:
        """Whether it holds, in words."""
        return settled(self.outcomes)

    @property
    def evidence(self) -> str:
        """The numbers of every case, in words."""
        parts = [
            f"{case}: {self.claim.larger} {number(first)}, {self.claim.smaller} {number(second)}, "
            f"difference {worded(self.differences[case])} (n = {self.differences[case].count})"
            for case, (first, second) in self.means.items()
        ]
        return "; ".join(parts)

    def sentence(self, label: str) -> str:
        """Claim, verdict and means; `label` says what the measure is."""
        means = "; ".join(
            f"{case} {number(first)} against {number(second)}"
            for case, (first, second) in self.means.items()
        )
        return (
            f"*{self.claim.text}*: **{self.verdict}**. {label[:1].upper()}{label[1:]}. "
            f"{self.claim.larger} against {self.claim.smaller}: {means or 'not measured'}."
        )


def judge(claim: Claim, measures: Measures) -> Judged:
    """The claim, held against every case in which both methods have the measure."""
    means, differences = {}, {}
    for case, methods in measures.items():
        first, second = (
            methods.get(name, {}).get(claim.measure) for name in (claim.larger, claim.smaller)
        )
        if first is None or second is None:
            continue
        both = np.isfinite(first) & np.isfinite(second)
        if both.any():
            means[case] = (float(first[both].mean()), float(second[both].mean()))
            differences[case] = interval((first - second)[both])
    return Judged(claim, means, differences)


def outcome(difference: Interval) -> Outcome:
    """Whether a difference that is claimed to be above 0 is so."""
    if difference.count < FEWEST or not difference.apart_from(0.0):
        return "not settled"
    return "holds" if difference.mean > 0 else "the other way round"


def settled(outcomes: Mapping[str, Outcome]) -> str:
    """One verdict of several cases: "holds", or "holds on images; not settled on latents"."""
    if not outcomes:
        return "not measured"
    kinds = dict.fromkeys(outcomes.values())
    if len(kinds) == 1:
        return next(iter(kinds))
    parts = [
        f"{kind} on {' and '.join(case for case, found in outcomes.items() if found == kind)}"
        for kind in kinds
    ]
    return "; ".join(parts)


def summed_up(judged: Sequence[Judged]) -> str:
    """How many claims hold, in one sentence."""
    verdicts = [each.verdict for each in judged]
    holding, turned = verdicts.count("holds"), verdicts.count("the other way round")
    rest = len(judged) - holding - turned
    return (
        f"of {len(judged)} common claims, {holding} {'holds' if holding == 1 else 'hold'} in every "
        f"case, {turned} {'is' if turned == 1 else 'are'} the other way round, and {rest} "
        f"{'depends' if rest == 1 else 'depend'} on the case or {'is' if rest == 1 else 'are'} not "
        "settled."
    )


def number(value: float) -> str:
    """Three digits, or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def worded(mean: Interval) -> str:
    """Mean and interval, as "1,024 [1,000, 1,050]"."""
    return f"{number(mean.mean)} [{number(mean.low)}, {number(mean.high)}]"


def spoken(measures: Measures, name: str) -> str:
    """Means of a measure: "images SHAP 0.9, LIME 0.8; latents ...", or of one method "images 1"."""
    parts = []
    for case, methods in measures.items():
        means = {
            method: number(interval(found[name]).mean)
            for method, found in methods.items()
            if name in found and np.isfinite(found[name]).any()
        }
        if len(means) > 1:
            parts.append(f"{case} {', '.join(f'{m} {mean}' for m, mean in means.items())}")
        elif means:
            parts.append(f"{case} {next(iter(means.values()))}")
    return "; ".join(parts) or "not measured"


def claim_rows(judged: Sequence[Judged], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """A table with one row a claim."""
    return [
        {
            "claim": each.claim.text,
            "verdict here": each.verdict,
            "measure": labels[each.claim.measure],
            "measured": each.evidence,
        }
        for each in judged
    ]


def measure_rows(
    measures: Measures, labels: Mapping[str, str], names: Sequence[str]
) -> list[dict[str, Any]]:
    """A table with one row for each case and measure, and for each method its mean.

    Columns: `case`, `measure` (its label), `name`, `samples`; for each method its name, with mean
    and interval in words, and the same as the numbers `METHOD_mean`, `METHOD_low`, `METHOD_high`.
    """
    rows = []
    for name in names:
        for case, methods in measures.items():
            row: dict[str, Any] = {"measure": labels[name], "case": case, "name": name}
            for method, found in methods.items():
                values = found.get(name)
                if values is None or not np.isfinite(values).any():
                    continue
                mean = interval(values)
                row |= {"samples": mean.count, method: worded(mean), f"{method}_mean": mean.mean}
                row |= {f"{method}_low": mean.low, f"{method}_high": mean.high}
            if "samples" in row:
                rows.append(row)
    return rows
