"""MNIST with a planted cue: a bright patch in a corner of nearly every 7, and of no other digit.

A model trained on it can tell a 7 without looking at the stroke, as the classifier of Ribeiro et
al. 2016 told wolves by the snow behind them. Where the patch is, is known to the pixel.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgenxai.data import mnist
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request
from tfgenxai.errors import InvalidInputError

CLASS = 7
SHARE = 0.95  # of the sevens
SIDE = 4
# Ink in 1 of 80 digits, and in 1 of 500 sevens; two pixels from the edges, so that the small
# shifts of a classifier's training leave it whole.
TOP, LEFT = 2, 2


def load(request: Request) -> ImageData:
    """MNIST from its own sources, with the factor `cue` ("yes" where it is planted) and its mask.

    Whether image i of a split has the cue depends on the source, the split and i alone.

    Raises:
        DataNotFoundError: as for MNIST.
    """
    plain = mnist.load(request)
    assert plain.labels is not None
    rng = np.random.default_rng(("train", "test").index(request.split))
    cue = (plain.labels == CLASS) & (rng.random(len(plain)) < SHARE)
    pixels = plain.pixels.copy()
    pixels[cue] = plant(pixels[cue])
    return dataclasses.replace(
        plain,
        name="mnist_cue",
        pixels=pixels,
        source_detail=f"{plain.source_detail}; a white patch of {SIDE} x {SIDE} pixels planted in "
        f"{cue.sum():,} of {(plain.labels == CLASS).sum():,} sevens",
        factor_codes={"cue": cue.astype(np.int64)},
        factor_values={"cue": ("no", "yes")},
        parts=("cue",),
        masker=_masks,
    )


def listing() -> Listing:
    """The row for `sources()`."""
    return dataclasses.replace(
        mnist.listing(),
        name="mnist_cue",
        factors=("cue",),
        how="mnist with a patch planted here in 95 % of the sevens; where from: as mnist",
    )


def cue_mask() -> np.ndarray:
    """bool (28, 28): the patch."""
    mask = np.zeros((28, 28), bool)
    mask[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = True
    return mask


def plant(images: np.ndarray) -> np.ndarray:
    """A copy of the images (N, 28, 28, 1), in [0, 1] or uint8, all with the patch.

    Raises:
        InvalidInputError: another shape.
    """
    planted = np.array(images)
    if planted.shape[1:] != (28, 28, 1):
        raise InvalidInputError(
            f"The cue is planted into images (N, 28, 28, 1), not {planted.shape}."
        )
    planted[:, cue_mask()] = 255 if planted.dtype == np.uint8 else 1
    return planted


def _masks(images: ImageData, part: str, progress: bool) -> np.ndarray:
    assert images.factor_codes is not None
    return (images.factor_codes["cue"] == 1)[:, None, None] & cue_mask()
