"""SHAP against LIME: what tables say of them, and what is measured on images and latents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.compare.claims import FEWEST
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.shap_lime_budget import Budget, budget
from tfgenxai.compare.shap_lime_cases import NOISE, Case, cases
from tfgenxai.compare.shap_lime_measures import (
    BOTH,
    METHODS,
    Name,
    Run,
    alike,
    curves,
    measure,
    noise,
    run,
)
from tfgenxai.compare.shap_lime_page import add_page
from tfgenxai.data.progress import counter
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.metrics.curve import Curve

_QUARTER = 0.25


@dataclass
class Study:
    """A case with all that was measured on it.

    Attributes:
        runs, measures, budgets, curves: by method; no budgets where evaluations are dear.
    """

    case: Case
    runs: dict[str, Run] = field(default_factory=dict)
    measures: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    curves: dict[str, dict[str, Curve]] = field(default_factory=dict)


def compare_shap_lime(
    subjects: Subjects,
    *,
    size: int = 8,
    seed: int = 0,
    progress: bool = True,
    evaluations: int = 1024,
) -> Comparison:
    """SHAP and LIME on the classifier's images and on the latents of the VAE and of the GAN.

    Args:
        size: inputs of each case; of the GAN 6, and none below a size of 6. Claims are settled
            from 6 inputs on.
        seed: of inputs and methods.
        progress: show a bar on stderr.
        evaluations: of the model for an explanation, the same for both. From 1,022 on the Shapley
            values of ten latents are exact.

    Raises:
        UsageError: fewer than two inputs, or fewer evaluations than SHAP needs.
    """
    if size < 2:
        raise UsageError(f"Methods are compared on 2 inputs or more, not on {size}.")
    found = Comparison(
        "SHAP and LIME, measured",
        f"{size} images and codes (MNIST from {subjects.data.source}), {evaluations:,} evaluations "
        f"an explanation, seed {seed}",
    )
    found.results |= {
        "inputs": size,
        "evaluations": evaluations,
        "source": subjects.data.source,
        "seed": seed,
    }
    chosen = cases(subjects, size=size, seed=seed, evaluations=evaluations)
    with counter("comparing SHAP and LIME", len(chosen) * len(METHODS), progress) as done:
        studies = []
        for case in chosen:
            study = Study(case)
            for method in METHODS:
                _study(study, method, seed)
                done(1)
            both = alike(*(study.runs[method].features for method in METHODS))
            study.measures[BOTH] = {
                "agreement": both["correlation"],
                "agreement_top": both["top"],
            }
            studies.append(study)
    add_page(found, studies, seed)
    return found


def _study(study: Study, method: Name, seed: int) -> None:
    """Runs one method on a case, and measures it."""
    case = study.case
    found = run(case, method, seed=seed)
    values = measure(case, method, found, seed=seed)
    study.curves[method] = curves(case, found.features, seed=seed)
    values |= {name: curve.gain for name, curve in study.curves[method].items()}
    if case.name != NOISE:  # each of whose evaluations costs as much as ten others
        few = case.first(FEWEST)
        values["noise"] = noise(few, method, seed=seed)
        own = None
        if len(few.inputs) == FEWEST:
            own = run(few, method, seed=seed + 2, samples="auto")
            values |= {"own_seconds": own.seconds, "own_evaluations": own.evaluations}
        study.budgets[method] = budget(few, method, found.of(few), own, seed=seed)
        if _QUARTER in study.budgets[method].shares:
            place = study.budgets[method].shares.index(_QUARTER)
            values["quarter_error"] = study.budgets[method].errors[:, place]
    study.runs[method], study.measures[method] = found, values
