"""Directions put into words, by what they were measured to do and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tfgenxai.latent.directions.effects import Effects

#: Less image distance at both ends than this share of that between two draws is not seen.
VISIBLE = 0.05
#: A measure follows a direction whose rank correlation with epsilon is at least this on average.
FOLLOWS = 0.5
#: From one end to the other it then changes by at least so many standard deviations of draws.
MATTERS = 0.5
#: A share of codes from which on one speaks of most.
MOST = 0.5

NOTHING, MIXED, ANY = "nothing visible", "mixed", "any"


def name_directions(effects: Effects) -> tuple[str, ...]:
    """A name for each of K directions; the same name may be given more than once.

    The first rule that holds gives it:

    1. The images at both ends differ from the unmoved ones by less than `VISIBLE` of what two
       draws differ by: "nothing visible".
    2. The class changes on the way for `MOST` of the codes. If one class holds `MOST` of the
       images at an end, and another one or none does at the other end: "class a -> b", from
       -reach to reach, with "any" for none.
    3. Of the measures with a mean rank correlation of at least `FOLLOWS` in size, and a change of
       at least `MATTERS` standard deviations from end to end, the one that changes most: its
       name, with "class too" where the class changes for `MOST` of the codes, and "text lost"
       where `MOST` of the words that are read rightly at first are not so all the way.
    4. "mixed".

    Without a classifier rule 2 is left out.
    """
    frame = effects.frame()
    return tuple(_name(effects, k, row) for k, (_, row) in enumerate(frame.iterrows()))


def _name(effects: Effects, k: int, row: dict[str, float]) -> str:
    if row["image distance"] < VISIBLE:
        return NOTHING
    also = ""
    if effects.classes is not None and row["class changed"] >= MOST:
        first, last = (_dominant(effects.classes[k, :, end]) for end in (0, -1))
        if first != last:
            return f"class {first} -> {last}"
        also = ", class too"
    if effects.errors is not None and row["text lost"] >= MOST:
        also += ", text lost"
    moved = {
        name: abs(row[f"{name} effect"])
        for name in effects.measures
        if abs(row[f"{name} rank"]) >= FOLLOWS and abs(row[f"{name} effect"]) >= MATTERS
    }
    return max(moved, key=lambda name: moved[name]) + also if moved else MIXED


def _dominant(classes: np.ndarray) -> str:
    """The class that holds `MOST` of them (N,), or `ANY`."""
    values, counts = np.unique(classes, return_counts=True)
    return str(values[counts.argmax()]) if counts.max() >= MOST * len(classes) else ANY
