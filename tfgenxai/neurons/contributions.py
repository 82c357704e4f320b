"""How much of what a network does hangs on each layer, and on which of its units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution.structure import depends
from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.intervals import interval
from tfgenxai.neurons.ablator import Ablator, How
from tfgenxai.neurons.effects import Effect
from tfgenxai.neurons.layers import computed_layers

if TYPE_CHECKING:
    import pandas

    from tfgenxai.graph import Graph


def layer_contributions(
    graph: Graph,
    inputs: Any,
    effect: Effect,
    *,
    layers: Sequence[str] | None = None,
    share: float = 0.5,
    draws: int = 5,
    how: How = "mean",
    labels: Any = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: bool | None = None,
) -> pandas.DataFrame:
    """The effect of ablating each layer: whole, a random part of its units, its strongest units.

    In a chain of layers everything passes through each of them. Ablating a whole layer by its mean
    leaves a constant output, whichever layer it is, and so `whole` is much the same for all: it
    is the most that can be lost. Layers differ in what is lost with a part of their units: little
    where the others hold it too.

    The rows, one a layer, hold: `layer`, `units`, `ablated` (how many of them are the part),
    `random` (the effect of so many units drawn at random, mean over draws), `draws_std` (its
    standard deviation over the draws), `strongest` (the effect of as many units that come first by
    gradient x activation), `whole`, and `share_of_whole`, random / whole. Each effect comes with
    the ends of its 95 % interval over samples. For each half of the samples, the strongest units
    are those of the other half, so that none is measured where it was chosen.

    Args:
        graph: the network.
        inputs: N samples, in any form that attribution methods take.
        effect: what is measured; an effect of several numbers is averaged over them.
        layers: names; by default all between the inputs and what is measured that have more than
            one unit, but for those that only reshape.
        share: the part of the units that is ablated, in (0, 1).
        draws: random sets of units.
        how, labels, seed, batch_size, progress: see `ablate`.

    Raises:
        UsageError, LayerNotFoundError, InvalidInputError: as `ablate`; or fewer than 4 samples.
    """
    import pandas

    if not 0.0 < share < 1.0:
        raise UsageError(f"share= must lie between 0 and 1, not be {share!r}.")
    if draws < 1:
        raise UsageError(f"draws= must be at least 1, not {draws!r}.")
    ends = effect.on(graph).fetches
    named = computed_layers(graph, layers)
    if layers is None:
        named = {n: t for n, t in named.items() if t.shape[-1] > 1 and depends(ends, t)}
    rows = []
    for name in named:
        ablator = Ablator(
            graph, inputs, name, effect, how=how, labels=labels, seed=seed, batch_size=batch_size
        )
        rows.append({"layer": name, **_contribution(ablator, share, draws, seed, progress)})
    return pandas.DataFrame(rows)


def _contribution(
    ablator: Ablator, share: float, draws: int, seed: int, progress: bool | None
) -> dict[str, Any]:
    if len(ablator) < 4:
        raise InvalidInputError("Contributions need at least four samples: pass more.")
    units = ablator.channels
    part = min(max(1, round(share * units)), units)
    rng = np.random.default_rng([seed, units])
    masks = np.zeros((draws + 3, units), bool)
    for mask in masks[:draws]:
        mask[rng.choice(units, part, replace=False)] = True
    halves = np.arange(len(ablator)) % 2 == 0
    predicted = ablator.taylor(seed=seed).mean(axis=2)
    for mask, chosen in zip(masks[draws:], (~halves, halves)):
        mask[np.argsort(-predicted[:, chosen].mean(axis=1), kind="stable")[:part]] = True
    masks[-1] = True
    *drawn, first, second, whole = ablator.effects(masks, progress).mean(axis=2, dtype=np.float64)
    row: dict[str, Any] = {"units": units, "ablated": part}
    row |= interval(np.mean(drawn, axis=0)).row("random")
    row["draws_std"] = float(np.std(np.mean(drawn, axis=1), ddof=1)) if draws > 1 else float("nan")
    row |= interval(np.where(halves, first, second)).row("strongest")
    row |= interval(whole).row("whole")
    row["share_of_whole"] = row["random"] / row["whole"] if row["whole"] else float("nan")
    return row
