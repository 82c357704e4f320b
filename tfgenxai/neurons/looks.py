"""The four looks at a network: each gives tables, figures and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.neurons.ablation import ablate
from tfgenxai.neurons.activations import activations
from tfgenxai.neurons.cka import cka_chance, cka_matrix
from tfgenxai.neurons.contributions import layer_contributions
from tfgenxai.neurons.effects import ScoreDrop, ScoreShift
from tfgenxai.neurons.maximise import maximise
from tfgenxai.neurons.similarity import class_similarity
from tfgenxai.neurons.subject import Subject
from tfgenxai.targets import Unit

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

_MAXIMISED = 8


@dataclass
class Found:
    """What a look found.

    Attributes:
        tables: name -> frame, each written to NAME.csv.
        figures: name -> figure, each written to NAME.png.
        numbers: further JSON values.
    """

    tables: dict[str, pandas.DataFrame] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)


def look_at_activations(subject: Subject) -> Found:
    """Summary of every layer, and the maps of the first sample."""
    found = activations(subject.graph, subject.values, labels=subject.labels)
    images = subject.images(1)
    figure = plots.activation_maps(
        {
            name: values[0]
            for name, values in found.values.items()
            # What is neither a map nor a vector, as pairs of places or a row of columns, has no
            # picture; its numbers are in the table.
            if name not in found.reduced and values.ndim in (2, 4)
        },
        None if images is None else images[0],
        title=f"Activations of {subject.signature}",
    )
    return Found({"activations": found.summary}, {"activations": figure})


def look_at_maxima(subject: Subject) -> Found:
    """What excites units of the layer most, against chance."""
    request, layer = subject.request, subject.layer
    units = request.channels or _most_varied(subject)
    fixed = {name: subject.first(name) for name in subject.graph.inputs if name != subject.wrt}
    result = maximise(
        subject.graph,
        Unit(layer, units),
        steps=request.steps,
        restarts=request.restarts,
        bound=request.bound,
        jitter=request.jitter,
        fixed=fixed,
        reference=subject.images() if subject.takes_images else None,
        prior=subject.prior,
        seed=request.seed,
    )
    figures = {}
    if subject.takes_images or result.images is not None:
        given = {name: np.stack([value] * len(units)) for name, value in fixed.items()}
        found = activations(subject.graph, {subject.wrt: result.best_codes, **given}, [layer])
        maps = None
        if found[layer].ndim == 4:
            maps = np.stack([found[layer][row, ..., unit] for row, unit in enumerate(units)])
        title = f"What excites {layer} most"
        figures["maximise"] = plots.maximised(result, maps, title=title)
    numbers = {"random inputs tried for each unit": result.random_count}
    numbers |= {f"{name} that is kept": value.tolist() for name, value in fixed.items()}
    return Found({"maximise": result.table()}, figures, numbers)


def look_at_ablation(subject: Subject) -> Found:
    """What is lost without each unit of the layer, and without parts of each layer."""
    request = subject.request
    effect = subject.effect(request.effect)
    options: dict[str, Any] = {
        "how": request.how,
        "labels": subject.labels,
        "seed": request.seed,
    }
    single = ablate(
        subject.graph,
        subject.values,
        subject.layer,
        effect,
        units=request.channels or None,
        **options,
    )
    # The drop of a logit has no natural size: layers are compared by accuracy.
    named = request.effect
    if named is None and isinstance(effect, ScoreDrop) and not isinstance(effect, ScoreShift):
        named = "accuracy"
    overall = subject.effect(named)
    layers = layer_contributions(subject.graph, subject.values, overall, **options)
    frame = single.frame()
    title = f"Ablating units of {subject.layer} ({request.how})"
    return Found(
        {
            "ablation": frame.reset_index(),
            "ranking": single.ranking(),
            "contributions": layers,
        },
        {
            "ablation": plots.ablation_heatmap(frame, title=title, label=effect.name),
            "contributions": plots.layer_bars(
                layers,
                ("random", "strongest", "whole"),
                title="Ablating half of a layer's units, or all",
                label=overall.name,
            ),
        },
        {
            "effect": effect.name,
            "effect of layers": overall.name,
            "rank correlation of ablation and gradient": single.rank_correlation,
        },
    )


def look_at_similarity(subject: Subject) -> Found:
    """How alike samples of one class are in each layer, and how alike the layers are."""
    found = activations(subject.graph, subject.values, labels=subject.labels)
    similar = class_similarity(found, seed=subject.request.seed)
    aligned = cka_matrix(found.values, debiased=True)
    names = list(found.values)
    chance = cka_chance(found[names[0]], found[names[-1]], debiased=True, seed=subject.request.seed)
    return Found(
        {"similarity": similar, "cka": aligned.reset_index(names="layer")},
        {
            "similarity": plots.layer_bars(
                similar,
                ("within", "between"),
                title="Similarity of two samples of one class, and of two",
                label="mean similarity of centred activations",
            ),
            "cka": plots.matrix(
                aligned.to_numpy(), names, names, title="Layers compared", label="linear CKA",
                limits=(0.0, 1.0),
            ),
        },
        {"CKA of shuffled samples": chance},
    )  # fmt: skip


LOOK: dict[str, Callable[[Subject], Found]] = {
    "activations": look_at_activations,
    "maximise": look_at_maxima,
    "ablate": look_at_ablation,
    "similarity": look_at_similarity,
}


def _most_varied(subject: Subject) -> tuple[int, ...]:
    """The units of the layer that differ most between the samples."""
    values = activations(subject.graph, subject.values, [subject.layer])[subject.layer]
    spread = values.mean(axis=tuple(range(1, values.ndim - 1))).std(axis=0)
    chosen = np.argsort(-spread, kind="stable")[:_MAXIMISED]
    return tuple(int(unit) for unit in np.sort(chosen))
