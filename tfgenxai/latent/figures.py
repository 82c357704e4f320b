"""The figures of `tfgenxai latents`: views of the codes, and walks through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.errors import TfgenxaiError
from tfgenxai.latent.decoding import decoded
from tfgenxai.latent.tweaks import most_active, tweak
from tfgenxai.latent.walks import linear, manifold, slerp, traversal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfgenxai.graph import Graph
    from tfgenxai.latent.measures import Measured

_MOVED = 6  # dimensions in a traversal
_PRINTED = 12  # dimensions in a table of effects


@dataclass(frozen=True)
class Walkable:
    """What walks need: a graph that draws, and codes that it draws well.

    Attributes:
        measured: The space of the codes.
        draw: The decoder or generator.
        encode: The encoder, for heatmaps; None for a generator alone.
        images: (N, H, W, C) the encoded images, as the encoder was trained on them, or None.
        extra: For each code (N,), the other inputs of a conditional model.
        prior: Whether codes are meant to follow N(0, 1), as those of a plain autoencoder are not.
    """

    measured: Measured
    draw: Graph
    encode: Graph | None = None
    images: np.ndarray | None = None
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    prior: bool = True

    def extra_of(self, index: int) -> dict[str, Any]:
        """The other inputs of one code."""
        return {name: values[index] for name, values in self.extra.items()}


def views(found: Sequence[Measured]) -> dict[str, Figure]:
    """Every method's views of all spaces, and each space's principal components and effects."""
    figures: dict[str, Figure] = {}
    for method in found[0].projections:
        panels = [(m.space.name, m.projections[method], m.space.labels) for m in found]
        flat = [p for p in panels if p[1].values.shape[1] > 1]
        if flat:
            title = f"{flat[0][1].title} of the codes"
            figures[method] = plots.scatters(flat, found[0].space.class_names, title=title)
    for measured in found:
        slug = _slug(measured.space.name)
        title = f"Principal components: {measured.space.name}"
        figures[f"eigenvalues-{slug}"] = plots.eigenvalues(measured.components, title=title)
        if not measured.space.reduced:
            figures[f"loadings-{slug}"] = plots.loadings(measured.components)
        if measured.effects is not None:
            figures[f"effects-{slug}"] = _effects(measured)
    return figures


def walks(walkable: Walkable, seed: int) -> dict[str, Figure]:
    """The traversal (with heatmaps where there is an encoder), an interpolation and a plane.

    Codes without a prior have no quantiles, and so no plane; nodes go through their own range.
    """
    codes = walkable.measured.space.codes
    dimensions = told(walkable.measured, _MOVED)
    start, end = _two(codes, walkable.measured.space.labels, seed)
    plane = tuple(sorted(dimensions[:2]))
    figures = {"traversal": _traversal(walkable, start, dimensions)}
    figures["interpolation"] = _interpolation(walkable, start, end)
    if len(plane) == 2 and walkable.prior:
        sheet = manifold(
            walkable.draw,
            (plane[0], plane[1]),
            # At 0 a decoder draws the average image; a generator has never been there.
            code=None if walkable.encode is not None else codes[start],
            extra=walkable.extra_of(start) or None,
        )
        names = (f"z{plane[0]}", f"z{plane[1]}")
        figures["manifold"] = plots.manifold_2d(
            sheet.images, sheet.x.tolist(), sheet.y.tolist(), names=names
        )
    return figures


def told(measured: Measured, count: int) -> tuple[int, ...]:
    """The dimensions that tell most of the classes; without classes, those that vary most."""
    if measured.effects is None:
        return most_active(measured.space.codes, count)
    return tuple(int(d) for d in measured.effects["dimension"][:count])


def _effects(measured: Measured) -> Figure:
    assert measured.effects is not None
    top = measured.effects.head(_PRINTED)
    classes = [name for name in top.columns if name.startswith("d_")]
    return plots.matrix(
        top[classes].to_numpy(),
        [f"z{d} (eta² {eta:.2f})" for d, eta in zip(top["dimension"], top["eta_squared"])],
        [name.removeprefix("d_") for name in classes],
        title=f"Which dimension tells which class: {measured.space.name}",
        label="Cohen's d",
    )


def _traversal(walkable: Walkable, start: int, dimensions: Sequence[int]) -> Figure:
    codes, extra = walkable.measured.space.codes, walkable.extra_of(start) or None
    within = None if walkable.prior else codes
    if walkable.encode is not None and walkable.images is not None:
        image = walkable.images[start]
        try:
            found = tweak(
                walkable.encode, walkable.draw, image, dimensions, within=within, extra=extra
            )
        except TfgenxaiError:
            pass  # an encoder without feature maps has no heatmaps
        else:
            walked = found.traversal
            return plots.latent_traversal(
                walked.images, walked.values, dimensions, heatmaps=found.heatmaps, image=image
            )
    walked = traversal(walkable.draw, codes[start], dimensions, within=within, extra=extra)
    return plots.latent_traversal(walked.images, walked.values, dimensions)


def _interpolation(walkable: Walkable, start: int, end: int) -> Figure:
    codes, extra = walkable.measured.space.codes, walkable.extra_of(start) or None
    ways = {"linear": linear(codes[start], codes[end])}
    if codes.shape[1] > 1:
        ways["spherical"] = slerp(codes[start], codes[end])
    return plots.interpolation(
        {name: decoded(walkable.draw, way, extra=extra) for name, way in ways.items()},
        {name: [f"|z| {np.linalg.norm(code):.1f}" for code in way] for name, way in ways.items()},
        title="From one code to another",
    )


def _two(codes: np.ndarray, labels: np.ndarray | None, seed: int) -> tuple[int, int]:
    """Two codes, of different classes where there are some."""
    first = int(np.random.default_rng(seed).integers(len(codes)))
    others = np.arange(len(codes)) != first
    if labels is not None and len(np.unique(labels)) > 1:
        others = labels != labels[first]
    second = np.random.default_rng([seed, 1]).choice(np.flatnonzero(others))
    return first, int(second)


def _slug(name: str) -> str:
    return name.replace(" ", "-")
