"""The measures of SHAP and of LIME, one number a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tfgenxai.attribution.regions import spread
from tfgenxai.metrics.agreement import similarities
from tfgenxai.metrics.complexity import gini
from tfgenxai.metrics.faithfulness import deletion, insertion
from tfgenxai.metrics.latent_faithfulness import latent_deletion
from tfgenxai.metrics.scores import Scores
from tfgenxai.metrics.stability import max_sensitivity

if TYPE_CHECKING:
    from tfgenxai.compare.shap_lime_cases import Case
    from tfgenxai.metrics.curve import Curve

Name = Literal["SHAP", "LIME"]
SHAP: Name = "SHAP"
LIME: Name = "LIME"
BOTH = "SHAP and LIME"
METHODS: tuple[Name, ...] = (SHAP, LIME)
#: Measure -> what it is, and which way is good.
LABELS = {
    "seconds": "processor seconds for an explanation",
    "evaluations": "evaluations of the model",
    "own_seconds": "processor seconds, with the package's default settings",
    "own_evaluations": "evaluations, with the package's default settings",
    "sum_error": "|sum of the values - (f(x) - f(0))|, logits (0: adds up)",
    "local_error": "|its linear model - f| at x itself, logits (0 is best)",
    "r2": "R2 of its fit to the perturbed samples (1 is best)",
    "idle": "share of the values' sizes on superpixels that are black already (0 is right)",
    "seed_correlation": "rank correlation of two seeds' values (1: the same)",
    "seed_change": "difference of two seeds' values, as a share of their size (0: the same)",
    "seed_top": "most important fifth, IoU of two seeds (1: the same)",
    "noise": "relative change under noise of the input, +-0.1 (0: none)",
    "deletion_gain": "deletion, gain over random order (logits; above 0 is better)",
    "insertion_gain": "insertion, gain over random order (logits; above 0 is better)",
    "other_gain": "deletion to blur or to another code, gain (above 0 is better)",
    "image_gain": "change of the decoded image as latents go, gain (above 0 is better)",
    "agreement": "rank correlation of SHAP's and LIME's values (1: the same order)",
    "agreement_top": "most important fifth, IoU of SHAP and LIME (1: the same)",
    "gini": "Gini index of the values' sizes (1: a single feature)",
    "quarter_error": "relative error with a quarter of the evaluations (0 is best)",
}
_TOP = 0.2
_STEPS = 10
_DRAWS = 1
_RADIUS = 0.1


@dataclass(frozen=True)
class Run:
    """What one method finds for all inputs of a case.

    Attributes:
        features: (N, F) values of features; 0 beyond a sample's own.
        seconds, evaluations: (N,) of each explanation.
        fits: LIME's (N, 2): R^2, and |linear model - f| at the sample.
    """

    features: np.ndarray
    seconds: np.ndarray
    evaluations: np.ndarray
    fits: np.ndarray | None = None

    def of(self, case: Case) -> Run:
        """Of this case only, which is of the first inputs."""
        count = len(case.inputs)
        fits = None if self.fits is None else self.fits[:count]
        features = self.features[:count, : case.width]
        return Run(features, self.seconds[:count], self.evaluations[:count], fits)


def run(
    case: Case, method: Name, *, seed: int, samples: int | Literal["auto"] | None = None
) -> Run:
    """Explains all inputs of a case; by default with the case's own number of evaluations."""
    count = case.evaluations if samples is None else samples
    features = np.zeros((len(case.inputs), case.width))
    if method == SHAP:
        shap = case.shap(seed, count)
        values = shap(case.inputs, case.target, progress=False).values
        for row, labels, value in zip(features, case.labels, values, strict=True):
            np.add.at(row, labels.ravel(), value.ravel().astype(np.float64))
        return Run(features, *_costs(shap.costs))
    lime = case.lime(seed, count)
    table = lime.conditions(case.inputs, case.target)
    features[table["sample"], table["feature"]] = table["weight"]
    each = table.drop_duplicates("sample")
    error = np.abs(each["prediction"] - each["score"])
    return Run(features, *_costs(lime.costs), np.stack([each["r2"], error], axis=1))


def maps(case: Case, features: np.ndarray) -> np.ndarray:
    """Values of features (N, F) on the elements that they consist of, evenly shared, (N, ...)."""
    pairs = zip(features, case.labels, strict=True)
    return np.stack([spread(row[None, : labels.max() + 1], labels)[0] for row, labels in pairs])


def measure(case: Case, method: Name, found: Run, *, seed: int) -> dict[str, np.ndarray]:
    """The measures of a run with this seed, (N,) each; noise on the first inputs only."""
    again = run(case, method, seed=seed + 1)
    values = {
        "seconds": found.seconds,
        "evaluations": found.evaluations,
        "sum_error": np.abs(found.features.sum(axis=1) - change(case)),
        "gini": gini(found.features),
        "seed_change": _apart(found.features, again.features),
        **{f"seed_{name}": each for name, each in alike(found.features, again.features).items()},
    }
    if case.regions is not None:
        values["idle"] = idle(case, found.features)
    if found.fits is not None:
        values["r2"], values["local_error"] = found.fits.T
    return values


def noise(case: Case, method: Name, *, seed: int) -> np.ndarray:
    """How far values move when the input does, by at most 0.1 an element; see `max_sensitivity`."""
    build = case.shap if method == SHAP else case.lime
    explainer = build(seed, case.evaluations)
    return max_sensitivity(
        explainer, case.inputs, case.target, radius=_RADIUS, draws=_DRAWS, seed=seed
    )


def alike(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """Rank correlation of values (N, F), and IoU of the most important fifth of the features."""
    return {
        "correlation": similarities(first, second)["spearman"],
        "top": similarities(first, second, top=_TOP, absolute=True)["iou"],
    }


def idle(case: Case, features: np.ndarray) -> np.ndarray:
    """Share of the sizes that superpixels have which are black as they are, (N,) in [0, 1]."""
    found = np.zeros(len(features))
    for n, (labels, image) in enumerate(zip(case.labels, case.inputs, strict=True)):
        inked = np.unique(labels[image.any(axis=-1)])
        found[n] = 1.0 - np.abs(features[n, inked]).sum() / np.abs(features[n]).sum()
    return found


def change(case: Case) -> np.ndarray:
    """f(x) - f(0) of every input, (N,): what the values of features should add up to."""
    scores = Scores(case.graph, case.inputs, case.target)
    nothing = Scores(case.graph, np.zeros_like(case.inputs), case.target)
    return scores.plain() - nothing.plain()


def curves(case: Case, features: np.ndarray, *, seed: int) -> dict[str, Curve]:
    """Deletion and insertion by these values, and for codes the decoded image's change."""
    relevance = maps(case, features)
    steps = 2 * _STEPS if case.regions is not None else _STEPS
    asked = (case.graph, case.inputs, case.target, relevance)
    found = {
        "deletion_gain": deletion(*asked, steps=steps, seed=seed),
        "insertion_gain": insertion(*asked, steps=steps, seed=seed),
        "other_gain": deletion(*asked, steps=steps, baseline=case.others, seed=seed),
    }
    if case.regions is None:
        found["image_gain"] = latent_deletion(
            case.graph, case.inputs, relevance, replace="zero", steps=steps, seed=seed
        )
    return found


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|first - second| as a share of the size of their mean, (N,)."""
    return 2 * np.linalg.norm(first - second, axis=1) / np.linalg.norm(first + second, axis=1)


def _costs(costs: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    seconds, evaluations = np.array(costs, np.float64).T
    return seconds, evaluations
