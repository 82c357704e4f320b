"""A code space measured: principal components, projections with their quality, effect sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tfgenxai.errors import UsageError
from tfgenxai.latent.components import PrincipalComponents
from tfgenxai.latent.effects import carriers, effect_sizes
from tfgenxai.latent.projections import PCA, PROJECTIONS, Projection, Projector
from tfgenxai.latent.quality import Quality, Stability, stability

if TYPE_CHECKING:
    import pandas

    from tfgenxai.latent.spaces import Space


@dataclass(frozen=True)
class Measured:
    """What is known about one space.

    Attributes:
        space: The codes and labels.
        components: All principal components.
        projections, qualities: By method.
        stabilities: By method, where seeds were compared.
        effects: One row a dimension, see `effect_sizes`; None without classes.
        carriers: One row a class, see `carriers`; None without classes.
    """

    space: Space
    components: PrincipalComponents
    projections: dict[str, Projection]
    qualities: dict[str, Quality]
    stabilities: dict[str, Stability]
    effects: pandas.DataFrame | None
    carriers: pandas.DataFrame | None

    def rows(self) -> list[dict[str, Any]]:
        """One row a projection: its quality, seconds and, for compared seeds, their overlap."""
        return [self._row(method) for method in self.projections]

    def reading(self) -> str:
        """The first two principal components in words; of reduced codes, their ratio alone."""
        whole = self.components
        first = PrincipalComponents(
            whole.variance[:2], whole.ratio[:2], whole.vectors[:2], whole.mean, whole.rows
        )
        return first.reading().partition("\n")[0] if self.space.reduced else first.reading()

    def json(self) -> dict[str, Any]:
        """Everything but the coordinates, in JSON's types."""
        whole = self.components
        found: dict[str, Any] = {
            "about": self.space.about,
            "labels": self.space.label_source,
            "codes": list(self.space.codes.shape),
            "eigenvalues": whole.variance.tolist(),
            "reading": self.reading(),
            "projections": {
                method: shown.settings
                | {"seconds": shown.seconds}
                | self.qualities[method].row()
                | self._stability(method)
                for method, shown in self.projections.items()
            },
        }
        if not self.space.reduced:
            found["eigenvectors"] = whole.vectors[:2].tolist()
            found["dominant"] = [whole.dominant(k) for k in range(len(whole.variance[:2]))]
            found["noise_edge"] = whole.noise_edge()
        if self.effects is not None and self.carriers is not None:
            found["effects"] = self.effects.to_dict("records")
            found["carriers"] = self.carriers.to_dict("records")
        return found

    def _stability(self, method: str) -> dict[str, Any]:
        known = self.stabilities.get(method)
        return {} if known is None else {"seeds": list(known.seeds), "stability": known.row()}

    def _row(self, method: str) -> dict[str, Any]:
        quality, known = self.qualities[method], self.stabilities.get(method)
        return {
            "codes": self.space.name,
            "view": self.projections[method].title,
            "trustworthiness": quality.trustworthiness,
            "kNN accuracy": quality.knn_accuracy,
            "of the codes": quality.codes_knn_accuracy,
            "silhouette": quality.silhouette,
            "overlap of seeds": None if known is None else known.neighbor_overlap,
            "seconds": self.projections[method].seconds,
        }


def measure(
    space: Space,
    methods: Sequence[str] = tuple(PROJECTIONS),
    *,
    seeds: int = 1,
    seed: int = 0,
    done: Callable[[int], object] = lambda count: None,
) -> Measured:
    """Projects and measures one space.

    Args:
        methods: Names in `PROJECTIONS`.
        seeds: Above 1, t-SNE and UMAP are made with so many seeds and compared.
        done: Called with 1 after each method.

    Raises:
        UsageError: An unknown method.
        InvalidInputError: As the projections raise it.
    """
    for method in methods:
        if method not in PROJECTIONS:
            raise UsageError(f"Unknown view {method!r}; there are {', '.join(PROJECTIONS)}.")
    codes, labels = space.codes, _told_apart(space.labels)
    projections, qualities, stabilities = {}, {}, {}
    for method in methods:
        if method == PCA.method:
            projections[method] = PCA(min(2, codes.shape[1]))(codes)
        else:
            seeded = cast("type[Projector]", PROJECTIONS[method])
            projections[method] = seeded(seed=seed)(codes)
            if seeds > 1:
                drawn = range(seed, seed + seeds)
                stabilities[method] = stability(seeded, codes, labels, seeds=drawn)
        qualities[method] = projections[method].quality(codes, labels)
        done(1)
    components = PCA(min(codes.shape[1], len(codes) - 1))(codes).components
    assert components is not None  # a PCA has them
    names = space.class_names
    return Measured(
        space,
        components,
        projections,
        qualities,
        stabilities,
        None if labels is None else effect_sizes(codes, labels, names),
        None if labels is None else carriers(codes, labels, names),
    )


def _told_apart(labels: np.ndarray | None) -> np.ndarray | None:
    """The labels, unless all are the same, as of a collapsed generator."""
    return labels if labels is not None and len(np.unique(labels)) > 1 else None
