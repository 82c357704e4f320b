"""Which method ranks where over all measures, and what a table of methods says in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfgenxai import plots
from tfgenxai.metrics.randomisation import FAILS_ABOVE

if TYPE_CHECKING:
    import pandas

    from tfgenxai.compare.comparison import Comparison

#: Measure -> its heading, and +1 where higher is better, -1 where lower is.
MEASURES: dict[str, tuple[str, int]] = {
    "deletion_gain": ("deletion gain", 1),
    "insertion_gain": ("insertion gain", 1),
    "pixel_flipping_gain": ("flipping gain", 1),
    "faithfulness_correlation": ("faithfulness correlation", 1),
    "infidelity": ("infidelity", -1),
    "latent_deletion_gain": ("latent deletion gain", 1),
    "relevance_mass": ("mass on target", 1),
    "relevance_rank": ("rank on target", 1),
    "auroc": ("AUROC", 1),
    "max_sensitivity": ("max-sensitivity", -1),
    "seed_correlation": ("seed correlation", 1),
    "randomisation": ("alike when random", -1),
    "gini": ("Gini", 1),
    "seconds_per_map": ("seconds a map", -1),
}
#: What the ranks are taken over: Gini describes a map, and few methods have a seed.
_JUDGED = tuple(name for name in MEASURES if name not in ("gini", "seed_correlation"))
_TWINS = "randomisation_twins"
#: How much more alike than two random networks maps must be to count as insensitive.
_APART = 0.1


def add_ranks(
    found: Comparison, titles: dict[str, str], tables: dict[str, pandas.DataFrame]
) -> None:
    """Mean rank of every method over the measures, and the findings."""
    import pandas

    ranks = pandas.DataFrame({slug: mean_ranks(frame) for slug, frame in tables.items()})
    ranks = ranks.loc[ranks.mean(axis=1).sort_values().index]
    found.section(
        "Who ranks where",
        "On each network the methods are ranked from 0 (best) to 1 (worst) by every measure but "
        "the Gini, and their ranks averaged. The weight of one measure against another is a "
        "choice: look at the tables before choosing a method.",
    )
    found.figure(
        "ranks",
        plots.matrix(
            ranks.to_numpy(),
            list(ranks.index),
            [titles[slug].partition(":")[0] for slug in ranks.columns],
            title="Mean rank over the measures",
            label="mean rank, 0 is best",
            limits=(0.0, 1.0),
        ),
        "Mean rank of each method over the measures; a dash: not defined there.",
    )
    found.headline = in_short(ranks)
    found.frames["ranks"] = ranks.reset_index(names="method")
    for slug, frame in tables.items():
        found.finding(sentence(titles[slug], frame))
    failing = sorted(
        {
            row["method"]
            for frame in tables.values()
            for _, row in frame.iterrows()
            if row["randomisation"] > FAILS_ABOVE and row["randomisation"] > row[_TWINS] + _APART
        }
    )
    found.finding(
        "Maps stay alike (over 0.5, and more than those of two random networks) when all weights "
        f"are drawn anew for: {', '.join(failing) or 'no method'}."
    )


def mean_ranks(frame: pandas.DataFrame) -> pandas.Series:
    """Mean rank of each method, 0 (best) to 1 (worst), over the measures of one table."""
    import pandas

    ranks = {}
    for name in _JUDGED:
        if name in frame and frame[name].notna().sum() > 1:
            ranked = frame[name].rank(ascending=MEASURES[name][1] < 0)
            ranks[name] = (ranked - 1) / (frame[name].notna().sum() - 1)
    return pandas.DataFrame(ranks).mean(axis=1).set_axis(frame["method"])


def in_short(ranks: pandas.DataFrame) -> str:
    """Who ranks first on which network, in one sentence; `ranks` has a column a network."""
    firsts = ranks.idxmin()
    first = firsts.mode()[0]
    overall = ranks.dropna().mean(axis=1)
    everywhere = (
        f" Of those that explain all of them, {overall.idxmin()} has the best mean rank."
        if len(overall)
        else ""
    )
    return (
        f"No method is best on all networks: {first} ranks first on {int((firsts == first).sum())} "
        f"of {len(firsts)}.{everywhere}"
        if firsts.nunique() > 1
        else f"{first} ranks first on all {len(firsts)} networks."
    )


def sentence(title: str, frame: pandas.DataFrame) -> str:
    """What one table says: the most faithful method, those no better than chance, the cheapest."""
    best = frame.loc[frame["insertion_gain"].idxmax()]
    swift = frame.loc[frame["seconds_per_map"].idxmin()]
    chance = list(frame.loc[frame["insertion_gain_low"] <= 0, "method"])
    text = (
        f"{title}: most faithful by insertion is {best['method']} (gain "
        f"{best['insertion_gain']:.3g} [{best['insertion_gain_low']:.3g}, "
        f"{best['insertion_gain_high']:.3g}]); not better than random order: "
        f"{', '.join(chance) or 'none'}"
    )
    if "relevance_mass" in frame:
        near = frame.loc[frame["relevance_mass"].idxmax()]
        text += (
            f"; most of its relevance on target has {near['method']} "
            f"({100 * near['relevance_mass']:.0f} %, chance "
            f"{100 * near['localisation_chance']:.0f} %)"
        )
    return f"{text}; cheapest is {swift['method']} ({1e3 * swift['seconds_per_map']:.2g} ms a map)."
