"""Kernel distance: as the Fréchet distance, but unbiased however few the images are."""

from __future__ import annotations

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import check_rows
from tfgenxai.metrics.intervals import Interval, interval

BLOCK = 200


def kernel_distance(
    generated: np.ndarray, reference: np.ndarray, *, block: int = BLOCK
) -> Interval:
    """Squared maximum mean discrepancy of features (N, D) and (M, D), with its interval.

    Binkowski et al. 2018, "Demystifying MMD GANs": the unbiased estimate with the kernel
    (x'y/D + 1)^3. It is the mean over disjoint blocks of `block` images of either set, each an
    independent unbiased estimate, which is what the interval is taken over. Its expectation is 0
    for equal distributions, so that single estimates are negative as often as not.

    Raises:
        InvalidInputError: other shapes, values that are not finite, or fewer than two images.
    """
    reference = check_rows(reference)
    generated = check_rows(generated, width=reference.shape[1])
    if block < 2:
        raise InvalidInputError(f"A block holds at least two images, not {block}.")
    count = min(len(generated), len(reference))
    size = min(block, count)
    starts = range(0, count - size + 1, size)
    return interval([_mmd(generated[s : s + size], reference[s : s + size]) for s in starts])


def _mmd(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1.0) ** 3

    n = len(x)
    within = sum((k.sum() - np.trace(k)) / (n * (n - 1)) for k in (kernel(x, x), kernel(y, y)))
    return float(within - 2.0 * kernel(x, y).mean())
