"""Every attribution method on every metric: one table a network, and who ranks where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.cases import Case, cases
from tfgenxai.compare.comparison import Comparison
from tfgenxai.compare.methods_ranks import MEASURES, add_ranks
from tfgenxai.compare.panel import RANDOM, built
from tfgenxai.data.progress import counter
from tfgenxai.metrics.agreement import agreement, agreement_matrix
from tfgenxai.metrics.faithfulness import insertion
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.latent_faithfulness import latent_deletion
from tfgenxai.metrics.randomisation import against_random
from tfgenxai.metrics.scorecard import scorecard

if TYPE_CHECKING:
    import pandas

    from tfgenxai.attribution import Method
    from tfgenxai.compare.subjects import Subjects
    from tfgenxai.saved.read import SavedModel

_FAITHFUL = ("deletion_gain", "insertion_gain", "pixel_flipping_gain")
#: Of the metrics: enough for means over samples, and every method gets the same.
_EFFORT = {"steps": 14, "controls": 1, "runs": 30, "draws": 2}
_FEWEST = 4


def compare_methods(
    subjects: Subjects,
    *,
    size: int = 12,
    seed: int = 0,
    progress: bool = True,
    only: Sequence[str] = (),
    faces: SavedModel | None = None,
) -> Comparison:
    """Every method on every metric, for each of five networks.

    Args:
        size: inputs of each network, at least 4.
        seed: of inputs, methods and metrics.
        progress: show a bar on stderr.
        only: methods to compare; all by default.
        faces: the VAE of faces; `conv-vae-faces` by default.
    """
    from tfgenxai.errors import UsageError
    from tfgenxai.saved.read import load

    if size < _FEWEST:
        raise UsageError(f"Means over samples need at least {_FEWEST} of them, not {size}.")
    found = Comparison(
        "Attribution methods, measured",
        f"{size} inputs of each network, MNIST from {subjects.data.source}, drawn faces, "
        f"seed {seed}",
    )
    found.results |= {"inputs": size, "source": subjects.data.source, "seed": seed}
    found.section("How to read this", _READING)
    studied = cases(subjects, faces or load("conv-vae-faces"), size=size, seed=seed)
    chosen = {case.slug: [m for m in case.methods if not only or m in only] for case in studied}
    with counter("comparing methods", sum(map(len, chosen.values())), progress) as done:
        tables = {}
        for case in studied:
            # Built, and so traced, once for all that is asked of it.
            methods = {name: built(name, case.graph, seed) for name in chosen[case.slug]}
            rows = []
            for name, method in methods.items():
                rows.append(_row(case, name, method, seed))
                done(1)
            tables[case.slug] = _add_case(found, case, rows, methods, seed)
    add_ranks(found, {case.slug: case.title for case in studied}, tables)
    return found


_READING = """\
Each row of a table is a method, each column the mean of a measure over the inputs.

