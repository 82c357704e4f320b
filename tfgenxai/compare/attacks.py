"""Attacks against explanations: whether both point at the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.attacks_agreement import add_agreement
from tfgenxai.compare.attacks_material import ATTACKS, FEWER, METHODS, TRAINING, Material, gather
from tfgenxai.compare.attacks_restricted import add_restricted
from tfgenxai.compare.attacks_vae import add_vae
from tfgenxai.compare.attacks_words import INTRODUCTION, add_findings
from tfgenxai.compare.comparison import Comparison
from tfgenxai.data.progress import counter
from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.intervals import proportion
from tfgenxai.pictures import as_pixels
from tfgenxai.plots.attacks import difference_gain, differences

if TYPE_CHECKING:
    from tfgenxai.compare.subjects import Subjects

LEAST = 10
_SHOWN = 10


class Attacks(Comparison):
    """The comparison as it grows, with what its parts look at."""

    def __init__(self, subjects: Subjects, material: Material, seed: int) -> None:
        count = len(material.images)
        super().__init__(
            "Attacks and explanations",
            f"{subjects.classifier.path.name} and {subjects.vae.path.name}; {count:,} MNIST test "
            f"images ({subjects.data.source}), seed {seed}",
        )
        self.subjects, self.material, self.seed = subjects, material, seed
        self.results |= {
            "images": count,
            "source": subjects.data.source,
            "seed": seed,
            "fewer": {name: len(m) for name, m in material.maps.items() if len(m) < count},
        }


def compare_attacks(
    subjects: Subjects,
    *,
    size: int = 200,
    seed: int = 0,
    progress: bool = True,
    methods: Sequence[str] = METHODS,
) -> Attacks:
    """Attacks on the classifier and the VAE, held against explanations of both.

    Args:
        size: test images, at least 10; those that `FEWER` names explain fewer.
        seed: of the attacks, the methods and random orders.
        progress: show a bar on stderr.
        methods: attribution methods of the classifier.

    Raises:
        InvalidInputError: fewer than 10 images.
    """
    if min(size, len(subjects.data)) < LEAST:
        raise InvalidInputError(
            f"The comparison needs at least {LEAST} images; raise --size or change the data."
        )
    steps = (_add_attacks, add_agreement, add_restricted, add_vae)
    with counter("comparing", len(ATTACKS) + len(methods) + len(steps), progress) as done:
        material = gather(subjects, size=size, seed=seed, methods=methods, done=done)
        comparison = Attacks(subjects, material, seed)
        comparison.text(INTRODUCTION)
        for step in steps:
            step(comparison)
            done(1)
    add_findings(comparison)
    return comparison


def _add_attacks(comparison: Attacks) -> None:
    """How strong the attacks are, and what their images look like."""
    material = comparison.material
    comparison.section(
        "The attacks",
        "Each leads away from the class that the classifier sees. The universal perturbation was "
        f"learned from {min(TRAINING, len(material.images))} training images. "
        + "".join(f"{name} explains the first {n} images only. " for name, n in FEWER.items()),
    )
    rows = []
    for name, found in material.found.items():
        share = proportion(int(found.success.sum()), len(found))
        norms = {norm: float(np.median(each)) for norm, each in found.norms().items()}
        rows.append({"attack": name, "images": len(found), **share.row("success"), **norms})
    pictures = {"image": material.images, **_pictures(material)}
    comparison.figure(
        "attacked",
        plots.picture_table(
            np.stack([as_pixels(each[:_SHOWN]) for each in pictures.values()]), list(pictures)
        ),
        "Images, what each attack made of them, and below that what it added (red) and took away "
        "(blue), enlarged.",
    )
    comparison.results["attacks"] = rows
    comparison.table(
        "attacks",
        rows,
        "Share of the images whose class changes, with 95 % intervals; medians of the largest "
        "change of a pixel, of the length of the whole change, and of the pixels moved.",
    )


def _pictures(material: Material) -> dict[str, np.ndarray]:
    """Adversarial images and differences of each attack, by the name of their row."""
    rows = {}
    for name, found in material.found.items():
        gain = difference_gain(found.deltas)
        rows[name] = found.adversarial
        rows[f"{name}, added × {gain}"] = differences(found.deltas, gain)
    return rows
