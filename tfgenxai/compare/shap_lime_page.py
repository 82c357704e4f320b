"""The page of SHAP against LIME: findings, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.claims import FEWEST, claim_rows, judge, measure_rows, spoken, summed_up
from tfgenxai.compare.shap_lime_budget import MOST_DEFINED, off_definition, overall
from tfgenxai.compare.shap_lime_cases import CODES, DIGIT, IMAGES, NOISE, Case
from tfgenxai.compare.shap_lime_measures import BOTH, LABELS, LIME, METHODS, SHAP, maps
from tfgenxai.compare.shap_lime_words import CLAIMS, rows
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfgenxai.compare.comparison import Comparison
    from tfgenxai.compare.shap_lime import Study

_SHOWN = 4
_SLUGS = {IMAGES: "images", CODES: "vae-latents", NOISE: "gan-latents"}
#: Section -> its title, and the measures of its table.
_SECTIONS = {
    "cost": (
        "Complexity: what an explanation costs",
        ("seconds", "evaluations", "own_seconds", "own_evaluations", "quarter_error"),
    ),
    "sums": ("Approach: what the values add up to", ("sum_error", "local_error", "r2", "idle")),
    "stability": (
        "Performance: seeds and noise",
        ("seed_correlation", "seed_change", "seed_top", "noise"),
    ),
    "faithfulness": (
        "Performance: faithfulness to the model",
        ("deletion_gain", "insertion_gain", "other_gain", "image_gain"),
    ),
    "reading": (
        "Interpretability: how many features, and do the two agree?",
        ("gini", "agreement", "agreement_top"),
    ),
}


def add_page(found: Comparison, studies: Sequence[Study], seed: int) -> None:
    """Everything that is measured, as findings, tables and figures."""
    measures = {study.case.name: study.measures for study in studies}
    codes = next(study for study in studies if study.case.name == CODES)
    ranked, rankings = overall(codes.case, codes.runs)
    off = None
    if codes.case.width <= MOST_DEFINED:
        off = off_definition(codes.case, codes.runs[SHAP])
    judged = [judge(claim, measures) for claim in CLAIMS]
    found.headline = f"SHAP against LIME: {summed_up(judged)}"
    for each in judged:
        found.finding(each.sentence(LABELS[each.claim.measure]))
    found.finding(
        "SHAP and LIME agree on the order of an input's features by "
        f"{spoken(measures, 'agreement')} (mean rank correlation; 0 is chance, 1 the same order)."
    )
    if off is not None:
        count = 2**codes.case.width
        found.finding(
            f"With {codes.case.evaluations:,} evaluations SHAP's values of {codes.case.width} "
            f"latents differ from the definition, all {count:,} coalitions scored one by one, by "
            f"{off:.1g} logits at most (n = {len(codes.case.inputs)})."
        )
    found.section("What is explained", _READING)
    found.table("cases", [_about(study.case) for study in studies], "The cases.")
    budgets = {study.case.name: study.budgets for study in studies if study.budgets}
    found.section("The seven rows of such tables, with numbers")
    found.table(
        "rows",
        rows(measures, budgets, rankings, off),
        "What is commonly said of the two, in words, and what was measured here (means).",
    )
    found.table("claims", claim_rows(judged, LABELS), _CLAIMS)
    _add_pictures(found, studies, seed)
    for name, (title, names) in _SECTIONS.items():
        found.section(title, _NOTES.get(name, ""))
        found.table(
            name,
            measure_rows(measures, LABELS, names),
            "Means over the inputs, with 95 % intervals.",
            columns=[
                "measure",
                "case",
                "samples",
                *METHODS,
                *([BOTH] if name == "reading" else []),
            ],
        )
        if name == "cost":
            _add_budgets(found, studies)
        if name == "faithfulness":
            _add_curves(found, studies)
    _add_overall(found, codes, ranked, rankings)
    found.results |= {
        "measures": {
            case: {
                m: {k: interval(v).row("mean") for k, v in values.items()}
                for m, values in by.items()
            }
            for case, by in measures.items()
        },
        "claims": {each.claim.text: each.outcomes for each in judged},
        "rankings": rankings,
        "off_definition": off,
    }


#: What a table does not say by itself.
_NOTES = {
    "cost": "Processor time and evaluations of the model, by the same number of evaluations for "
    "both, and as they come. The error is each method's own: how far its values are from those "
    "that it gives after many more evaluations.",
    "stability": "LIME knows of a code only in which quartiles it is: noise that moves it into no "
    "other changes nothing, so that its steadiness under noise is also a coarseness.",
    "faithfulness": "Deletion and insertion set features to black or to 0, which is what SHAP's "
    "values are about. Blur, or another image's code, is neither's own.",
}

_READING = """\
Both get the same inputs, superpixels and target, and the same number of evaluations of the \
model; SHAP is Kernel SHAP, LIME's nearest relative. A feature that is gone is black, or \
for codes 0, the prior's mean, except that LIME perturbs codes as the data set's vary, by \
quartiles, which is how it is made."""

