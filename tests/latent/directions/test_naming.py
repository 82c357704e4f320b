"""Names of effects that were made up for each rule, and of bars that lean."""

from __future__ import annotations

import numpy as np
import pytest

from tests.latent.directions.bars import WIDTH, bars, mark_reader
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.directions.naming import name_directions

SIZES = np.linspace(-6, 6, 5)
CODES = 10


def made(*, slant=0.0, height=0.0, ends=(0, 0), distance=1.0, noise=0.0) -> Effects:
    """One direction that changes slant and height by so many deviations; classes start at 0..9."""
    start = np.random.default_rng(0).normal(0, noise, (1, CODES, len(SIZES)))
    classes = np.tile(np.arange(CODES)[:, None], (1, 1, len(SIZES)))
    for end, size in zip(ends, (0, -1)):
        if isinstance(end, list):
            classes[0, :, size] = end
    distances = np.full((1, CODES, len(SIZES)), distance)
    distances[..., len(SIZES) // 2] = 0
    measures = {"slant": start + slant * SIZES / 12, "height": start + height * SIZES / 12}
    return Effects(
        Directions(np.eye(1), "made"),
        SIZES,
        measures,
        dict.fromkeys(measures, 1.0),
        distances,
        2.0,
        classes,
        np.ones_like(distances),
        distances,
    )


OTHER = [5, 0, 1, 2, 3, 4, 7, 8, 9, 6]


@pytest.mark.parametrize(
    "name,settings",
    [
        ("slant", {"slant": 2.0}),
        ("slant", {"slant": -2.0, "height": 1.0}),
        ("height", {"slant": 0.6, "height": -0.8}),
        ("mixed", {"slant": 0.4}),  # follows, but by less than half a deviation
        ("mixed", {"slant": 1.0, "noise": 5.0}),  # changes, but does not follow
        ("nothing visible", {"slant": 2.0, "distance": 0.09}),
        ("class any -> 7", {"slant": 2.0, "ends": (0, [7] * CODES)}),
        ("class 1 -> any", {"slant": 2.0, "ends": ([1] * CODES, 0)}),
        ("class 1 -> 7", {"ends": ([1] * CODES, [7] * CODES)}),
        ("slant, class too", {"slant": 2.0, "ends": ([7] * CODES, [7] * CODES)}),
        ("slant, class too", {"slant": 2.0, "ends": (OTHER, OTHER)}),
        ("mixed", {"slant": 0.4, "ends": (OTHER, OTHER)}),
        ("slant", {"slant": 2.0, "ends": (0, [1, 0, *range(2, CODES)])}),  # few change
    ],
)
def test_every_rule(name, settings):
    assert name_directions(made(**settings)) == (name,)


def test_bars_are_named_by_what_their_coordinates_do():
    axes = Directions(np.eye(WIDTH), "coordinates")
    found = effects(bars(), axes, mark_reader(), count=12, reach=4, steps=5, progress=False)
    names = name_directions(found)
    assert names[0] == "slant" and names[1] in ("stroke width", "width", "area")
    assert names[2] == names[3] == "nothing visible"  # the mark is too faint to be seen
    assert name_directions(effects(bars(), axes, count=12, progress=False))[0] == "slant"
