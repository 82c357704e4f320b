"""Two-dimensional views of latent codes: PCA, t-SNE and UMAP behind one call."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.checks import check_codes
from tfgenxai.latent.components import PrincipalComponents
from tfgenxai.latent.quality import Quality, quality
from tfgenxai.latent.tsne import STARTS, Engine, Start, choose_engine, embed

# Above this many code dimensions a PCA no longer forms the covariance matrix.
WIDEST_COVARIANCE = 1_000


@dataclass(frozen=True)
class Projection:
    """Codes seen in few dimensions.

    Attributes:
        values: (N, K) float32 coordinates, K = 2 unless asked otherwise.
        method: "pca", "tsne" or "umap".
        settings: The settings used, after any clipping to the number of codes.
        seconds: Wall-clock time of the projection.
        components: Variances and directions (PCA only).
    """

    values: np.ndarray
    method: str
    settings: dict[str, Any]
    seconds: float
    components: PrincipalComponents | None = None

    @property
    def title(self) -> str:
        """The method's name as it is written."""
        return PROJECTIONS[self.method].title

    def describe(self) -> str:
        """The method, its settings and, for a PCA, the eigenvalues, eigenvectors and a reading."""
        if self.components is not None:
            return f"{self.components.table()}\n{self.components.reading()}"
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return f"{self.title} of {len(self.values):,} codes in {self.seconds:.1f} s ({settings})."

    def quality(self, codes: np.ndarray, labels: np.ndarray | None = None) -> Quality:
        """How far this view can be believed; `codes` (N, D) are what was projected."""
        return quality(codes, self.values, labels)


class Projector(Protocol):
    """A projection method with its settings: call it with codes.

    Attributes:
        for_stability: Settings under which the seed has its say; see `stability`.
    """

    method: ClassVar[str]
    title: ClassVar[str]
    for_stability: ClassVar[dict[str, Any]]

    def __init__(self, *args: Any, **settings: Any) -> None: ...

    def __call__(self, codes: np.ndarray) -> Projection:
        """Project `codes` (N, D).

        Raises:
            InvalidInputError: NaN or infinite values, another rank, too few codes, or codes
                that are all the same.
        """


@dataclass(frozen=True)
class PCA:
    """Principal component analysis by scikit-learn; the same codes give the same signs.

    Up to 1,000 dimensions the covariance matrix is diagonalised exactly; wider codes use
    ARPACK, which needs only products with the codes.
    """

    n_components: int = 2
    method: ClassVar[str] = "pca"
    title: ClassVar[str] = "PCA"

    def __call__(self, codes: np.ndarray) -> Projection:
        from sklearn import decomposition

        codes = _check(codes, rows=2)
        largest = min(codes.shape)
        if not 1 <= self.n_components <= largest:
            raise InvalidInputError(
                f"{self.n_components} components were asked for; codes of shape "
                f"{codes.shape} have between 1 and {largest}."
            )
        started = time.perf_counter()
        fitted = decomposition.PCA(
            self.n_components, svd_solver=self._solver(codes), random_state=0
        ).fit(codes)
        vectors = fitted.components_
        peaks = np.abs(vectors).argmax(axis=1)
        vectors = vectors * np.sign(vectors[np.arange(len(vectors)), peaks])[:, None]
        components = PrincipalComponents(
            variance=fitted.explained_variance_,
            ratio=fitted.explained_variance_ratio_,
            vectors=vectors,
            mean=fitted.mean_,
            rows=len(codes),
        )
        values = components.transform(codes)
        return Projection(
            values, self.method, asdict(self), time.perf_counter() - started, components
        )

    def _solver(self, codes: np.ndarray) -> str:
        if codes.shape[1] <= WIDEST_COVARIANCE:
            return "covariance_eigh"
        return "arpack" if self.n_components < min(codes.shape) else "full"