_CLAIMS = f"""\
Each claim is held against the paired difference of the two on the same inputs: it holds where \
the 95 % interval is above 0, and it is the other way round where it is below; with fewer than \
{FEWEST} inputs nothing is settled."""


def _about(case: Case) -> dict[str, Any]:
    counts = [len(np.unique(labels)) for labels in case.labels]
    return {
        "case": case.name,
        "what is explained": case.about,
        "inputs": len(case.inputs),
        "features": float(np.mean(counts)),
        "evaluations": case.evaluations,
    }


def _add_pictures(found: Comparison, studies: Sequence[Study], seed: int) -> None:
    """Both methods' values on the first inputs, and what LIME says in words."""
    for study in studies:
        case = study.case.first(_SHOWN)
        if case.regions is not None:
            both = [maps(case, study.runs[method].features[:_SHOWN]) for method in METHODS]
            found.section("What they look like")
            found.figure(
                "maps",
                plots.overlay(
                    np.stack(both, axis=1),
                    case.inputs,
                    target_names=METHODS,
                    over=False,
                    title="Which superpixels speak for the digit",
                ),
                "Red speaks for the digit, blue against it; the value of a superpixel is shared "
                "evenly by its pixels.",
            )
        elif case.name == CODES:
            pairs = [(n, method) for n in range(len(case.inputs)) for method in METHODS]
            values = np.stack([study.runs[method].features[n] for n, method in pairs])
            found.figure(
                "latents",
                plots.matrix(
                    values,
                    [f"{method}, code {n}" for n, method in pairs],
                    [f"z{i}" for i in range(case.width)],
                    title=f"Which latent makes it an {DIGIT}?",
                    label=f"logit of the {DIGIT}",
                ),
                "The same codes through both. SHAP shares out the difference from the image of "
                "the mean code; LIME says what it adds that a latent is in its quartile.",
            )
            table = (
                case.first(1)
                .lime(seed, case.evaluations)
                .conditions(case.inputs[:1], case.first(1).target)
            )
            found.table(
                "conditions",
                table,
                "LIME of the first code, as it is read: what each condition adds to the logit.",
                columns=["condition", "weight", "r2"],
            )


def _add_budgets(found: Comparison, studies: Sequence[Study]) -> None:
    """Error against the number of evaluations."""
    for study in studies:
        if study.budgets:
            shap, lime = (study.budgets[method] for method in METHODS)
            found.figure(
                f"budget-{_SLUGS[study.case.name]}",
                plots.curves(
                    [int(share * study.case.evaluations) for share in shap.shares],
                    {SHAP: shap.errors, LIME: lime.errors},
                    title=f"{study.case.name}: how soon the values settle",
                    xlabel="evaluations of the model for an explanation",
                    ylabel="|values - reference| / |reference|",
                ),
                f"Each method against itself with {shap.reference:,.0f} evaluations (SHAP) and "
                f"{lime.reference:,.0f} (LIME) and another seed; {len(shap.errors)} inputs, with "
                "95 % bands. SHAP of ten latents is exact with all 1,022 coalitions.",
            )


def _add_curves(found: Comparison, studies: Sequence[Study]) -> None:
    """Deletion by both, and in random order."""
    for study in studies:
        shap, lime = (study.curves[method]["deletion_gain"] for method in METHODS)
        found.figure(
            f"deletion-{_SLUGS[study.case.name]}",
            plots.curves(
                list(100 * shap.fractions),
                {SHAP: shap.scores, LIME: lime.scores, "random order": shap.control},
                title=f"{study.case.name}: deletion",
                xlabel="features taken away, the most relevant first, % of the places",
                ylabel="logit",
                control="random order",
            ),
            f"The explained logit as places go, mean over {len(shap.scores)} inputs with 95 % "
            "bands: the sooner it falls, the better the order.",
        )


def _add_overall(
    found: Comparison,
    codes: Study,
    ranked: list[dict[str, Any]],
    rankings: dict[str, float],
) -> None:
    """Which latents matter over all codes."""
    count = len(codes.case.inputs)
    found.section("Scope: from single codes to the data set")
    found.figure(
        "overall",
        plots.matrix(
            np.array([[row[name] for row in ranked] for name in (*METHODS, "effect")]),
            [*METHODS, "effect of swapping it"],
            [row["latent"] for row in ranked],
            title=f"Which latents make an {DIGIT}, over {count} codes",
            label="share of the mean |value|",
        ),
        "Mean sizes over all codes as shares of their sum, beside what it does to the logit to "
        "take one latent at a time from another image's code.",
    )
    found.table("overall", ranked, f"The same with 95 % intervals over {count} codes.")
    found.table(
        "rankings",
        [{"rankings of the latents": name, "rank correlation": v} for name, v in rankings.items()],
        "How far rankings of latents over all codes agree: of the methods, of each method on "
        "every other code, and with the effect of swapping a latent.",
    )
    found.finding(
        f"Which latents matter over all {count} codes of the digit {DIGIT}, rank correlations of "
        "mean sizes: " + ", ".join(f"{name} {value:.2f}" for name, value in rankings.items()) + "."
    )