- **deletion, insertion, flipping gain**: places of the input are taken away, or put in, in the \
order of their relevance; the gain is how much faster the explained number moves than in random \
order. 0 is no better than chance. A place that is taken away becomes black (blurred in faces, \
the prior's mean in codes); with another colour the order of the methods may change.
- **faithfulness correlation**: between the relevance of random subsets and what their removal \
does. 1 is best.
- **infidelity**: squared error of that prediction after the best scaling. 0 is best.
- **mass, rank, AUROC on target**: how much of the relevance lies where it should.
- **max-sensitivity**: how much a map changes under small noise of the input. 0 is best.
- **alike when random**: rank correlation with the map of a network whose weights are all drawn \
anew. Above 0.5 the map shows the input rather than what was learned.
- **Gini**: 1 is all relevance in one place, 0 the same everywhere."""


def _row(case: Case, name: str, method: Method, seed: int) -> dict[str, Any]:
    """The scorecard of one method, with parameter randomisation."""
    row = scorecard(
        method,
        case.inputs,
        case.target,
        masks=case.masks,
        make=(lambda s: built(name, case.graph, s)) if name in RANDOM else None,
        seeds=(seed, seed + 1),
        baseline=case.baseline,
        seed=seed,
        **_EFFORT,
    )
    if case.slug == "decoder":
        relevance = np.abs(method(case.inputs, case.target, progress=False).values)
        row |= latent_deletion(case.graph, case.inputs, relevance, seed=seed).row()
    random, twins = against_random(
        lambda graph: method if graph is case.graph else built(name, graph, seed),
        case.graph,
        case.inputs,
        case.target,
        seed=seed,
    )
    row["randomisation"] = random["similarity"]
    row["randomisation_error"] = random["standard_error"]
    row["randomisation_twins"] = twins["similarity"]
    return row


def _add_case(
    found: Comparison,
    case: Case,
    rows: list[dict[str, Any]],
    methods: Mapping[str, Method],
    seed: int,
) -> pandas.DataFrame:
    """The section of one network; gives back its table."""
    import pandas

    frame = pandas.DataFrame(rows)
    found.section(case.title, case.about)
    shown = [name for name in MEASURES if name in frame]
    against = (
        f" Relevance should lie on {case.ground}, {100 * rows[0]['localisation_chance']:.1f} % of "
        "the pixels."
        if case.masks is not None
        else ""
    )
    found.table(
        case.slug,
        frame,
        f"{len(case.inputs)} inputs, means; the file tables/{case.slug}.csv has all 95 % "
        f"intervals.{against}",
        columns=["method", *shown],
    )
    found.figure(
        f"{case.slug}-faithfulness",
        plots.bars(
            list(frame["insertion_gain"]),
            list(frame["method"]),
            title=case.title,
            xlabel="insertion, gain over random order, in units of the target (95 % interval)",
            errors=_errors(frame, "insertion_gain"),
        ),
        _better_than_chance(frame),
    )
    ink = interval(
        insertion(
            case.graph,
            case.inputs,
            case.target,
            case.inputs,
            baseline=case.baseline,
            seed=seed,
        ).gain
    )
    beaten = list(frame.loc[frame["insertion_gain"] > ink.mean, "method"])
    found.text(
        f"The input itself, taken for relevance, gains {ink} by insertion: it knows nothing of the "
        f"network. More than that gain: {', '.join(beaten) or 'no method'}."
    )
    found.results[f"{case.slug}-input-itself"] = ink.row("insertion_gain")
    if case.inputs.ndim == 4:
        _add_pictures(found, case, methods, seed)
    found.results[case.slug] = rows
    return frame


def _add_pictures(found: Comparison, case: Case, methods: Mapping[str, Method], seed: int) -> None:
    """Maps of all methods on one input, and how alike the methods are."""
    maps = {n: m(case.inputs, case.target, progress=False) for n, m in methods.items()}
    first = {name: each[0].at_input_resolution(0) for name, each in maps.items()}
    flat = {n: v.sum(axis=-1) if v.ndim == 3 else v for n, v in first.items()}
    found.figure(
        f"{case.slug}-maps",
        plots.map_sheet(case.inputs[0], flat, title=case.title),
        f"The map of every method for one input ({case.title}); each on its own scale.",
    )
    if len(maps) < 2:
        return
    pairs = agreement(maps, seed=seed)
    spearman = agreement_matrix(pairs, "spearman")
    closest = pairs.loc[pairs["spearman"].idxmax()]
    found.figure(
        f"{case.slug}-agreement",
        plots.matrix(
            spearman.to_numpy(),
            list(spearman.index),
            list(spearman.columns),
            title="Agreement of the methods",
            label="Spearman's rank correlation",
            limits=(-1.0, 1.0),
        ),
        f"Rank correlation between the maps of two methods, mean over the inputs; over all pairs "
        f"{pairs['spearman'].mean():.2f}. Most alike are {closest['first']} and "
        f"{closest['second']} ({closest['spearman']:.2f}).",
    )
    found.frames[f"{case.slug}-agreement"] = pairs


def _better_than_chance(frame: pandas.DataFrame) -> str:
    counts = {
        name: int((frame[f"{name}_low"] > 0).sum()) for name in _FAITHFUL if f"{name}_low" in frame
    }
    listed = ", ".join(f"{MEASURES[name][0]} {count}" for name, count in counts.items())
    return (
        f"How far the most relevant places, put in first, raise the target faster than random "
        f"ones. Of {len(frame)} methods, better than chance (interval above 0) are by {listed}."
    )


def _errors(frame: pandas.DataFrame, name: str) -> list[float]:
    return list((frame[f"{name}_high"] - frame[f"{name}_low"]) / 2)
