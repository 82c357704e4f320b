"""Agreement: how alike the maps of different methods are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.metrics.intervals import interval
from tfgenxai.metrics.randomisation import rank_correlation
from tfgenxai.metrics.relevance import relevance_maps

if TYPE_CHECKING:
    import pandas

#: What `similarities` measures.
MEASURES = ("spearman", "ssim", "iou")
_WINDOW = 7


def agreement(
    attributions: Mapping[str, Any], *, top: float = 0.1, absolute: bool = False, seed: int = 0
) -> pandas.DataFrame:
    """One row for each pair of methods: means over samples with 95 % intervals.

    Args:
        attributions: name -> relevance of the same samples and target; see `relevance_maps`.
        top, absolute, seed: see `similarities`.

    Returns:
        Columns `first`, `second`, `samples`, each of `MEASURES` with its `_low` and `_high`, NaN
        where it is not defined, and `iou_chance`, the mean `iou` of random maps.

    Raises:
        UsageError: fewer than two methods, or `top` out of range.
        InvalidInputError: maps of different samples or sizes.
    """
    import pandas

    if len(attributions) < 2:
        raise UsageError("Agreement is between methods: give two or more.")
    maps = {name: relevance_maps(each) for name, each in attributions.items()}
    rows = []
    for first, second in combinations(maps, 2):
        found = similarities(maps[first], maps[second], top=top, absolute=absolute, seed=seed)
        row: dict[str, Any] = {"first": first, "second": second, "samples": len(maps[first])}
        for measure in MEASURES:
            row |= _cells(measure, found[measure])
        places = int(np.prod(maps[first].shape[1:]))
        rows.append(row | {"iou_chance": iou_chance(_size(top, places), places)})
    return pandas.DataFrame(rows)


def similarities(
    first: Any, second: Any, *, top: float = 0.1, absolute: bool = False, seed: int = 0
) -> dict[str, np.ndarray]:
    """How alike two explanations of each sample are: measure -> (N,).

    `spearman`, in [-1, 1]: rank correlation over the places that either map gives a value (see
    `rank_correlation`). `ssim`, in [-1, 1]: structural similarity (Wang et al. 2004) of the maps
    as grey images, 0 being mid-grey (black with `absolute`) and a map's largest absolute value
    white or black; NaN for vectors and maps of zeros. `iou`, in
    [0, 1]: the most relevant places that both maps have, as a share of those that either has.

    Args:
        first, second: relevance of the same samples; see `relevance_maps`.
        top: share of the places that count as a map's most relevant.
        absolute: compare sizes; by default signs count.
        seed: of the order of places that are equally relevant, which chance decides.

    Raises:
        UsageError: `top` is out of range.
        InvalidInputError: maps of different samples or sizes.
    """
    if not 0.0 < top < 1.0:
        raise UsageError(f"top= is a share of the places, between 0 and 1, not {top}.")
    a, b = (relevance_maps(each) for each in (first, second))
    if a.shape != b.shape:
        raise InvalidInputError(f"Maps of {a.shape} and of {b.shape} cannot be compared.")
    if absolute:
        a, b = np.abs(a), np.abs(b)
    size = _size(top, int(np.prod(a.shape[1:])))
    tops = [top_places(each.reshape(len(a), -1), size, (seed, i)) for i, each in enumerate((a, b))]
    pairs = [*zip(a, b, strict=True)]
    return {
        "spearman": np.array([rank_correlation(p.ravel(), q.ravel()) for p, q in pairs]),
        "ssim": np.array([_ssim(p, q, signed=not absolute) for p, q in pairs]),
        "iou": np.sum(tops[0] & tops[1], axis=1) / np.sum(tops[0] | tops[1], axis=1),
    }


def agreement_matrix(frame: pandas.DataFrame, measure: str = "spearman") -> pandas.DataFrame:
    """The table of `agreement` as a symmetric matrix, methods by methods, with ones between.

    Raises:
        UsageError: no such measure.
    """
    import pandas

    if measure not in MEASURES:
        raise UsageError(f"A measure of agreement is {', '.join(MEASURES)}; not {measure!r}.")
    names = list(dict.fromkeys([*frame["first"], *frame["second"]]))
    matrix = pandas.DataFrame(np.eye(len(names)), names, names)
    for first, second, value in zip(frame["first"], frame["second"], frame[measure]):
        matrix.loc[first, second] = matrix.loc[second, first] = value
    return matrix


def _cells(measure: str, values: np.ndarray) -> dict[str, float]:
    if not np.isfinite(values).any():
        return dict.fromkeys((measure, f"{measure}_low", f"{measure}_high"), np.nan)
    return interval(values).row(measure)


def _ssim(first: np.ndarray, second: np.ndarray, *, signed: bool) -> float:
    """SSIM of two maps as images in [0, 1]; NaN for maps of zeros, and vectors.

    Signed maps are moved into [0, 1], for SSIM is a product of a term of means and one of
    covariances: of a map and its opposite both are negative, and the product would be near 1.
    """
    from skimage.metrics import structural_similarity

    largest = [np.abs(each).max() for each in (first, second)]
    side = min(first.shape)
    if first.ndim != 2 or side < 3 or 0.0 in largest:
        return np.nan
    images = [each / size for each, size in zip((first, second), largest, strict=True)]
    if signed:
        images = [(1.0 + each) / 2.0 for each in images]
    window = min(_WINDOW, side - (side + 1) % 2)
    return float(structural_similarity(*images, win_size=window, data_range=1.0))


def _size(top: float, places: int) -> int:
    """How many places are the most relevant."""
    return max(1, round(top * places))


def top_places(rows: np.ndarray, size: int, seed: tuple[int, int]) -> np.ndarray:
    """The `size` most relevant places of rows (N, P), as booleans; equal ones at random."""
    found = np.zeros(rows.shape, bool)
    for n, row in enumerate(rows):
        keys = np.random.default_rng([*seed, n]).random(len(row))
        found[n, np.lexsort((keys, -row))[:size]] = True
    return found


def iou_chance(size: int, places: int) -> float:
    """The mean IoU of random sets of places: how many they share is hypergeometric."""
    from scipy.stats import hypergeom

    shared = np.arange(size + 1)
    return float(hypergeom.pmf(shared, places, size, size) @ (shared / (2 * size - shared)))
