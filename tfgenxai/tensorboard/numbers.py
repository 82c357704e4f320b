"""The numbers of a model card on TensorBoard's pages: metrics, history and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = bool | int | float | str
# The card's entries on training that decide what comes out.
_TRAINING = ("epochs", "batch_size", "seed", "decay", "strategy", "optimizer")


def metrics(card: Mapping[str, Any]) -> dict[str, float]:
    """What was measured on held-out images: `metrics/elbo`, `metrics/class_shares/3`, ..."""
    measured = {k: v for k, v in card.get("metrics", {}).items() if k != "seed"}
    found = dict(_flat("metrics", measured))
    seconds = card.get("training", {}).get("seconds")
    return found if seconds is None else found | {"metrics/training_seconds": seconds}


def _flat(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Every number in a nest of mappings and lists, with its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}/{key}", inner)
    elif isinstance(value, list):
        yield from _flat(name, dict(enumerate(value)))
    elif isinstance(value, int | float):
        yield name, float(value)


def history(card: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, float]]]:
    """Epoch, from 1, and what was measured while training: `training/loss`, ..."""
    for row in card.get("training", {}).get("history", ()):
        yield int(row["epoch"]), {f"training/{k}": v for k, v in row.items() if k != "epoch"}


def settings(name: str, card: Mapping[str, Any]) -> dict[str, bool | float | str]:
    """What decided how the model came out, by name; plain values only."""
    architecture, training = card.get("architecture", {}), card.get("training", {})
    found = {
        "model": name,
        "class": architecture.get("class"),
        **architecture.get("config", {}),
        "parameters": architecture.get("parameters"),
        **{key: training.get(key) for key in _TRAINING},
        "learning_rate": training.get("initial_learning_rate"),
        **{f"data_{k}": v for k, v in card.get("data", {}).items() if k != "seed"},
    }
    return {k: v for k, v in found.items() if isinstance(v, _PLAIN)}
