"""Whether an attack that may change only the pixels that an explanation marks still works."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.attacks import FGSM, PGD, DeepFool
from tfgenxai.attacks.balls import inside
from tfgenxai.attacks.vae import others_of
from tfgenxai.compare.attacks_material import EPS, LENGTH, Material
from tfgenxai.metrics.agreement import top_places
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.attacks import Attacks

#: Numbers of pixels that may change, and the one that tables and sentences speak of.
COUNTS, MIDDLE = (50, 100, 200, 400), 200
OWN, OTHER, RANDOM = "own", "another digit's", "random"
_STEPS = 10
_DRAWS = 2
#: (masks (n, H, W), their images) -> whether the class seen changes, (n,).
Confined = Callable[[np.ndarray, slice], np.ndarray]


def add_restricted(comparison: Attacks) -> None:
    """Success of each attack on the first pixels of each map, of its own, and on random ones."""
    material = comparison.material
    rows: list[dict[str, Any]] = []
    curves: dict[str, dict[str, np.ndarray]] = {}
    for attack, (confined, counts) in attacks_on(material, comparison.seed).items():
        found = successes(material, attack, confined, counts, comparison.seed)
        rows += rows_of(attack, found, counts)
        curves[attack] = found
    comparison.results["restricted"] = rows
    comparison.section("Can an attack do with the pixels that an explanation marks?", _READING)
    comparison.table(
        "restricted",
        rows,
        "Share of the images whose class changes; gain: over random pixels, an image at "
        "a time; gain_other: over another digit's.",
        columns=("attack", "pixels", "order", "images", "success", "success_low", "success_high",
                 "gain", "gain_low", "gain_high", "gain_other", "gain_other_low",
                 "gain_other_high"),
    )  # fmt: skip
    frame = comparison.frames["restricted"]
    table = frame[frame.pixels == MIDDLE].pivot(index="attack", columns="order", values="success")
    table = table.loc[list(curves), [RANDOM, OTHER, *material.maps, OWN]]
    comparison.figure(
        "restricted",
        plots.matrix(
            table.to_numpy(),
            list(table.index),
            list(table.columns),
            title=f"Success on {MIDDLE} pixels",
            label="share of the images",
            limits=(0.0, 1.0),
        ),
        f"Attacks that may change {MIDDLE} of {material.images[0, ..., 0].size} pixels only: those "
        "that each explanation ranks first, those of the attack itself, those of the attack on "
        "another digit, or random ones.",
    )
    full = [name for name, each in curves.items() if each[OWN].shape[1] == len(COUNTS)]
    for name in full:
        comparison.figure(
            f"restricted-{name}",
            plots.curves(
                COUNTS,
                {order: np.asarray(each, float) for order, each in curves[name].items()},
                title=f"{name}: which pixels it needs",
                xlabel="pixels that may change",
                ylabel="share of images whose class changes",
                control=RANDOM,
            ),
            f"{name} at equal eps; bands are 95 % intervals of the mean over images.",
        )


def attacks_on(material: Material, seed: int) -> dict[str, tuple[Confined, tuple[int, ...]]]:
    """The attacks, each confined to masks, and the numbers of pixels that it is tried with.

    DeepFool, which looks for the nearest class and knows no eps, succeeds if what it finds is no
    longer than `LENGTH`.
    """
    graph = material.victim.graph
    made = {
        "fgsm": (FGSM(graph, eps=EPS), COUNTS),
        "pgd": (PGD(graph, eps=EPS, steps=_STEPS, seed=seed), COUNTS),
        "deepfool": (DeepFool(graph, eps=LENGTH, steps=_STEPS), (MIDDLE,)),
    }

    def by(attack: Any) -> Confined:
        return lambda masks, rows: attack(
            material.images[rows], mask=masks, progress=False
        ).success  # fmt: skip

    def universal(masks: np.ndarray, rows: slice) -> np.ndarray:
        images = material.images[rows]
        added = inside(images, np.where(masks[..., None], material.universal, 0.0))
        return material.victim.votes(images + added) != material.seen[rows]

    found = {name: (by(attack), counts) for name, (attack, counts) in made.items()}
    return {**found, "universal": (universal, COUNTS)}


def successes(
    material: Material, attack: str, confined: Confined, counts: tuple[int, ...], seed: int
) -> dict[str, np.ndarray]:
    """Order of pixels -> success (n, counts), in [0, 1]; of random pixels the mean of draws."""
    shape = material.images.shape[:3]
    rng = np.random.default_rng(seed)
    own = material.sizes[attack]
    other = others_of(material.labels, len(own))
    orders = {**material.maps, OWN: own, OTHER: own[other]}

    def along(maps: np.ndarray) -> np.ndarray:
        columns = []
        for count in counts:
            masks = top_places(maps.reshape(len(maps), -1), count, (seed, count))
            columns.append(confined(masks.reshape(maps.shape), slice(len(maps))))
        return np.stack(columns, axis=1).astype(float)

    draws = [along(rng.random(shape)) for _ in range(_DRAWS)]
    return {RANDOM: np.mean(draws, axis=0), **{name: along(maps) for name, maps in orders.items()}}


def rows_of(
    attack: str, found: dict[str, np.ndarray], counts: tuple[int, ...]
) -> list[dict[str, Any]]:
    """A row for each order and number of pixels, with 95 % intervals over images."""
    rows = []
    for order, values in found.items():
        for place, pixels in enumerate(counts):
            own = values[:, place]
            gains = {
                end: own - found[control][: len(own), place]
                for end, control in (("", RANDOM), ("_other", OTHER))
            }
            rows.append(
                {
                    "attack": attack,
                    "pixels": pixels,
                    "order": order,
                    "images": len(own),
                    **interval(own).row("success"),
                    **interval(gains[""]).row("gain"),
                    **interval(gains["_other"]).row("gain_other"),
                }
            )
    return rows


_READING = f"""\
If the pixels that an explanation marks are those that the verdict hangs on, an attack should do \
well with them alone. Each attack may change only the first pixels of a map, by at most {EPS} \
each; the universal perturbation is added there only, and DeepFool may not go further than \
{LENGTH:g} in all. **Random** pixels ({_DRAWS} draws) are what it gets without any explanation, \
its **own** first pixels (those that it changes most when it may change all) what it would take. \
Digits lie in the middle, and so do the pixels that matter: **another digit's** are the own first \
pixels of the attack on an image of another class."""
