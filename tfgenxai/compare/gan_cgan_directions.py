"""Whether directions keep the class, of a GAN and of a conditional GAN, at equal steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.compare.gan_cgan_equal import Equal, at_equal_distance
from tfgenxai.compare.gan_cgan_words import add_findings
from tfgenxai.latent.directions.directions import Directions
from tfgenxai.latent.directions.effects import Effects, effects
from tfgenxai.latent.directions.methods import find_directions
from tfgenxai.latent.directions.naming import name_directions
from tfgenxai.metrics.intervals import interval

if TYPE_CHECKING:
    from tfgenxai.compare.gan_cgan import GanCgan

FOLLOWED = 8
REACH, STEPS = 6.0, 7
#: Of an unmoved image at least this sure, one speaks of its class.
SURE = 0.9
_PICTURED, _CODES = 3, 2


@dataclass(frozen=True)
class Moved:
    """One way to find directions, followed in both models."""

    gan: Effects
    cgan: Effects
    equal: Equal | None


def add_directions(comparison: GanCgan) -> None:
    """Class changes along random, closed-form and learned directions of both models."""
    found = {method: _moved(comparison, each) for method, each in _directions(comparison).items()}
    rows = [_row(method, moved) for method, moved in found.items()]
    first = next(iter(found.values()))
    starts = [
        _start("GAN", first.gan),
        _start("CGAN", first.cgan, comparison.generators["CGAN"].labels(comparison.codes)),
    ]
    comparison.results["directions"] = {
        "reach": REACH,
        "codes": comparison.codes,
        "followed": FOLLOWED,
        "methods": rows,
        "start": starts,
    }
    comparison.section(
        "Do directions keep the class?",
        f"{comparison.codes} codes of each model are moved along directions of length 1 by up to "
        f"{REACH:g} either way, in {STEPS} steps; those of the CGAN keep their label. The class "
        "is what the classifier sees. It has changed for a code if it is another one anywhere "
        "along the way. Directions are drawn at random, or are the singular vectors of the first "
        "layer, the strongest first (SeFa, Shen and Zhou 2021), or were learned so that a network "
        "tells them apart (Voynov and Babenko 2020), where they ship with both models.",
    )
    _add_pictures(comparison, found)
    comparison.table(
        "class-changes",
        rows,
        "Shares of codes whose class changes, and the mean squared difference of the images at "
        "both ends from the unmoved ones. *At equal change*: the share of moved images with "
        "another class, both models weighted to the same image differences, for a model whose "
        "images move less keeps its class for that alone.",
        columns=["directions", *_SHOWN],
    )
    comparison.table(
        "start",
        starts,
        f"Before any code is moved. *Sure*: the classifier gives the class at least {SURE:g}. "
        f"*Changed if sure*: the share of these whose class changes, {rows[0]['directions']} "
        "directions. *As asked*: the class seen is the label.",
    )
    _add_curves(comparison, found)
    add_findings(comparison, rows, starts)


_SHOWN = (
    "GAN",
    "CGAN",
    "GAN difference",
    "CGAN difference",
    "GAN at equal change",
    "CGAN at equal change",
)


def _directions(comparison: GanCgan) -> dict[str, dict[str, Directions]]:
    """Method -> model -> at most `FOLLOWED` directions."""
    found: dict[str, dict[str, Directions]] = {
        method: {
            name: find_directions(generator, method, FOLLOWED, seed=comparison.seed).directions
            for name, generator in comparison.generators.items()
        }
        for method in comparison.methods
    }
    if all(file is not None and file.is_file() for file in comparison.files.values()):
        found["learned"] = {
            name: _some(Directions.load(file), comparison.seed)
            for name, file in comparison.files.items()
            if file is not None
        }
    return found


def _some(directions: Directions, seed: int) -> Directions:
    """`FOLLOWED` of them, drawn: learned ones have no order."""
    count = min(FOLLOWED, len(directions))
    chosen = np.sort(np.random.default_rng(seed).choice(len(directions), count, replace=False))
    names = tuple(directions.names[k] for k in chosen)
    return replace(directions, vectors=directions.vectors[chosen], names=names)


def _moved(comparison: GanCgan, directions: dict[str, Directions]) -> Moved:
    gan, cgan = (
        effects(
            comparison.generators[name],
            each,
            comparison.classify,
            count=comparison.codes,
            reach=REACH,
            steps=STEPS,
            seed=comparison.seed,
            progress=False,
        )
        for name, each in directions.items()
    )
    equal = at_equal_distance(_pairs(gan), _pairs(cgan), seed=comparison.seed)
    return Moved(gan, cgan, equal)


def _pairs(found: Effects) -> tuple[np.ndarray, np.ndarray]:
    """Image distances and class changes of all moved images of each code, (N, K (S - 1)) each."""
    apart, changed = (
        np.delete(values, STEPS // 2, axis=2).transpose(1, 0, 2)
        for values in (found.distances, found.changed())
    )
    return apart.reshape(len(apart), -1), changed.reshape(len(changed), -1)


def _row(method: str, moved: Moved) -> dict[str, Any]:
    row: dict[str, Any] = {"directions": method}
    for name, found in (("GAN", moved.gan), ("CGAN", moved.cgan)):
        row |= interval(found.class_changed().mean(axis=0)).row(name)
        row[f"{name} difference"] = float(found.distances[..., [0, -1]].mean())
    if moved.equal is not None:
        row |= moved.equal.first.row("GAN at equal change")
        row |= moved.equal.second.row("CGAN at equal change")
        row |= moved.equal.difference.row("difference")
    return row


def _start(name: str, found: Effects, asked: np.ndarray | None = None) -> dict[str, Any]:
    """How sure the classifier is of unmoved images, and what becomes of those it is sure of."""
    kept, classes = found.kept, found.classes
    assert kept is not None and classes is not None  # there was a classifier
    changed = found.class_changed().mean(axis=0)
    confidence = kept[0, :, STEPS // 2]
    groups = {"sure": confidence >= SURE}
    if asked is not None:
        groups["as asked"] = classes[0, :, STEPS // 2] == asked
    row: dict[str, Any] = {"model": name, "confidence": float(confidence.mean())}
    for group, members in groups.items():
        row |= interval(members).row(group)
        if members.any():
            row |= interval(changed[members]).row(f"changed if {group}")
    return row


def _add_pictures(comparison: GanCgan, found: dict[str, Moved]) -> None:
    """Images along some directions of the last kind, and what all of that kind change."""
    method, moved = next(reversed(found.items()))
    for name, each in (("GAN", moved.gan), ("CGAN", moved.cgan)):
        generator, table = comparison.generators[name], each.frame()
        codes = generator.codes(_CODES, np.random.default_rng(comparison.seed))
        called = [f"{k}: {word}" for k, word in enumerate(name_directions(each))]
        blocks = {
            called[k]: each.directions.images(
                generator, codes, k, each.sizes, generator.labels(_CODES)
            )
            for k in range(min(_PICTURED, len(called)))
        }
        comparison.figure(
            f"walks-{name.lower()}",
            plots.image_blocks(
                blocks,
                [f"{size:+g}" for size in each.sizes],
                notes=[f"class lost {100 * share:.0f} %" for share in table["class changed"]][
                    : len(blocks)
                ],
                title=f"{name}: directions, {method}",
            ),
            f"The {name}'s first two codes along directions ({method}), named by what they were "
            "measured to change.",
        )
        comparison.figure(
            f"effects-{name.lower()}",
            plots.effect_chart(table, called, title=f"{name}: what directions change ({method})"),
            "Mean rank correlation of each measure with the size of the step, and the share of "
            "codes whose class changes.",
        )
        comparison.table(
            f"effects-{name.lower()}",
            table.assign(name=called),
            f"What {method} directions of the {name} change; the file has slopes and intervals.",
            columns=["name", "image distance", "class changed", "class probability"],
        )


def _add_curves(comparison: GanCgan, found: dict[str, Moved]) -> None:
    """Class changes by the size of the step, and by the difference of the images."""
    sizes = np.linspace(-REACH, REACH, STEPS)[STEPS // 2 + 1 :]
    series = {
        f"{name}, {method}": _by_size(each)
        for method, moved in found.items()
        for name, each in (("GAN", moved.gan), ("CGAN", moved.cgan))
    }
    comparison.figure(
        "class-by-step",
        plots.curves(
            list(sizes),
            series,
            title="Moved images with another class",
            xlabel="size of the step, either way",
            ylabel="share of images",
        ),
        "At each size, both ways and all directions of a kind together; bands are 95 % intervals "
        "over codes.",
    )
    for method, moved in found.items():
        if moved.equal is not None and len(moved.equal.middles) > 1:
            comparison.figure(
                f"class-by-change-{method}",
                plots.curves(
                    list(moved.equal.middles),
                    {"GAN": moved.equal.first_curve, "CGAN": moved.equal.second_curve},
                    title=f"The same by how much the images changed: {method}",
                    xlabel="mean squared difference from the unmoved image",
                    ylabel="share of images",
                ),
                "Each point is a tenth of all moved images, at its median difference.",
            )


def _by_size(found: Effects) -> np.ndarray:
    """Share of directions and ways in which each code's image has another class, (N, S // 2)."""
    changed = found.changed().mean(axis=0)
    half = changed.shape[1] // 2
    return (changed[:, half + 1 :] + changed[:, :half][:, ::-1]) / 2