@dataclass(frozen=True)
class TSNE:
    """t-SNE (van der Maaten and Hinton 2008): by openTSNE above 10,000 codes, else scikit-learn.

    A perplexity above a third of the codes is lowered, with a warning.

    Args:
        iterations: Of the optimisation, the first 250 with early exaggeration; scikit-learn
            makes 250 at least.
        start: From the first principal components, or "random": the seed then decides where the
            codes come to lie, and not only how ties are broken.
        engine: "sklearn" or "opentsne"; `Projection.settings` say which one "auto" took.
        seed: None lets openTSNE run on all cores and gives another picture every time.
    """

    n_components: int = 2
    perplexity: float = 30.0
    iterations: int = 1_000
    metric: str = "euclidean"
    start: Start = "pca"
    engine: Engine = "auto"
    seed: int | None = 0
    method: ClassVar[str] = "tsne"
    title: ClassVar[str] = "t-SNE"
    for_stability: ClassVar[dict[str, Any]] = {"start": "random"}

    def __call__(self, codes: np.ndarray) -> Projection:
        codes = _check(codes, rows=4)
        if self.start not in STARTS:
            raise UsageError(f"start= must be 'pca' or 'random', not {self.start!r}.")
        few = min(codes.shape) < self.n_components
        settings = asdict(self) | {
            "perplexity": _clip("perplexity", self.perplexity, (len(codes) - 1) / 3, len(codes)),
            "engine": choose_engine(self.engine, len(codes), self.n_components),
            "start": "random" if few else self.start,
        }
        started = time.perf_counter()
        values = embed(codes, **settings)
        return Projection(values, self.method, settings, time.perf_counter() - started)


@dataclass(frozen=True)
class UMAP:
    """UMAP by umap-learn (McInnes, Healy and Melville 2018).

    A seed makes it run on one core, which is what makes it repeatable; `seed=None` takes all
    cores and gives another picture every time. With more neighbours than codes, their number is
    lowered with a warning.
    """

    n_components: int = 2
    n_neighbors: int = 15
    min_dist: float = 0.1
    metric: str = "euclidean"
    seed: int | None = 0
    method: ClassVar[str] = "umap"
    title: ClassVar[str] = "UMAP"
    for_stability: ClassVar[dict[str, Any]] = {}

    def __call__(self, codes: np.ndarray) -> Projection:
        codes = _check(codes, rows=4)
        neighbors = int(_clip("n_neighbors", self.n_neighbors, len(codes) - 1, len(codes)))
        with warnings.catch_warnings():
            # It warns that a seed means one core, and that TensorFlow is of no use to it here.
            warnings.simplefilter("ignore")
            import umap

            started = time.perf_counter()
            values = umap.UMAP(
                n_components=self.n_components,
                n_neighbors=neighbors,
                min_dist=self.min_dist,
                metric=self.metric,
                # The spectral start needs more codes than the eigenvectors it looks for.
                init="spectral" if len(codes) > self.n_components + 2 else "random",
                random_state=self.seed,
                n_jobs=1 if self.seed is not None else -1,
            ).fit_transform(codes.astype(np.float32))
        settings = asdict(self) | {"n_neighbors": neighbors}
        return Projection(
            np.asarray(values, np.float32), self.method, settings, time.perf_counter() - started
        )


PROJECTIONS: dict[str, type[PCA] | type[TSNE] | type[UMAP]] = {
    kind.method: kind for kind in (PCA, TSNE, UMAP)
}


def _check(codes: np.ndarray, rows: int) -> np.ndarray:
    array = check_codes(codes, rows=rows)
    if (array == array[0]).all():
        raise InvalidInputError("All codes are the same; there is nothing to project.")
    return array


def _clip(name: str, wanted: float, largest: float, rows: int) -> float:
    if wanted <= largest:
        return wanted
    warnings.warn(
        f"{name} {wanted} is too large for {rows} codes; {largest:g} is used.", stacklevel=3
    )
    return largest
