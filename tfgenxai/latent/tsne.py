"""The two programs that compute t-SNE, one for some thousand codes and one for many."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from tfgenxai.errors import UsageError

Engine = Literal["auto", "sklearn", "opentsne"]
Start = Literal["pca", "random"]
ENGINES, STARTS = ("auto", "sklearn", "opentsne"), ("pca", "random")
# The work of scikit-learn's program grows with N log N, that of openTSNE's with N.
MOST_CODES_FOR_SKLEARN = 10_000
EXAGGERATED = 250  # iterations, in both programs


def choose_engine(engine: Engine, rows: int, n_components: int) -> Engine:
    """The program that `engine` stands for, given so many codes.

    Raises:
        UsageError: An unknown name, or openTSNE for more than two components.
    """
    if engine not in ENGINES:
        raise UsageError(f"engine= must be one of {', '.join(ENGINES)}, not {engine!r}.")
    if engine == "auto":
        flat = n_components <= 2
        return "opentsne" if flat and rows > MOST_CODES_FOR_SKLEARN else "sklearn"
    if engine == "opentsne" and n_components > 2:
        raise UsageError(
            f"openTSNE draws one or two components, not {n_components}; use engine='sklearn'."
        )
    return engine


def embed(
    codes: np.ndarray,
    *,
    engine: Engine,
    n_components: int,
    perplexity: float,
    iterations: int,
    metric: str,
    start: Start,
    seed: int | None,
) -> np.ndarray:
    """Coordinates (N, n_components) float32 of `codes` (N, D), by `engine`: sklearn or opentsne.

    scikit-learn computes Barnes-Hut t-SNE (van der Maaten 2014), openTSNE interpolates the
    repulsion on a grid (Linderman et al. 2019, FIt-SNE; Poličar et al. 2024).
    """
    codes = codes.astype(np.float32)
    if engine == "sklearn":
        from sklearn import manifold

        values = manifold.TSNE(
            n_components,
            perplexity=perplexity,
            max_iter=iterations,
            metric=metric,
            init=start,
            learning_rate="auto",
            random_state=seed,
        ).fit_transform(codes)
        return np.asarray(values, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that it would like to be newer or older
        import openTSNE

        exaggerated = min(EXAGGERATED, iterations)
        values = openTSNE.TSNE(
            n_components,
            perplexity=perplexity,
            early_exaggeration_iter=exaggerated,
            n_iter=iterations - exaggerated,
            metric=metric,
            initialization=start,
            random_state=seed,
            # More threads round sums in another order, and t-SNE makes much of that.
            n_jobs=1 if seed is not None else -1,
        ).fit(codes)
    return np.asarray(values, np.float32)
