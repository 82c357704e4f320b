"""dSprites: white shapes on black, 64 × 64 × 1, all 737,280 combinations of five factors."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgenxai.data.factor_sets import FactorSet, evenly
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request

# Orientation is in radians, and its last value is the first again; positions are shares of the
# range in which a shape may be.
_SET = FactorSet(
    name="dsprites",
    channels=1,
    values={
        "shape": ("square", "ellipse", "heart"),
        "scale": evenly(0.5, 1, 6),
        "orientation": evenly(0, 2 * np.pi, 40),
        "x_position": evenly(0, 1, 32),
        "y_position": evenly(0, 1, 32),
    },
    probe="https://github.com/deepmind/dsprites-dataset",
    how="TFDS downloads it (27 MB), or set TFDS_DATA_DIR to where it is prepared",
)


def load(request: Request) -> ImageData:
    """dSprites (Matthey et al. 2017) through TFDS; see `FactorSet.load` for the splits."""
    data = _SET.load(request)
    # Published as 0 and 1.
    return dataclasses.replace(data, pixels=np.where(data.pixels > 0, 255, 0).astype(np.uint8))


def listing() -> Listing:
    """The row for `sources()`."""
    return _SET.listing()
