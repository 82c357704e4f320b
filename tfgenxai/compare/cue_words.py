"""What counts as found, and what was found, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfgenxai.compare.cue_maps import MASS_TIMES, RANK_WITHIN, TOLERANCE, dilated
from tfgenxai.compare.cue_material import HARMLESS, Material
from tfgenxai.data.mnist_cue import CLASS, cue_mask
from tfgenxai.metrics.block_rank import blocks

if TYPE_CHECKING:
    from tfgenxai.compare.comparison import Comparison

#: Methods that share the logit out, so that the sizes of two classifiers compare.
_IN_LOGITS = ("gradient_input", "integrated_gradients", "lrp", "shap", "lime (hiding by black)")


def criterion(material: Material) -> str:
    """When a method counts as having found the patch, and on which images."""
    mask = cue_mask()
    return (
        f"A method has **found** the patch if, in the median image, it ranks within the first "
        f"{100 * RANK_WITHIN:.0f} % of {blocks(mask)} blocks of its size by the sum of their "
        "relevance, and if the patch's mean share of the positive relevance (mass) is surely, with "
        f"its whole interval, more than {MASS_TIMES:.0f} times its share of the image, "
        f"{100 * mask.mean():.1f} %. It is **ranked** if only the first holds, as in maps that are "
        "largest in the patch and nearly as large everywhere. Pointing is how often the largest "
        f"relevance lies in the patch or at most {TOLERANCE} pixels away (chance "
        f"{dilated(mask).mean():.2f}); of AUROC chance is 0.5, of the rank "
        f"{(1 + blocks(mask)) / 2:.0f}.\n\n"
        f"The images are {len(material.others)} of {material.eligible} of other digits that the "
        f"classifier with the cue takes for a {CLASS}, and whose logit of {CLASS} the patch moves "
        f"by less than {HARMLESS:g} in the classifier without the cue: there, relevance in the "
        "patch is a false alarm."
    )


def add_findings(comparison: Comparison, rows: list[dict[str, Any]]) -> None:
    """Sentences from the rows of all methods, and the closing section."""

    def named(test: Callable[[dict[str, Any]], bool]) -> str:
        return ", ".join(row["method"] for row in rows if test(row)) or "none"

    found = [row for row in rows if row["verdict"] == "found"]
    sure = [row for row in found if row["false_alarm"] == "no"]
    comparison.headline = (
        f"Of {len(rows)} methods, {len(found)} find a cue that was planted in the training images, "
        f"and {len(sure)} of these never see it in a network that does not use it."
    )
    comparison.finding(
        f"{len(found)} of {len(rows)} methods find the patch where it turns another digit into a "
        f"{CLASS}. Ranked first, but not marked off: {named(lambda r: r['verdict'] == 'ranked')}. "
        f"Missed by: {named(lambda r: r['verdict'] == 'missed')}."
    )
    comparison.finding(
        "Found on other digits but not on true sevens, where the stroke speaks for the digit too: "
        f"{named(lambda r: r['verdict'] == 'found' and r['own_verdict'] != 'found')}."
    )
    false = [row for row in found if row["false_alarm"] == "yes"]
    comparison.finding(
        f"False alarms: {len(false)} of the {len(found)} that find it point to the patch in a "
        "classifier that never saw it, too: "
        f"{', '.join(row['method'] for row in false) or 'none'}; and if negative relevance is not "
        "set against the positive, as the eye may not, also: "
        f"{named(lambda r: r['verdict'] == 'found' and r['false_alarm'] == 'positive only')}. "
        "Found, and no false alarm either way: "
        f"{named(lambda r: r['verdict'] == 'found' and r['false_alarm'] == 'no')}."
    )
    sizes = [
        f"{row['method']} {row['sum']:.3g} against {row['control_sum']:.3g}"
        for row in found
        if row["false_alarm"] != "no" and row["method"] in _IN_LOGITS
    ]
    if sizes:
        comparison.finding(
            "Some of these alarms show in the size: the patch's relevance, in units of the logit, "
            f"with the cue and without: {', '.join(sizes)}."
        )
    masses = {row["method"]: row["mass"] for row in rows}
    if {"lime", "lime (hiding by black)"} <= set(masses):
        comparison.finding(
            "LIME hides a superpixel by its mean colour unless told otherwise, and so hides a "
            f"white patch by white: the patch has {100 * masses['lime']:.0f} % of its relevance, "
            f"and {100 * masses['lime (hiding by black)']:.0f} % when superpixels are hidden by "
            "black."
        )
    comparison.section(
        "What to make of it",
        "A classifier that told wolves from dogs by the snow behind the wolves was right on its "
        "test images, and so is this one: accuracy does not show what a verdict rests on, if the "
        "test images have the same snow. An explanation can show it, but not any explanation, "
        "and not by itself: a method that marks whatever stands out would mark the snow for a "
        "classifier that ignores it. It is the difference between the two classifiers that "
        "convinces, and taking the cue away that proves.",
    )
