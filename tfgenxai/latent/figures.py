"""The figures of `tfgenxai latents`: views of the codes, and walks through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai import plots
from tfgenxai.errors import TfgenxaiError
from tfgenxai.latent.decoding import decoded, prior_codes
from tfgenxai.latent.tweaks import most_active, tweak
from tfgenxai.latent.walks import linear, manifold, slerp, strongest, traversal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfgenxai.graph import Graph
    from tfgenxai.latent.generator import Generator
    from tfgenxai.latent.measures import Measured

_MOVED = 6  # dimensions in a traversal
_PRINTED = 12  # dimensions in a table of effects
_PUSHED = 4  # codes that tell which dimensions change images most


@dataclass(frozen=True)
class Walkable:
    """What walks need: a generator, and codes that it draws well.

    Attributes:
        measured: The space of the codes.
        generator: The decoder or generator.
        encode: The encoder, for heatmaps; None for a generator alone.
        images: (N, H, W, C) the encoded images, as the encoder was trained on them, or None.
        follows: Whether codes are meant to follow N(0, 1), or are made of such draws; those of a
            plain autoencoder do not.
    """

    measured: Measured
    generator: Generator
    encode: Graph | None = None
    images: np.ndarray | None = None
    follows: bool = True

    @property
    def draw(self) -> Graph:
        """The graph of the decoder or generator."""
        return self.generator.graph

    @property
    def prior(self) -> Graph | None:
        """What makes codes of `starts`; None where they are codes."""
        return None if self.measured.space.eps is None else self.generator.prior

    @property
    def starts(self) -> np.ndarray:
        """(N, d) where walks start: codes, or the draws that the prior makes codes of."""
        space = self.measured.space
        return space.codes if space.eps is None else space.eps

    def extra_of(self, index: int) -> dict[str, Any] | None:
        """What a conditional generator takes beside one code, its label."""
        labels = self.measured.space.labels
        return self.generator.extra(None if labels is None else labels[index])


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
    codes = walkable.starts
    dimensions = _moved(walkable)
    start, end = _two(codes, walkable.measured.space.labels, seed)
    plane = tuple(sorted(dimensions[:2]))
    figures = {"traversal": _traversal(walkable, start, dimensions)}
    figures["interpolation"] = _interpolation(walkable, start, end)
    if len(plane) == 2 and walkable.follows:
        sheet = manifold(
            walkable.draw,
            (plane[0], plane[1]),
            # At 0 a decoder draws the average image; a generator has never been there.
            code=None if walkable.encode is not None else codes[start],
            extra=walkable.extra_of(start),
            prior=walkable.prior,
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


def _moved(walkable: Walkable) -> tuple[int, ...]:
    """The dimensions of a traversal: those that tell most of the classes that a code has.

    A label that is asked for says nothing of the code: dimensions that change images most are moved
    instead.
    """
    generator, space = walkable.generator, walkable.measured.space
    if space.eps is None or not generator.conditional:
        return told(walkable.measured, _MOVED)
    assert space.labels is not None  # a conditional generator's codes have some
    return tuple(strongest(generator, space.eps[:_PUSHED], space.labels[:_PUSHED])[:_MOVED])


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
    codes, extra = walkable.starts, walkable.extra_of(start)
    within = None if walkable.follows else codes
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
    walked = traversal(
        walkable.draw, codes[start], dimensions, within=within, extra=extra, prior=walkable.prior
    )
    what = "the latent space" if walkable.prior is None else "the normal draws behind a code"
    return plots.latent_traversal(
        walked.images, walked.values, dimensions, title=f"Tweaking {what}"
    )


def _interpolation(walkable: Walkable, start: int, end: int) -> Figure:
    codes, extra = walkable.starts, walkable.extra_of(start)
    ways = {"linear": linear(codes[start], codes[end])}
    if codes.shape[1] > 1:
        ways["spherical"] = slerp(codes[start], codes[end])
    of = "|z|" if walkable.prior is None else "|eps|"
    return plots.interpolation(
        {
            name: decoded(walkable.draw, prior_codes(walkable.prior, way), extra=extra)
            for name, way in ways.items()
        },
        {name: [f"{of} {np.linalg.norm(code):.1f}" for code in way] for name, way in ways.items()},
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
