"""What tables say of saliency and of LRP, row by row, and what the measures say to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfgenxai.compare.claims import Claim, Measures, spoken, worded
from tfgenxai.compare.saliency_lrp_cases import LRP_DEFAULT, LRP_EPSILON, SALIENCY, SMOOTH
from tfgenxai.compare.saliency_lrp_measures import TOLERANCE
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import FAILS_ABOVE

if TYPE_CHECKING:
    import pandas

#: Claims that are made of the two wherever they are compared in words.
CLAIMS = (
    Claim("Saliency is cheaper than LRP", "milliseconds", LRP_DEFAULT, SALIENCY),
    Claim("Saliency maps are noisier, off the strokes", "off_stroke", SALIENCY, LRP_DEFAULT),
    Claim("Saliency maps are noisier, from pixel to pixel", "speckle", SALIENCY, LRP_DEFAULT),
    Claim("Saliency maps are noisier than LRP-epsilon's", "speckle", SALIENCY, LRP_EPSILON),
    Claim("SmoothGrad makes saliency less noisy", "speckle", SALIENCY, SMOOTH),
    Claim("Saliency is more sensitive to noise of the input", "noise", SALIENCY, LRP_DEFAULT),
    Claim("SmoothGrad makes saliency less sensitive to noise", "noise", SALIENCY, SMOOTH),
    Claim("LRP is more faithful, by deletion", "deletion_gain", LRP_DEFAULT, SALIENCY),
    Claim("LRP is more faithful, by pixel flipping", "flipping_gain", LRP_DEFAULT, SALIENCY),
    Claim("LRP finds the strokes", "mass", LRP_DEFAULT, SALIENCY),
    Claim("Saliency shows what the output is sensitive to", "slope", SALIENCY, LRP_DEFAULT),
    Claim("LRP shows what contributes to the output", "contribution", LRP_DEFAULT, SALIENCY),
    Claim("LRP's relevance adds up to the output", "sum_error", TOLERANCE, LRP_DEFAULT),
    Claim("LRP-epsilon's relevance adds up to the output", "sum_error", TOLERANCE, LRP_EPSILON),
    Claim("LRP tells classes apart better", "other", SALIENCY, LRP_DEFAULT),
    Claim("LRP-epsilon tells classes apart better", "other", SALIENCY, LRP_EPSILON),
)

#: Row -> what is said of saliency, and of LRP.
ROWS = {
    "approach": (
        "the gradient of the output by each pixel",
        "hands the output back layer by layer, each pixel getting its share",
    ),
    "computation cost": ("low: one backward pass", "higher: a rule for every layer"),
    "sensitivity to noise": ("high: noisy, scattered maps", "low: smoother, more stable maps"),
    "interpretability": (
        "which pixels the output is sensitive to; harder to read",
        "which pixels contributed, and how much; easier to read",
    ),
    "conservation": ("none", "relevance adds up to the output"),
    "typical use": (
        "a quick first look at any differentiable model",
        "a thorough analysis of a network whose layers are known",
    ),
}


def rows(measures: Measures) -> list[dict[str, Any]]:
    """The rows, each with what was measured here."""
    measured = {
        "approach": f"rank correlation with the effect of a small change of each pixel: "
        f"{spoken(measures, 'slope')}; correlation with the fall when pixels go black: "
        f"{spoken(measures, 'contribution')}",
        "computation cost": f"processor milliseconds a map: {spoken(measures, 'milliseconds')}",
        "sensitivity to noise": f"change under noise: {spoken(measures, 'noise')}; speckle: "
        f"{spoken(measures, 'speckle')}; off the strokes: {spoken(measures, 'off_stroke')}",
        "interpretability": f"likeness to the map of another class or latent: "
        f"{spoken(measures, 'other')}; gain of deletion: {spoken(measures, 'deletion_gain')}",
        "conservation": f"sum off by, as a share of the output: {spoken(measures, 'sum_error')}; "
        f"share of the biases: {spoken(measures, 'bias')}",
        "typical use": f"gain of flipping black and white: {spoken(measures, 'flipping_gain')}; "
        "likeness to maps of a network with all weights drawn anew: "
        f"{spoken(measures, 'random')}",
    }
    return [
        {"row": row, "saliency, it is said": first, "LRP, it is said": second, "measured": numbers}
        for (row, (first, second)), numbers in zip(ROWS.items(), measured.values(), strict=True)
    ]


def sane(measures: Measures, sanity: Mapping[str, pandas.DataFrame]) -> str:
    """Which methods notice that the classifier has lost its weights, in a sentence.

    Args:
        sanity: method -> table of `cascade`, whose last row but one has all weights drawn anew.
    """
    parts = []
    found = next(by_method for by_method in measures.values() if "random" in by_method[SALIENCY])
    for name, frame in sanity.items():
        alike = interval(found[name]["random"])
        verdict = "fails" if alike.low > FAILS_ABOVE else "passes"
        if alike.low <= FAILS_ABOVE < alike.high:
            verdict = "is at the limit"
        twins = frame["similarity"].iloc[-1]
        parts.append(f"{name} {verdict} with {worded(alike)} (two random networks {twins:.2f})")
    return (
        "With all weights of the classifier drawn anew, a map should no longer be the same (rank "
        f"correlation at most {FAILS_ABOVE}, over the pixels where the random network's map is not "
        f"0): {'; '.join(parts)}."
    )
