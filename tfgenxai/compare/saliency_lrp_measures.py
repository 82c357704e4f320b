"""The measures of saliency and of LRP, one number a sample."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai.compare.saliency_lrp_cases import METHODS, Case
from tfgenxai.metrics.agreement import similarities
from tfgenxai.metrics.faithfulness import (
    deletion,
    faithfulness_correlation,
    insertion,
    pixel_flipping,
)
from tfgenxai.metrics.localisation import chance, relevance_mass
from tfgenxai.metrics.randomisation import (
    map_likeness,
    randomised,
    rank_correlation,
    weighted_layers,
)
from tfgenxai.metrics.roughness import speckle, total_variation
from tfgenxai.metrics.scores import Scores
from tfgenxai.metrics.stability import max_sensitivity
from tfgenxai.targets import ClassLogit

if TYPE_CHECKING:
    from tfgenxai.attribution import Attribution, Method
    from tfgenxai.metrics.curve import Curve

CHANCE, TOLERANCE = "chance", "5 % of the output"
#: Measure -> what it is, and which way is good.
LABELS = {
    "milliseconds": "processor milliseconds a map, when all are made together",
    "off_stroke": "share of the relevance off the strokes (less is cleaner)",
    "total_variation": "total variation of the map (less is smoother)",
    "speckle": "share of the map's energy that a 3 x 3 median removes (less is smoother)",
    "noise": "largest relative change under noise of the image, +-0.1 (0: none)",
    "deletion_gain": "deletion to black, gain over random order (above 0 is better)",
    "insertion_gain": "insertion from black, gain over random order (above 0 is better)",
    "flipping_gain": "flipping black and white, least less most relevant first (above 0 is better)",
    "mass": "share of the relevance on the strokes",
    "slope": "rank correlation with the effect of a small change of each pixel (1 is best)",
    "contribution": "correlation with the fall when random pixels go black (1 is best)",
    "sum_error": "|sum of the map - output|, as a share of the mean |output| (0: adds up)",
    "bias": "share of the biases, by size, of the mean |output|",
    "account": "sum + biases + stabiliser - output, as a share of the relevance (0: accounted for)",
    "random": "rank correlation with a random network's map, where that is not 0 (1: the same)",
    "other": "rank correlation with the map of another class or latent (less tells them apart)",
}
_TOLERANCE = 0.05
_ROUNDS = 6
_STEPS = 14
_DRAWS = 3
_RADIUS = 0.1
_NUDGE = 0.05
_NUDGED = 6


@dataclass
class Study:
    """A case with all that was measured on it.

    Attributes:
        effects: of every pixel; see `nudged`.
        maps: method -> its attribution.
        measures: method -> measure -> (N,); also what chance and a tolerance would have.
        curves: method -> name of the curve -> it.
    """

    case: Case
    effects: np.ndarray
    maps: dict[str, Attribution] = field(default_factory=dict)
    measures: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    curves: dict[str, dict[str, Curve]] = field(default_factory=dict)


def relevance(found: Attribution) -> np.ndarray:
    """What is measured of a map (N, H, W, C): slopes by their size, LRP with its sign."""
    is_lrp = found.method == "lrp"
    return np.asarray(found.values) if is_lrp else np.abs(found.values)


def measure(study: Study, name: str, *, seed: int) -> None:
    """Adds a method to the study: its maps, measures and curves."""
    case = study.case
    method = METHODS[name](case.graph, seed)
    found = method(case.inputs, case.target, progress=False)
    values = relevance(found)
    sizes = np.abs(values)
    asked = (case.graph, case.inputs, case.target, values)
    curves: dict[str, Curve] = {
        "deletion_gain": deletion(*asked, steps=_STEPS, seed=seed),
        "insertion_gain": insertion(*asked, steps=_STEPS, seed=seed),
        "flipping_gain": pixel_flipping(
            *asked, steps=_STEPS, baseline=1.0 - case.inputs, seed=seed
        ),
    }
    mass = relevance_mass(sizes, case.strokes)
    measures = {
        "milliseconds": _milliseconds(method, case),
        "mass": mass,
        "off_stroke": 1.0 - mass,
        "total_variation": total_variation(sizes),
        "speckle": speckle(sizes),
        "noise": max_sensitivity(
            method, case.inputs, case.target, radius=_RADIUS, draws=_DRAWS, seed=seed
        ),
        "slope": likeness(sizes, study.effects),
        "contribution": faithfulness_correlation(*asked, seed=seed),
        **_sums(case, found),
        **{gain: curve.gain for gain, curve in curves.items()},
    }
    if case.other is not None:
        others = relevance(method(case.inputs, case.other, progress=False))
        measures["other"] = similarities(values, others)["spearman"]
    study.maps[name], study.measures[name], study.curves[name] = found, measures, curves


def against_random(study: Study, name: str, *, seed: int) -> np.ndarray:
    """Rank correlation with the map of a network whose weights are all drawn anew, (N,).

    Over the pixels where that map is not 0: see `map_likeness`.
    """
    case = study.case
    layers = weighted_layers(case.graph, case.target)[::-1]
    method = METHODS[name](randomised(case.graph, layers, seed), seed)
    drawn = np.abs(method(case.inputs, case.target, progress=False).values)
    trained = np.abs(study.maps[name].values)
    return map_likeness(trained, drawn)


def references(case: Case) -> dict[str, dict[str, np.ndarray]]:
    """What chance has of the measures, and what is called adding up."""
    share = chance(case.strokes)
    return {
        CHANCE: {"mass": share, "off_stroke": 1.0 - share},
        TOLERANCE: {"sum_error": np.full(len(case.inputs), _TOLERANCE)},
    }


def nudged(case: Case) -> np.ndarray:
    """|change of the target| as each pixel moves by 0.05, of the first images, (n, pixels).

    Dark pixels go up, light ones down.
    """
    images = case.inputs[:_NUDGED]
    target = case.target
    if isinstance(target, ClassLogit):
        target = ClassLogit(np.asarray(target.k)[: len(images)])
    scores = Scores(case.graph, images, target)
    rows = images.reshape(len(images), -1)

    def moved(samples: np.ndarray, which: np.ndarray) -> np.ndarray:
        flat = rows[samples]
        places = np.arange(len(samples)), which
        flat[places] += np.where(flat[places] < 0.5, _NUDGE, -_NUDGE)
        return flat.reshape(-1, *images.shape[1:])

    return np.abs(scores.over(rows.shape[1], moved) - scores.plain()[:, None])


def likeness(sizes: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Rank correlation of maps with the effects of the same pixels, of the first images, (n,)."""
    rows = sizes[: len(effects)].reshape(len(effects), -1)
    return np.array([rank_correlation(a, b) for a, b in zip(rows, effects, strict=True)])


def _sums(case: Case, found: Attribution) -> dict[str, np.ndarray]:
    """How far the sum of a map is from the output, and LRP's account of it."""
    output = Scores(case.graph, case.inputs, case.target).plain()
    typical = np.abs(output).mean()
    values = np.asarray(found.values, np.float64).reshape(len(output), -1)
    off = values.sum(axis=1) - output
    measures = {"sum_error": np.abs(off) / typical}
    if found.delta_parts:
        parts = sum(np.asarray(part, np.float64) for part in found.delta_parts.values())
        measures["bias"] = np.abs(found.delta_parts["bias"]) / typical
        measures["account"] = np.abs(off + parts) / np.abs(values).sum(axis=1)
    return measures


def _milliseconds(method: Method, case: Case) -> np.ndarray:
    """Processor time of a map in each of some rounds, when all images are explained together.

    It does not depend on what else the machine does.
    """
    spent = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        method(case.inputs, case.target, progress=False)
        spent.append(time.process_time() - started)
    return 1e3 * np.array(spent) / len(case.inputs)
