"""Stacked digits: a thousand known modes, of which a generator may drop many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

from tfgenxai.errors import InvalidInputError
from tfgenxai.metrics.features import read

if TYPE_CHECKING:
    from tfgenxai.graph import Graph

#: Number of stacks that the literature draws, so that hits can be told from misses.
STACKS = 26_000
CHANNELS = 3


@dataclass(frozen=True)
class StackedModes:
    """Modes among stacks of three digits.

    Attributes:
        modes: how many of the `total` were drawn at least once.
        total: K^3; 1,000 for digits.
        kl: KL(drawn || reference) over the modes, in nats; chance alone adds about
            (`modes` - 1) / 2n.
        n: number of stacks.
    """

    modes: int
    total: int
    kl: float
    n: int


def stacked_modes(stacks: np.ndarray, shares: np.ndarray) -> StackedModes:
    """How many modes `stacks` hit, and how evenly.

    Metz et al. 2017, "Unrolled Generative Adversarial Networks"; Srivastava et al. 2017,
    "VEEGAN". A mode is a triple of classes.

    Args:
        stacks: (n, 3), the class that a classifier sees in each channel.
        shares: (K,) how often each class occurs in real images; a stack of real images, which are
            independent, has the product of three.

    Raises:
        InvalidInputError: another shape, or a class outside of 0 to K - 1.
    """
    stacks, shares = np.asarray(stacks), np.asarray(shares, np.float64)
    classes = len(shares)
    if stacks.ndim != 2 or stacks.shape[1] != CHANNELS or not len(stacks):
        raise InvalidInputError(f"Stacks are classes (n, {CHANNELS}), not {stacks.shape}.")
    if stacks.min() < 0 or stacks.max() >= classes:
        raise InvalidInputError(f"A class is from 0 to {classes - 1}.")
    codes = stacks @ classes ** np.arange(CHANNELS)[::-1]
    total = classes**CHANNELS
    counts = np.bincount(codes, minlength=total)
    reference = np.einsum("a,b,c->abc", shares, shares, shares).ravel()
    kl = float(rel_entr(counts / len(stacks), reference).sum())
    return StackedModes(int(np.sum(counts > 0)), total, kl, len(stacks))


def stack(votes: np.ndarray, count: int = STACKS, seed: int = 0) -> np.ndarray:
    """Classes (count, 3) of stacks of three images each; `votes` (N,) are the images' classes.

    This is how a generator of single digits is measured: three independent draws, with
    replacement, are one stack.
    """
    return np.random.default_rng(seed).choice(np.asarray(votes), size=(count, CHANNELS))


def channel_votes(classify: Graph, images: np.ndarray) -> np.ndarray:
    """Classes (N, 3) of the channels of `images` (N, H, W, 3), each read as an image by itself."""
    if images.ndim != 4 or images.shape[-1] != CHANNELS:
        raise InvalidInputError(
            f"A generator of stacks draws images (N, H, W, {CHANNELS}), not {images.shape}."
        )
    channels = [read(classify, images[..., c : c + 1]).votes for c in range(CHANNELS)]
    return np.stack(channels, axis=1)
