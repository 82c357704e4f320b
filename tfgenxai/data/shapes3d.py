"""3D Shapes: an object in a room, 64 × 64 × 3, all 480,000 combinations of six factors."""

from __future__ import annotations

from tfgenxai.data.factor_sets import FactorSet, evenly
from tfgenxai.data.images import ImageData
from tfgenxai.data.request import Listing, Request

# Hues go round a colour circle, whose end would be its start again; orientation is in degrees.
_HUES = evenly(0, 0.9, 10)
_SET = FactorSet(
    name="shapes3d",
    channels=3,
    values={
        "floor_hue": _HUES,
        "wall_hue": _HUES,
        "object_hue": _HUES,
        "scale": evenly(0.75, 1.25, 8),
        "shape": ("cube", "cylinder", "sphere", "capsule"),
        "orientation": evenly(-30, 30, 15),
    },
    probe="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    how="TFDS downloads it (255 MB), or set TFDS_DATA_DIR to where it is prepared",
)


def load(request: Request) -> ImageData:
    """3D Shapes (Burgess and Kim 2018) through TFDS; see `FactorSet.load` for the splits."""
    return _SET.load(request)


def listing() -> Listing:
    """The row for `sources()`."""
    return _SET.listing()
