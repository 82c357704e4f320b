"""Query pixels chosen by what an image shows: on the stroke, and in the background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Grey above which a pixel is ink.
INK = 0.5


class Query(NamedTuple):
    """A pixel of an image, by name."""

    name: str
    row: int
    column: int


def choose_queries(image: np.ndarray) -> tuple[Query, ...]:
    """Three pixels on the stroke and three in the background of an image (H, W, C) in [0, 1].

    On the stroke: pixels deep in the ink near the digit's top, middle and bottom. In the
    background: the pixel farthest from ink within the digit's bounding box, the one farthest from
    ink at all, and the one farthest from ink in the image's other half. The first pixel in reading
    order where several are as good. An image without ink, or of ink alone, gives six pixels spread
    over it.
    """
    from scipy.ndimage import distance_transform_edt

    ink = np.asarray(image).mean(axis=-1) > INK
    height, width = ink.shape
    if not ink.any() or ink.all():
        rows = [height * (2 * i + 1) // 4 for i in range(2)]
        columns = [width * (2 * i + 1) // 6 for i in range(3)]
        return tuple(Query(f"pixel {r}, {c}", r, c) for r in rows for c in columns)
    depth, distance = distance_transform_edt(ink), distance_transform_edt(~ink)
    down, across = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    rows_of, columns_of = np.arange(height)[:, None], np.arange(width)[None]
    box = (rows_of >= down[0]) & (rows_of <= down[-1])
    box = box & (columns_of >= across[0]) & (columns_of <= across[-1])
    places = {
        # Deep in the ink, but rather at that height than deeper elsewhere.
        f"stroke, {name}": (depth - np.abs(rows_of - down[0] - part * np.ptp(down)), ink)
        for name, part in (("top", 0.15), ("middle", 0.5), ("bottom", 0.85))
    }
    far = int(np.argmax(distance)) % width
    other = columns_of >= width // 2 if far < width // 2 else columns_of < width // 2
    places |= {
        "background, near": (distance, box & ~ink),
        "background, far": (distance, ~ink),
        "background, other side": (distance, ~ink & other),
    }
    found = []
    for name, (score, among) in places.items():
        if among.any():
            best = int(np.argmax(np.where(among, score, -np.inf)))
            found.append(Query(name, best // width, best % width))
    return tuple(found)
