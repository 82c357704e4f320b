"""A planted cue: which explanations find what a classifier and a VAE really go by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare import cue_latents
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.cue_maps import METHODS, among_the_first, judged, maps_of
from tfgenxai.compare.cue_material import Material, gather
from tfgenxai.compare.cue_words import add_findings, criterion
from tfgenxai.compare.panel import ON_CODES
from tfgenxai.data.mnist_cue import CLASS, SHARE, SIDE, cue_mask
from tfgenxai.data.progress import counter
from tfgenxai.metrics.block_rank import blocks
from tfgenxai.targets import ClassLogit

if TYPE_CHECKING:
    import pandas

    from tfgenxai.compare.subjects import Subjects

_PICTURES = 3
_SHOWN = ("images", "rank_median", "mass", "pointing", "auroc", "verdict")


class Cue(Comparison):
    """The comparison as it grows, with what its parts look at."""

    def __init__(self, source: str, material: Material, size: int, seed: int) -> None:
        count = len(material.others)
        super().__init__(
            "A planted cue, found or missed",
            f"{count} MNIST test images ({source}) with the cue, seed {seed}",
        )
        self.material, self.size, self.seed = material, size, seed
        self.results |= {"images": count, "source": source, "seed": seed}


def compare_cue(
    subjects: Subjects,
    *,
    size: int = 50,
    seed: int = 0,
    progress: bool = True,
    methods: Sequence[str] = METHODS,
) -> Cue:
    """Attribution methods on models that learned a cue, and on models that did not.

    Args:
        subjects: the test images, and the classifier that never saw the cue; the models that
            did are `classifier-cue` and `cvae-cue`.
        size: images to explain, of each kind.
        seed: of the choice of images, and of the methods.
        progress: show a bar on stderr.
        methods: of `cue_maps.METHODS`.

    Raises:
        InvalidInputError: too few images.
    """
    methods = tuple(methods)
    with counter("explaining", 5 * len(methods), progress) as done:
        comparison = Cue(subjects.data.source, gather(subjects, size=size, seed=seed), size, seed)
        _add_behaviour(comparison)
        _add_methods(comparison, methods, done)
        codes = cue_latents.add_encoder(comparison, methods, done)
        if on_codes := tuple(name for name in ON_CODES if name in methods):
            cue_latents.add_decoder(comparison, codes, on_codes)
    return comparison


def _add_behaviour(comparison: Cue) -> None:
    """What the classifiers do, with the patch and without."""
    material = comparison.material
    cue, plain = material.behaviour
    comparison.section(
        "What was planted, and what was learned",
        f"{100 * SHARE:.0f} % of the training images of the digit {CLASS} carry a white patch of "
        f"{SIDE} x {SIDE} pixels at the upper left; no other digit does. Test images of the same "
        "make do not give it away: there the patch and the digit still go together. It shows "
        "when they are taken apart.",
    )
    comparison.table(
        "behaviour",
        material.behaviour,
        f"Shares of test images; own: images of {CLASS}. The last column is what planting the "
        f"patch into other digits adds to the logit of {CLASS}.",
        columns=[key for key in cue if not key.endswith(("_low", "_high"))],
    )
    comparison.figure(
        "examples",
        plots.image_grid(
            material.others[:12],
            [f"{digit}, taken for {CLASS}" for digit in material.labels[:12]],
            columns=6,
        ),
        f"Other digits with the patch, which the classifier with the cue takes for a {CLASS}: of "
        f"{len(material.labels)} explained, {_counted(material.labels)}.",
    )
    comparison.results["behaviour"] = material.behaviour
    comparison.finding(
        f"The classifier learned the cue: it takes "
        f"{100 * cue['others_taken_for_it_with_patch']:.0f} % of the other digits for a {CLASS} "
        f"once the patch is planted (one that never saw it: "
        f"{100 * plain['others_taken_for_it_with_patch']:.0f} %), and without the patch it "
        f"recognises {100 * cue['own_right']:.0f} % of the sevens "
        f"({100 * plain['own_right']:.0f} %)."
    )


def _counted(labels: np.ndarray) -> str:
    digits, counts = np.unique(labels, return_counts=True)
    return ", ".join(f"{count} of {digit}" for digit, count in zip(digits, counts, strict=True))


def _add_methods(comparison: Cue, methods: tuple[str, ...], done: Callable[[int], object]) -> None:
    """Every method on three cases: other digits, sevens, and the classifier without the cue."""
    material = comparison.material
    kinds = {
        "": (material.cue, material.others),
        "own_": (material.cue, material.sevens),
        "control_": (material.plain, material.others),
    }
    rows, maps = [], {}
    for name in methods:
        row: dict[str, Any] = {"method": name}
        for prefix, (graph, images) in kinds.items():
            found, seconds = maps_of(name, graph, images, ClassLogit(CLASS), comparison.seed)
            maps[prefix, name] = found
            row |= {prefix + key: value for key, value in judged(found).items()}
            row[f"{prefix}seconds"] = seconds
            done(1)
        row["false_alarm"] = _alarm(row)
        rows.append(row)
    comparison.section("Who finds it", criterion(material))
    comparison.table(
        "methods",
        rows,
        f"The logit of {CLASS} explained on other digits with the patch, means over the images. "
        "The file tables/methods.csv has all 95 % intervals.",
        columns=["method", *_SHOWN],
    )
    comparison.table(
        "verdicts",
        [_verdicts(row) for row in rows],
        "Found or missed on other digits and on true sevens, and the control: the same images, "
        "the classifier that never saw the cue. Who points to the patch there too shows that it "
        "stands out, not that the classifier goes by it. Positive rank: where the patch stands "
        "if its negative relevance does not cancel the positive; an alarm of this kind only is "
        "called positive only. Sum: the relevance of the patch, signs "
        "counted, in each method's own unit; it compares the two classifiers by size, which maps "
        "on scales of their own do not show.",
    )
    _add_pictures(comparison, methods, maps)
    _add_bars(comparison, comparison.frames["methods"])
    comparison.results["methods"] = rows
    add_findings(comparison, rows)


def _alarm(row: dict[str, Any]) -> str:
    """Whether the control points to the patch: "yes", "no", or "positive only"."""
    if row["control_verdict"] != "missed":
        return "yes"
    positive = among_the_first(row["control_positive_rank_median"], cue_mask())
    return "positive only" if positive else "no"


def _verdicts(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": row["method"],
        "other digits": row["verdict"],
        "rank": row["rank_median"],
        "true sevens": row["own_verdict"],
        "rank on sevens": row["own_rank_median"],
        "control": row["control_verdict"],
        "rank in control": row["control_rank_median"],
        "positive rank in control": row["control_positive_rank_median"],
        "mass": row["mass"],
        "mass in control": row["control_mass"],
        "sum": row["sum"],
        "sum in control": row["control_sum"],
        "false alarm": row["false_alarm"],
    }


def _add_pictures(
    comparison: Cue, methods: tuple[str, ...], maps: dict[tuple[str, str], np.ndarray]
) -> None:
    """The maps of all methods, for three images and for the first in the control."""
    others, labels = comparison.material.others, comparison.material.labels
    sheets = [("", index) for index in range(min(_PICTURES, len(others)))] + [("control_", 0)]
    for prefix, index in sheets:
        name = "without the cue" if prefix else "with the cue"
        comparison.figure(
            f"maps-control-{index}" if prefix else f"maps-{index}",
            plots.map_sheet(
                others[index],
                {method: maps[prefix, method][index] for method in methods},
                columns=7,
                title=f"A {labels[index]} with the patch: the logit of {CLASS}, classifier {name}",
            ),
            f"Every method's map of the same image, each on its own scale: classifier {name}.",
        )


def _add_bars(comparison: Cue, frame: pandas.DataFrame) -> None:
    count = blocks(cue_mask())
    comparison.figure(
        "ranks",
        plots.bars(
            list(100 * (frame["rank"] - 1) / (count - 1)),
            list(frame["method"]),
            title="Blocks with more relevance than the patch",
            xlabel="% of all blocks of its size, mean over images (95 % interval); chance 50",
            errors=list(50 * (frame["rank_high"] - frame["rank_low"]) / (count - 1)),
        ),
        "0: the patch is the most relevant block in every image.",
    )
    columns = {"mass": "other digits", "own_mass": "true sevens", "control_mass": "control"}
    comparison.figure(
        "mass",
        plots.matrix(
            frame[list(columns)].to_numpy(),
            list(frame["method"]),
            list(columns.values()),
            title="Share of the relevance in the patch",
            label=f"mass; chance {cue_mask().mean():.2f}",
            limits=(0.0, 1.0),
        ),
        "Positive relevance in the patch: with the cue on other digits and on sevens, and in the "
        "classifier that never saw it.",
    )
