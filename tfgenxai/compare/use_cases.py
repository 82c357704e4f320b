"""What to use a VAE or a GAN for, derived from the numbers of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Task(NamedTuple):
    """A use of a generative model, and the measure that decides it.

    Attributes:
        task: what someone wants to do.
        measure: key in the summary of each model.
        name: the measure in words.
        sign: 1 where more is better, -1 where less is.
    """

    task: str
    measure: str
    name: str
    sign: int


TASKS = (
    Task("draw digits that read clearly", "classifier_confidence", "classifier's confidence", 1),
    Task("draw like the real images as a whole", "frechet", "Fréchet distance", -1),
    Task("draw no image that is unlike real ones", "precision", "precision", 1),
    Task("draw all the variety there is", "recall", "recall", 1),
    Task("draw every digit", "classes_covered", "digits covered", 1),
    Task("draw many images fast", "ms_per_sample", "milliseconds a sample", -1),
    Task("restore or compress a given image", "reconstruction_mse", "squared error", -1),
    Task("find the code of a given image fast", "ms_per_code", "milliseconds a code", -1),
    Task("search, cluster or sort by code", "codes_knn_accuracy", "kNN accuracy of codes", 1),
    Task("edit one property by one dimension", "largest_eta_squared", "largest eta squared", 1),
)
BETTER, EVEN = "better", "even"
#: Closer than this share of the better one is called even.
_MARGIN = 0.05


def use_cases(summary: Mapping[str, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """For each of two models a row a task, those that it does better first.

    Args:
        summary: model ("vae", "gan") -> measure -> number, as the comparison of both keeps it.
    """
    numbers = {name.upper(): measured for name, measured in summary.items()}
    return {model: _rows(model, numbers) for model in numbers}


def _rows(model: str, numbers: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tasks in order of how well the model does them against the other."""
    (other,) = (name for name in numbers if name != model)
    rows = []
    for task in TASKS:
        own, their = numbers[model].get(task.measure), numbers[other].get(task.measure)
        if own is not None and their is not None:
            rows.append(
                {
                    "task": task.task,
                    "verdict": EVEN
                    if _overlap(task.measure, numbers[model], numbers[other])
                    else verdict(own, their, task.sign, other),
                    "measure": task.name,
                    model: own,
                    other: their,
                }
            )
    return sorted(rows, key=lambda row: [BETTER, EVEN, row["verdict"]].index(row["verdict"]))


def _overlap(measure: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both models have an interval for the measure, and these overlap."""
    low, high = f"{measure}_low", f"{measure}_high"
    if not all(end in each for end in (low, high) for each in (one, other)):
        return False
    return max(one[low], other[low]) <= min(one[high], other[high])


def verdict(own: float, their: float, sign: int, other: str) -> str:
    """ "better", "even" or that the other is, of two numbers of which more (sign 1) is better."""
    if abs(own - their) <= _MARGIN * max(abs(own), abs(their)):
        return EVEN
    return BETTER if sign * (own - their) > 0 else f"take the {other}"
