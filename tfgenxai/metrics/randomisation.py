"""Sanity check: whether an explanation changes when the weights of the network are drawn anew.

Adebayo et al., "Sanity Checks for Saliency Maps", 2018. An explanation that stays the same for a
network that has learned nothing shows the image, not what the network makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfgenxai.attribution.structure import dependants
from tfgenxai.errors import UsageError

if TYPE_CHECKING:
    import pandas

    from tfgenxai.attribution import Method
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target

#: A method whose maps are more alike than this when all weights are random is said to fail.
FAILS_ABOVE = 0.5

_ZEROS = ("bias", "beta", "moving_mean")
_ONES = ("gamma", "moving_variance")


def randomised(graph: Graph, layers: Sequence[str], seed: int = 0) -> Graph:
    """The same network with the weights of some layers drawn anew.

    Kernels get Keras' own initialiser (Glorot uniform), biases and batch normalisation their
    start values, by the names of the variables. Weights of other names are shuffled.

    Raises:
        UsageError: a layer has no weights, or does not exist.
    """
    known = {layer.name: layer for layer in graph.layers if layer.variables}
    if unknown := [name for name in layers if name not in known]:
        raise UsageError(f"{unknown[0]!r} is no layer with weights; there are {', '.join(known)}.")
    constants = dict.fromkeys(c for name in layers for c in known[name].variables)
    values = {}
    for place, constant in enumerate(constants):
        rng = np.random.default_rng([seed, place])
        values[constant] = _drawn(graph.variables[constant], graph.value(constant), rng)
    return graph.with_values(values)


def cascade(
    make: Callable[[Graph], Method],
    graph: Graph,
    inputs: Any,
    target: Target,
    *,
    mode: Literal["cascading", "independent"] = "cascading",
    seed: int = 0,
) -> pandas.DataFrame:
    """How alike a method's maps are before and after layers are drawn anew.

    Args:
        make: a graph -> the method on it.
        graph: the trained network.
        inputs: what the method explains, (N, ...).
        target: what is explained, one scalar a sample.
        mode: "cascading" draws layer after layer anew, from the target down to the input;
            "independent" draws each layer by itself, the others staying as they are.

    Returns:
        One row for each step: `layer`, the mean over samples of the rank correlation of absolute
        relevance, `similarity` in [-1, 1] (over places that the random network's map gives a value,
        which black pixels need not be), its standard error, and the
        number of samples. The last row, `two random networks`, is the similarity of maps of two
        networks with all weights drawn: what the input alone brings about.
    """
    if mode not in ("cascading", "independent"):
        raise UsageError(f"mode is 'cascading' or 'independent', not {mode!r}.")
    import pandas

    names = weighted_layers(graph, target)[::-1]
    trained = _maps(make(graph), inputs, target)
    rows = []
    for place, name in enumerate(names):
        drawn = names[: place + 1] if mode == "cascading" else [name]
        found = _maps(make(randomised(graph, drawn, seed)), inputs, target)
        rows.append({"layer": name, **_similarity(trained, found)})
    _, twins = against_random(make, graph, inputs, target, seed=seed)
    return pandas.DataFrame([*rows, {"layer": "two random networks", **twins}])


def against_random(
    make: Callable[[Graph], Method], graph: Graph, inputs: Any, target: Target, *, seed: int = 0
) -> tuple[dict[str, float], dict[str, float]]:
    """How alike maps are before and after all layers are drawn anew, and for two random networks.

    The end of a `cascade` without its steps. Each is `similarity`, `standard_error`, `samples`.
    """
    names = weighted_layers(graph, target)
    first, second = (
        _maps(make(randomised(graph, names[::-1], seed + offset)), inputs, target)
        for offset in (0, 1)
    )
    return _similarity(_maps(make(graph), inputs, target), first), _similarity(first, second)


def weighted_layers(graph: Graph, target: Target) -> list[str]:
    """The layers with weights between the inputs and the target, in order of execution."""
    fetches = target.on(graph).fetches
    reached = {
        tensor.op.name
        for source in graph.inputs.values()
        for tensor in dependants(source, fetches).values()
    }
    names = [x.name for x in graph.layers if x.variables and not reached.isdisjoint(x.nodes)]
    if not names:
        raise UsageError("No layer with weights lies between the input and the target.")
    return names


def _drawn(variable: str, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    name = variable.rpartition("/")[2].partition(":")[0]
    if name in _ZEROS:
        return np.zeros_like(value)
    if name in _ONES:
        return np.ones_like(value)
    if value.ndim < 2 or "kernel" not in name:
        return rng.permutation(value.ravel()).reshape(value.shape)
    field = int(np.prod(value.shape[:-2]))
    limit = np.sqrt(6.0 / (field * (value.shape[-2] + value.shape[-1])))
    return rng.uniform(-limit, limit, value.shape).astype(value.dtype)


def _maps(method: Method, inputs: Any, target: Target) -> np.ndarray:
    """Absolute relevance (N, places), channels summed."""
    values = np.abs(np.asarray(method(inputs, target, progress=False).values))
    if values.ndim == 4:
        values = values.sum(axis=-1)
    return values.reshape(len(values), -1)


def map_likeness(trained: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Rank correlation (N,) of maps (N, places), where the random network's, `drawn`, is not 0.

    A network drawn anew has no biases: where an image is black nothing is active and slopes are 0.
    That is the image's doing, and a trained map that is small there would be called alike for it.
    """
    return np.array(
        [rank_correlation(a[b != 0], b[b != 0]) for a, b in zip(trained, drawn, strict=True)]
    )


def _similarity(trained: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """Mean likeness of maps (N, places)."""
    found = map_likeness(trained, drawn)
    count = len(found)
    error = float(found.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return {"similarity": float(found.mean()), "standard_error": error, "samples": count}


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation of two maps (places,), over places where either is not 0.

    A black background times any gradient is 0: counting these ties would call all maps of a digit
    alike that are made of its pixels. A map that is the same everywhere is like no other: 0.
    """
    from scipy.stats import spearmanr

    counted = (first != 0) | (second != 0)
    a, b = first[counted], second[counted]
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
