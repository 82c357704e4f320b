"""Four conclusions that are often drawn about VAEs and GANs of digits, each put to the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.conclusions_latents import organisation, representations
from tfgenxai.compare.conclusions_maps import consistency, strokes
from tfgenxai.compare.material import gather
from tfgenxai.compare.study import Conclusion, Study
from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects

_LEAST = 200


def compare_conclusions(
    subjects: Subjects, *, size: int = 1000, seed: int = 0, progress: bool = True
) -> Comparison:
    """Each of four conclusions beside what is measured of it, with a control.

    Args:
        size: images and codes, at least 200.
        seed: of codes, folds and controls.
        progress: show a bar on stderr.
    """
    if min(size, len(subjects.data)) < _LEAST:
        raise UsageError(f"The conclusions are tested on at least {_LEAST} images, not {size}.")
    found = Comparison(
        "Four conclusions, tested",
        f"{size:,} MNIST test images ({subjects.data.source}) and as many codes, seed {seed}",
    )
    found.results |= {"images": size, "source": subjects.data.source, "seed": seed}
    parts = (representations, consistency, strokes, organisation)
    with counter("testing conclusions", len(parts) + 1, progress) as done:
        subjects.refuse_labels()
        study = Study(subjects, gather(subjects, size=size, seed=seed), seed)
        done(1)
        for part in parts:
            part(found, study)
            done(1)
    found.section("The verdicts")
    rows = [each.row() for each in study.conclusions]
    found.table("conclusions", rows, "Every conclusion, once more.")
    found.results["conclusions"] = rows
    found.headline = in_short(study.conclusions)
    for each in study.conclusions:
        found.finding(each.sentence())
    return found


def in_short(conclusions: Sequence[Conclusion]) -> str:
    """How often the numbers agree, conclusion by conclusion, in one sentence."""
    names = dict.fromkeys(each.conclusion for each in conclusions)
    parts = []
    for name in names:
        own = [each for each in conclusions if each.conclusion == name]
        parts.append(f"{name[0].lower()}{name[1:]}: {sum(e.agrees for e in own)} of {len(own)}")
    return f"How many of the tests agree that {'; '.join(parts)}."
