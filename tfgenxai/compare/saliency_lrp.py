"""Saliency against LRP: what tables say of them, and what is measured on three networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.saliency_lrp_cases import METHODS, NETWORKS, cases
from tfgenxai.compare.saliency_lrp_measures import (
    Study,
    against_random,
    measure,
    nudged,
    references,
)
from tfgenxai.compare.saliency_lrp_page import add_page
from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError
from tfgenxai.metrics.randomisation import cascade

if TYPE_CHECKING:
    import pandas

    from tfgenxai.compare.subjects import Subjects


def compare_saliency_lrp(
    subjects: Subjects,
    *,
    size: int = 24,
    seed: int = 0,
    progress: bool = True,
    only: Sequence[str] = tuple(NETWORKS),
) -> Comparison:
    """Saliency, SmoothGrad, and LRP by two composites, on classifier, encoder and discriminator.

    Args:
        size: images of each network. Claims are settled from 6 on.
        seed: of methods and metrics.
        progress: show a bar on stderr.
        only: networks to look at, of `classifier`, whose weights are also drawn anew as a check of
            the methods, `encoder` and `discriminator`.

    Raises:
        UsageError: fewer than two images, or no such network.
        InvalidInputError: no image raises a target above 0 and its value for a black image.
    """
    if size < 2:
        raise UsageError(f"Methods are compared on 2 images or more, not on {size}.")
    found = Comparison(
        "Saliency and LRP, measured",
        f"{size} images of each network (MNIST from {subjects.data.source}), seed {seed}",
    )
    found.results |= {"inputs": size, "source": subjects.data.source, "seed": seed}
    if not only or not set(only) <= set(NETWORKS):
        raise UsageError(f"only= takes some of {', '.join(NETWORKS)}, not {', '.join(only)}.")
    studies = [Study(case, nudged(case)) for case in cases(subjects, size, only)]
    checked = [study for study in studies if study.case.slug == "classifier"]
    steps = len(METHODS) * (len(studies) + len(checked))
    with counter("comparing maps", steps, progress) as done:
        for study in studies:
            for name in METHODS:
                measure(study, name, seed=seed)
                done(1)
            study.measures |= references(study.case)
        sanity = {}
        for study in checked:
            for name in METHODS:
                sanity[name] = _sanity(study, name, seed)
                study.measures[name]["random"] = against_random(study, name, seed=seed)
                done(1)
    add_page(found, studies, sanity)
    return found


def _sanity(study: Study, name: str, seed: int) -> pandas.DataFrame:
    """How alike a method's maps stay as layer after layer is drawn anew; see `cascade`."""
    case = study.case
    return cascade(
        lambda graph: METHODS[name](graph, seed), case.graph, case.inputs, case.target, seed=seed
    )
