"""What tables say of SHAP and LIME, row by row, and what the measures say to it."""

from __future__ import annotations

from typing import Any

from tfgenxai.compare.claims import Claim, Measures, spoken
from tfgenxai.compare.shap_lime_budget import Budget
from tfgenxai.compare.shap_lime_measures import LIME, METHODS, SHAP

#: Claims that are made of the two wherever they are compared in words.
CLAIMS = (
    Claim("SHAP is slower than LIME, evaluation for evaluation", "seconds", SHAP, LIME),
    Claim("SHAP is slower than LIME as they come", "own_seconds", SHAP, LIME),
    Claim("SHAP is more consistent, LIME less stable", "seed_correlation", SHAP, LIME),
    Claim("SHAP is more consistent, also by the size of its values", "seed_change", LIME, SHAP),
    Claim("LIME is more sensitive to noise of the input", "noise", LIME, SHAP),
    Claim("SHAP's values add up to the prediction, LIME's do not", "sum_error", LIME, SHAP),
    Claim("SHAP is more faithful to the model", "deletion_gain", SHAP, LIME),
    Claim("SHAP is more faithful, also where nothing is set to 0", "other_gain", SHAP, LIME),
    Claim("LIME makes do with fewer evaluations", "quarter_error", SHAP, LIME),
    Claim("LIME's explanations are simpler, of fewer features", "gini", LIME, SHAP),
)

#: Row -> what is said of SHAP, and of LIME.
ROWS = {
    "approach": (
        "shares the prediction among the features by Shapley values, from game theory",
        "fits a simple linear model to the predictions near the input",
    ),
    "scope": ("local, and global by averaging over a data set", "local only"),
    "complexity": (
        "high: the number of coalitions doubles with every feature",
        "low: a few perturbed samples and one regression",
    ),
    "performance": ("slower, more consistent", "faster, less stable"),
    "interpretability": (
        "values with a theory, which add up to the prediction",
        "weights and conditions that are easy to read",
    ),
    "usefulness": (
        "thorough analysis: which features matter, and how much",
        "a quick look at a single prediction",
    ),
    "limitations": (
        "cost; inputs that never occur, where features depend on each other",
        "depends on sampling and on what counts as near; a straight line may not fit",
    ),
}


def rows(
    measures: Measures,
    budgets: dict[str, dict[str, Budget]],
    rankings: dict[str, float],
    off: float | None,
) -> list[dict[str, Any]]:
    """The seven rows, each with what was measured here."""
    if off is None:
        exact = "too many latents to score all coalitions"
    else:
        exact = (
            f"SHAP of the latents is off the definition over all coalitions by {off:.1g} at most"
        )
    measured = {
        "approach": f"{exact}; R2 of LIME's fit: {spoken(measures, 'r2')}",
        "scope": "mean sizes over all codes rank the latents with rank correlations of "
        + ", ".join(f"{value:.2f} ({name})" for name, value in rankings.items()),
        "complexity": f"processor seconds: {spoken(measures, 'seconds')}; as they come: "
        f"{spoken(measures, 'own_seconds')}, for evaluations: "
        f"{spoken(measures, 'own_evaluations')}",
        "performance": f"rank correlation of two seeds: {spoken(measures, 'seed_correlation')}; "
        f"gain of deletion: {spoken(measures, 'deletion_gain')}",
        "interpretability": f"sum off by: {spoken(measures, 'sum_error')}; Gini index: "
        f"{spoken(measures, 'gini')}; SHAP and LIME rank features alike by: "
        f"{spoken(measures, 'agreement')}",
        "usefulness": f"evaluations until the values are within {100 * SETTLED:.0f} % of those for "
        "many more: "
        + "; ".join(f"{case}: {settled_with(methods)}" for case, methods in budgets.items()),
        "limitations": f"change under noise of the input: {spoken(measures, 'noise')}; LIME's "
        f"linear model is off at x itself by: {spoken(measures, 'local_error')}; share of "
        f"the sizes on features that cannot matter, black on black: {spoken(measures, 'idle')}",
    }
    return [
        {"row": row, "SHAP, it is said": shap, "LIME, it is said": lime, "measured": measured[row]}
        for row, (shap, lime) in ROWS.items()
    ]


#: An explanation whose mean relative error is at most this is called settled.
SETTLED = 0.1


def settled_with(budgets: dict[str, Budget]) -> str:
    """With how many evaluations each method comes that near to its own reference."""
    parts = []
    for method in METHODS:
        found = budgets[method]
        means = found.errors.mean(axis=0)
        near = [int(e) for e, mean in zip(found.evaluations, means) if mean <= SETTLED]
        if near:
            parts.append(f"{method} {near[0]:,}")
        else:
            most = int(found.evaluations[-1])
            parts.append(f"{method} more than {most:,} ({100 * means[-1]:.0f} % off with these)")
    return ", ".join(parts)
